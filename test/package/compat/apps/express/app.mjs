// Express 4 or 5 in ESM, with a named import from the package.
import session from 'express-session';
import passport from 'passport';
import { OktaDirectMfaStrategy } from 'passport-okta-direct-mfa';
import { startServer } from './server.cjs';

const { default: express } = await import(process.env.EXPRESS);
startServer({ express, session, passport, OktaDirectMfaStrategy });
