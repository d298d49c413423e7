import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { verify as verifyJwt, type JwtPayload } from 'jsonwebtoken';
import { OAuth2 } from 'oauth';
import * as oauth4webapi from 'oauth4webapi';
import * as openidClient from 'openid-client';
import { Strategy as BaseStrategy } from 'passport-strategy';
import { Agent, request } from 'undici';
import { OktaDirectMfaStrategy } from 'passport-okta-direct-mfa';
import { passwordGrant, secondFactorGrant } from '../lib/factors/index.js';
import { createOktaClient } from '../lib/okta/client.js';
import { endpointsOf } from '../lib/options/issuer.js';
import { CLIENT_ID, PASSCODE } from './constants.js';
import { passportLogin } from './harness.js';

export interface Contestant {
  /** What it is, in the table. */
  title: string;
  /** Gives a function that does one login and rejects if it does not succeed. */
  prepare: (origin: string) => Prepared | Promise<Prepared>;
}

type Prepared = () => Promise<{ sessionBytes: number } | void>;

const GRANT = 'http://auth0.com/oauth/grant-type/mfa-otp';
const SCOPE = 'openid profile';
const USER = { username: 'bench@example.com', password: 'correct horse battery staple' };

type Form = Record<string, string>;
type Json = Record<string, unknown>;
/** One call to `/token`: whatever the contestant does it with. */
type Post = (form: Form) => Promise<{ status: number; json: Json }>;

function passwordForm({ username, password }: { username: string; password: string }): Form {
  return { grant_type: 'password', scope: SCOPE, username, password, client_id: CLIENT_ID };
}

function otpForm(mfaToken: unknown, otp: string): Form {
  return {
    grant_type: GRANT,
    scope: SCOPE,
    mfa_token: String(mfaToken),
    otp,
    client_id: CLIENT_ID,
  };
}

/** The two calls of a login, as a client makes them. */
interface Calls<Finished = string | undefined> {
  /** Resolves to the `mfa_token`. */
  start: (user: typeof USER) => Promise<string>;
  /** Resolves to the verified `sub`, where the client verifies. */
  finish: (mfaToken: string, otp: string) => Promise<Finished>;
}

/** Without a verification. */
function callsOf(post: Post): Calls<string> {
  return {
    async start(user) {
      const { status, json } = await post(passwordForm(user));
      if (status !== 403 || json['error'] !== 'mfa_required') throw new Error('no mfa_required');
      return String(json['mfa_token']);
    },
    /** Resolves to the ID token. */
    async finish(mfaToken, otp) {
      const { status, json } = await post(otpForm(mfaToken, otp));
      if (status !== 200 || typeof json['id_token'] !== 'string') throw new Error('no tokens');
      return json['id_token'];
    },
  };
}

/** The two calls and nothing else. */
function callsAlone({ start, finish }: Calls): Prepared {
  return async () => void (await finish(await start(USER), PASSCODE));
}

/** A bare strategy: the calls, one verification, the session rotated and saved; no check more. */
class BareStrategy extends BaseStrategy {
  constructor(private readonly calls: Calls) {
    super();
  }

  override authenticate(req: never): void {
    this.run(req).catch((error: unknown) => this.error(error as Error));
  }

  private async run(req: {
    body: Form;
    session: { mfaToken?: string; regenerate(cb: () => void): void; save(cb: () => void): void };
  }): Promise<void> {
    const { username, password, otp } = req.body;
    if (username !== undefined && password !== undefined) {
      const mfaToken = await this.calls.start({ username, password });
      await new Promise<void>((resolve) => req.session.regenerate(() => resolve()));
      req.session.mfaToken = mfaToken;
      await new Promise<void>((resolve) => req.session.save(() => resolve()));
      return this.fail({ code: 'mfa_required' } as never, 403);
    }
    const id = await this.calls.finish(String(req.session.mfaToken), String(otp));
    delete req.session.mfaToken;
    this.success({ id });
  }
}

function bareLogin(calls: Calls): Prepared {
  const login = passportLogin(new BareStrategy(calls));
  return () => login({ ...USER, otp: PASSCODE });
}

async function publicKey(origin: string): Promise<KeyObject> {
  const { body } = await request(`${origin}/oauth2/v1/keys`);
  const { keys } = (await body.json()) as { keys: JsonWebKey[] };
  return createPublicKey({ key: keys[0]!, format: 'jwk' });
}

function bare(postTo: (origin: string) => Post): Contestant['prepare'] {
  return async (origin) => {
    const key = await publicKey(origin);
    const { start, finish } = callsOf(postTo(origin));
    const rules = { algorithms: ['RS256' as const], issuer: origin, audience: CLIENT_ID };
    return bareLogin({
      start,
      finish: async (mfaToken, otp) =>
        (verifyJwt(await finish(mfaToken, otp), key, rules) as JwtPayload).sub,
    });
  };
}

/** A dispatcher of the same kind as the strategy's. */
const undiciPost = (origin: string): Post => {
  const dispatcher = new Agent();
  return async (form) => {
    const { statusCode, body } = await request(`${origin}/oauth2/v1/token`, {
      method: 'POST',
      dispatcher,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
    });
    return { status: statusCode, json: JSON.parse(await body.text()) as Json };
  };
};

const fetchPost =
  (origin: string): Post =>
  async (form) => {
    const response = await fetch(`${origin}/oauth2/v1/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: new URLSearchParams(form),
    });
    return { status: response.status, json: (await response.json()) as Json };
  };

/** passport-oauth2's HTTP: its `OAuth2` with a grant of its own. */
const oauthPost = (origin: string): Post => {
  const client = new OAuth2(CLIENT_ID, '', origin, '/authorize', '/oauth2/v1/token') as OAuth2 & {
    _request: (
      method: string,
      url: string,
      headers: Form,
      body: string,
      accessToken: null,
      callback: (error: { statusCode: number; data: string } | null, data: string) => void,
    ) => void;
  };
  return (form) =>
    new Promise((resolve) => {
      const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
      const body = new URLSearchParams(form).toString();
      client._request('POST', `${origin}/oauth2/v1/token`, headers, body, null, (error, data) =>
        resolve({
          status: error?.statusCode ?? 200,
          json: JSON.parse(error?.data ?? data) as Json,
        }),
      );
    });
};

/** Its generic grants, with the ID token verified. */
function openidCalls(origin: string): Calls {
  const server = {
    issuer: origin,
    token_endpoint: `${origin}/oauth2/v1/token`,
    jwks_uri: `${origin}/oauth2/v1/keys`,
  };
  const none = openidClient.None();
  const config = new openidClient.Configuration(server, CLIENT_ID, undefined, none);
  openidClient.allowInsecureRequests(config);
  openidClient.enableNonRepudiationChecks(config);
  return {
    async start(user) {
      try {
        await openidClient.genericGrantRequest(config, 'password', { ...user, scope: SCOPE });
      } catch (error) {
        const mfaToken = ((error as { cause?: Json }).cause ?? {})['mfa_token'];
        if (typeof mfaToken === 'string') return mfaToken;
      }
      throw new Error('no mfa_required');
    },
    async finish(mfaToken, otp) {
      const form = { scope: SCOPE, mfa_token: mfaToken, otp };
      const tokens = await openidClient.genericGrantRequest(config, GRANT, form);
      const sub = tokens.claims()?.sub;
      if (sub === undefined) throw new Error('no tokens');
      return sub;
    },
  };
}

export const CONTESTANTS = {
  limit: {
    title: 'undici.request + JSON.parse (the limit)',
    prepare: (origin) => callsAlone(callsOf(undiciPost(origin))),
  },
  floor: { title: 'bare strategy on undici (the floor)', prepare: bare(undiciPost) },
  protocol: {
    title: "this package's protocol layer alone",
    prepare(origin) {
      const client = createOktaClient({
        issuer: origin,
        clientID: CLIENT_ID,
        endpoints: endpointsOf(new URL(origin)),
        credentials: { method: 'none' },
        scope: SCOPE,
        clockTolerance: 60,
        requireMfa: true,
        userInfo: false,
        dispatcher: new Agent(),
        timeout: 10_000,
      });
      return async () => {
        const first = await client.start(passwordGrant({ type: 'password', ...USER }), {});
        if (first.type !== 'mfa_required') throw new Error('no mfa_required');
        const { mfaToken } = first;
        const { username } = USER;
        const transaction = {
          id: '',
          mfaToken,
          username,
          expiresAt: 0,
          attempts: 0,
          clientDigest: '',
        };
        const factor = { type: 'otp', otp: PASSCODE } as const;
        const second = await client.resume(secondFactorGrant(factor, transaction), {});
        if (second.type !== 'authenticated') throw new Error('no login');
      };
    },
  },
  strategy: {
    title: 'this package under passport.authenticate',
    prepare(origin) {
      // For the measurement over TLS: the certificate that the endpoint has made for itself.
      const ca = process.env['BENCH_CA'];
      const strategy = new OktaDirectMfaStrategy(
        {
          issuer: origin,
          clientID: CLIENT_ID,
          allowInsecureIssuer: true,
          dispatcher: new Agent(ca === undefined ? {} : { connect: { ca } }),
        },
        (_tokens, profile, done) => done(null, { id: profile.id }),
      );
      const login = passportLogin(strategy);
      return () => login({ ...USER, otp: PASSCODE });
    },
  },
  'oauth-calls': {
    title: "the oauth package's calls alone",
    prepare: (origin) => callsAlone(callsOf(oauthPost(origin))),
  },
  'oauth-strategy': { title: 'bare strategy on the oauth package', prepare: bare(oauthPost) },
  oauth4webapi: {
    title: 'oauth4webapi',
    prepare(origin) {
      const server: oauth4webapi.AuthorizationServer = {
        issuer: origin,
        token_endpoint: `${origin}/oauth2/v1/token`,
        jwks_uri: `${origin}/oauth2/v1/keys`,
      };
      const client: oauth4webapi.Client = { client_id: CLIENT_ID };
      const ask = (grantType: string, form: Form) =>
        oauth4webapi.genericTokenEndpointRequest(
          server,
          client,
          oauth4webapi.None(),
          grantType,
          form,
          {
            [oauth4webapi.allowInsecureRequests]: true,
          },
        );
      return async () => {
        const first = await ask('password', { ...USER, scope: SCOPE });
        const { error, mfa_token } = (await first.json()) as Json;
        if (error !== 'mfa_required') throw new Error('no mfa_required');
        const second = await ask(GRANT, {
          scope: SCOPE,
          mfa_token: String(mfa_token),
          otp: PASSCODE,
        });
        const tokens = await oauth4webapi.processGenericTokenEndpointResponse(
          server,
          client,
          second,
        );
        await oauth4webapi.validateApplicationLevelSignature(server, second, {
          [oauth4webapi.allowInsecureRequests]: true,
        });
        if (tokens.id_token === undefined) throw new Error('no tokens');
      };
    },
  },
  'openid-client': {
    title: "openid-client's calls alone",
    prepare: (origin) => callsAlone(openidCalls(origin)),
  },
  'openid-strategy': {
    title: 'bare strategy on openid-client',
    prepare: (origin) => bareLogin(openidCalls(origin)),
  },
  fetch: {
    title: "hand-written fetch, as in Okta's guide",
    prepare: (origin) => callsAlone(callsOf(fetchPost(origin))),
  },
} satisfies Record<string, Contestant>;

export type ContestantName = keyof typeof CONTESTANTS;
