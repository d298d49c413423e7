import type { IncomingMessage } from 'node:http';

declare global {
  // The namespace of @types/express and @types/passport: what an app declares of its user or
  // request there is known here too, and apps without these packages lose nothing.
  // eslint-disable-next-line @typescript-eslint/no-namespace -- the only way to merge with it
  namespace Express {
    // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- merged with the app's
    interface Request {}
    // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- merged with the app's
    interface User {}
  }
}

/** The request as the app's functions get it: Express's, or whatever else Passport was given. */
export type OktaDirectMfaRequest = IncomingMessage &
  Express.Request & {
    /** What a body parser has read, the only place where the strategy looks for its fields. */
    body?: unknown;
    /** Express: the client's address, found through `trust proxy`. */
    ip?: string | undefined;
  };

/** Reads something off the request; may declare it as the framework's own type of request. */
export type OktaDirectMfaRequestReader = Bivariant<[req: OktaDirectMfaRequest], string | undefined>;

/**
 * A function's type whose parameters are compared as a method's are, bivariantly, so that an app may
 * declare its request as `express.Request`.
 */
export type Bivariant<Args extends unknown[], Result> = {
  bivariant(this: void, ...args: Args): Result;
}['bivariant'];
