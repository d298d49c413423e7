import { randomUUID } from 'node:crypto';
import { OOB_FACTORS, oobChallengeRequest, pollGrant } from '../../factors/oob.js';
import { otpGrant } from '../../factors/otp.js';
import { passwordGrant } from '../../factors/password.js';
import { assertionGrant, webauthnChallengeRequest } from '../../factors/webauthn.js';
import { ChallengeEndpoint } from '../../okta/challenge-endpoint.js';
import { createClientAuthentication } from '../../okta/client-authentication.js';
import type { HttpClient } from '../../okta/http.js';
import { TokenEndpoint } from '../../okta/token-endpoint.js';
import type { OktaDirectMfaSecondFactor } from '../../transactions/transaction.js';
import type { Target } from '../settings.js';
import { answerOf, type Answer } from './answer.js';
import { fix, ok, skipped, unknown, type Check, type CheckId } from './check.js';

/** Nobody has this name: RFC 2606 §2 keeps `.invalid` out of the world. */
export const impossibleUsername = (): string =>
  `doctor-${randomUUID()}@passport-okta-direct-mfa.invalid`;

/**
 * The app at Okta, by requests that cannot succeed: a username that cannot exist, an `mfa_token` that
 * was never given.
 */
export class App {
  readonly #http: HttpClient;
  readonly #target: Target;
  readonly #challenge: ChallengeEndpoint;
  readonly #authenticateClient;
  readonly #username: string;

  constructor(http: HttpClient, target: Target, username: string) {
    this.#http = http;
    this.#target = target;
    this.#username = username;
    this.#authenticateClient = createClientAuthentication(target.clientID, target.credentials);
    this.#challenge = new ChallengeEndpoint({
      http,
      url: target.endpoints.challenge,
      authenticateClient: this.#authenticateClient,
    });
  }

  async check(factors: readonly OktaDirectMfaSecondFactor[]): Promise<Check[]> {
    const { scope } = this.#target;
    let password = await this.#askWithPassword(scope);
    const isScopeWrong = password.at === 'invalid_scope';
    const scopeAnswer = password;
    // The scope may have hidden what comes after it.
    if (isScopeWrong && scope !== 'openid') password = await this.#askWithPassword('openid');
    const answers = [scopeAnswer, password];
    const ofFactors = new Map<OktaDirectMfaSecondFactor, Answer>();
    if (!answers.some(({ at }) => at === 'invalid_client' || at === 'dpop')) {
      for (const factor of factors) {
        const answer = await this.#askWithFactor(factor, ofFactors);
        ofFactors.set(factor, answer);
        answers.push(answer);
      }
    }
    return [
      this.#judgeClient(answers),
      judgeDpop(answers),
      this.#judgeScope(scopeAnswer),
      this.#judgeGrant('grant:password', 'Resource Owner Password', answers, password),
      ...factors.map((factor) =>
        this.#judgeGrant(`grant:${factor}`, GRANTS[factor], answers, ofFactors.get(factor)),
      ),
    ];
  }

  #askWithPassword(scope: string): Promise<Answer> {
    const grant = passwordGrant({
      type: 'password',
      username: this.#username,
      password: randomUUID(),
    });
    return answerOf(() => this.#token(scope).request(grant, {}));
  }

  #token(scope = this.#target.scope): TokenEndpoint {
    return new TokenEndpoint({
      http: this.#http,
      url: this.#target.endpoints.token,
      scope,
      authenticateClient: this.#authenticateClient,
    });
  }

  /** The grant first, since it is the app's; then the factor itself. */
  async #askWithFactor(
    factor: OktaDirectMfaSecondFactor,
    earlier: ReadonlyMap<OktaDirectMfaSecondFactor, Answer>,
  ): Promise<Answer> {
    const mfaToken = randomUUID();
    if (factor === 'otp') {
      const grant = otpGrant({ type: 'otp', otp: '000000' }, { mfaToken });
      return await answerOf(() => this.#token().request(grant, {}));
    }
    if (factor === 'webauthn') {
      const clientData = {
        type: 'webauthn.get',
        challenge: randomUUID(),
        origin: 'https://invalid',
      };
      const grant = assertionGrant(
        {
          type: 'assertion',
          clientDataJSON: Buffer.from(JSON.stringify(clientData)).toString('base64url'),
          authenticatorData: 'AAAA',
          signature: 'AAAA',
        },
        { mfaToken },
      );
      const answer = await answerOf(() => this.#token().request(grant, {}));
      if (answer.at !== 'reached') return answer;
      return await answerOf(() =>
        this.#challenge.request(webauthnChallengeRequest({ mfaToken }), {}),
      );
    }
    // All four have the same grant: it is asked for once.
    const [same] = [...earlier].filter(([other]) => OOB.has(other)).map(([, answer]) => answer);
    const grant = pollGrant({ oobCode: randomUUID() }, { mfaToken });
    const answer = same ?? (await answerOf(() => this.#token().request(grant, {})));
    if (answer.at !== 'reached') return answer;
    return await answerOf(() =>
      this.#challenge.request(oobChallengeRequest(factor, { mfaToken }), {}),
    );
  }

  #judgeClient(answers: readonly Answer[]): Check {
    const { method } = this.#target.credentials;
    const refused = answers.find(({ at }) => at === 'invalid_client');
    if (refused !== undefined) {
      const secret = {
        none: 'whether it is a public client there: without OKTA_CLIENT_SECRET or OKTA_PRIVATE_KEY_FILE nothing proves it',
        client_secret_basic: 'OKTA_CLIENT_SECRET, and whether it uses a secret there',
        client_secret_post: 'OKTA_CLIENT_SECRET, and whether it uses a secret there',
        client_secret_jwt: 'OKTA_CLIENT_SECRET, and whether it uses client_secret_jwt there',
        private_key_jwt: 'OKTA_PRIVATE_KEY_FILE, OKTA_KEY_ID, and the public key there',
      }[method];
      return fix(
        'client',
        `${method}: ${refused.says}`,
        `Check the client ID, that the app is active in this org, and ${secret} (Okta admin console, Applications > the app > General).`,
      );
    }
    if (answers.some(({ at }) => at !== 'no_answer'))
      return ok('client', `accepted (client authentication: ${method})`);
    return unknown('client', answers[0]?.says ?? '', TRY_AGAIN);
  }

  #judgeScope(answer: Answer): Check {
    const { scope } = this.#target;
    switch (answer.at) {
      case 'reached':
        return ok('scope', scope);
      case 'invalid_scope':
        return fix(
          'scope',
          `${scope}: ${answer.says}`,
          'Take out what the authorization server does not have (Security > API > Scopes for a custom one), or grant it to the app.',
        );
      case 'no_answer':
        return unknown('scope', answer.says, TRY_AGAIN);
      case 'denied':
      case 'missing':
      case 'dpop':
      case 'invalid_client':
      case 'unauthorized_client':
      case 'unsupported_grant_type':
        return skipped('scope', 'not asked: the password grant did not come so far');
    }
  }

  #judgeGrant(
    id: CheckId,
    grant: string,
    answers: readonly Answer[],
    answer: Answer | undefined,
  ): Check {
    if (answer === undefined) {
      return skipped(id, SEE_ABOVE);
    }
    const isCustom = new URL(this.#target.issuer).pathname !== '/';
    const inPolicy = isCustom
      ? `Security > API > the authorization server > Access Policies: the rule that applies to this app needs the grant "${grant}"`
      : 'Direct Authentication must be available in the org (Identity Engine)';
    switch (answer.at) {
      case 'reached':
        return ok(id, `on (${answer.code}, as it should be)`);
      case 'unauthorized_client':
        return fix(
          id,
          `off for the app: ${answer.says}`,
          `In the Okta admin console, Applications > the app > General > Grant type > Advanced: check "${grant}".${id === 'grant:password' ? ' Only a native app has it.' : ''}`,
        );
      case 'unsupported_grant_type':
        return fix(id, `off at the authorization server: ${answer.says}`, `${inPolicy}.`);
      case 'missing':
        return fix(
          id,
          `not available: ${answer.says}`,
          'Direct Authentication must be available in the org (Identity Engine), with this factor.',
        );
      case 'denied':
        return fix(
          id,
          `off in the policy: ${answer.says}`,
          `In the Okta admin console, ${inPolicy}. Okta's System Log names the policy.`,
        );
      case 'invalid_scope':
        return answers[0]?.at === 'invalid_scope'
          ? skipped(id, 'not asked: see scope')
          : unknown(id, answer.says, TRY_AGAIN);
      case 'invalid_client':
      case 'dpop':
        return skipped(id, SEE_ABOVE);
      case 'no_answer':
        return unknown(id, answer.says, TRY_AGAIN);
    }
  }
}

const SEE_ABOVE = 'not asked: see client and dpop';
const TRY_AGAIN = "Try again in a while; Okta's System Log has the request.";

/** In the words of the admin console. */
const GRANTS: Readonly<Record<OktaDirectMfaSecondFactor, string>> = {
  otp: 'MFA OTP',
  push: 'MFA OOB',
  sms: 'MFA OOB',
  voice: 'MFA OOB',
  email: 'MFA OOB',
  webauthn: 'MFA WebAuthn',
};

const OOB: ReadonlySet<OktaDirectMfaSecondFactor> = new Set(OOB_FACTORS);

function judgeDpop(answers: readonly Answer[]): Check {
  const required = answers.find(({ at }) => at === 'dpop');
  if (required !== undefined) {
    return fix(
      'dpop',
      `required: ${required.says}`,
      'Applications > the app > General > Proof of possession: uncheck "Require Demonstrating Proof of Possession (DPoP) header in token requests".',
    );
  }
  if (answers.some(({ at }) => at === 'reached')) return ok('dpop', 'not required');
  if (answers.every(({ at }) => at === 'no_answer')) {
    return unknown('dpop', answers[0]?.says ?? '', TRY_AGAIN);
  }
  return skipped('dpop', 'not asked: no request came so far');
}
