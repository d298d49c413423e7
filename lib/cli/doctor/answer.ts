import {
  OktaConfigurationError,
  OktaDirectMfaError,
  type OktaConfigurationErrorCode,
  type OktaReference,
} from '../../errors.js';
import type { Challenged } from '../../okta/challenge-endpoint.js';
import type { Rejected } from '../../okta/state.js';
import type { TokenResponse } from '../../okta/token-endpoint.js';

/** Okta's codes that are about the app. */
type AppCode =
  'invalid_client' | 'unauthorized_client' | 'unsupported_grant_type' | 'invalid_scope';

/** How far a request came that cannot succeed. */
export interface Answer {
  /**
   * `reached`: the person, or what the request carries, is wrong, as it has to be: everything before
   * that is right. `denied`: refused by a policy. `missing`: Okta knows no such endpoint or channel. Else
   * Okta's code, DPoP, or that nobody can tell.
   */
  at: 'reached' | 'denied' | 'missing' | 'no_answer' | 'dpop' | AppCode;
  says: string;
  /** Okta's error code, or what came instead of one. */
  code: string;
}

/** @param request one that cannot succeed */
export async function answerOf(
  request: () => Promise<TokenResponse | Challenged | Rejected>,
): Promise<Answer> {
  try {
    const state = await request();
    if (state.type !== 'rejected') return { at: 'reached', says: state.type, code: state.type };
    const says = wordsOf(state.okta ?? {});
    const code = state.okta?.oktaError ?? state.reason;
    switch (state.reason) {
      case 'access_denied':
        return { at: 'denied', says, code };
      case 'rate_limited': {
        const wait = state.retryAfter === undefined ? '' : ` for ${state.retryAfter} s`;
        return { at: 'no_answer', says: `${says} (Okta's rate limit${wait})`, code };
      }
      // Of a person whom the policies let through.
      case 'factor_unavailable':
      case 'invalid_credentials':
      case 'invalid_otp':
      case 'push_rejected':
      case 'webauthn_failed':
      case 'challenge_expired':
      case 'mfa_transaction_expired':
      case 'mfa_not_enforced':
        return { at: 'reached', says, code };
    }
  } catch (error) {
    if (!(error instanceof OktaDirectMfaError)) throw error;
    const { code, oktaError, oktaStatus } = error;
    if (oktaError === undefined) return { at: 'no_answer', says: error.message, code };
    const says = wordsOf(error);
    if (error instanceof OktaConfigurationError) return { at: aboutApp(error.code), says, code };
    if (oktaStatus === 404) return { at: 'missing', says, code };
    if (oktaError !== 'invalid_request') return { at: 'no_answer', says, code };
    // Only its words say what is wrong with the request.
    const isUnsupported = /channel_hint|challenge_type|grant_type/.test(
      error.oktaDescription ?? '',
    );
    return { at: isUnsupported ? 'missing' : 'reached', says, code: oktaError };
  }
}

function aboutApp(code: OktaConfigurationErrorCode): Answer['at'] {
  switch (code) {
    case 'invalid_client':
    case 'unauthorized_client':
    case 'unsupported_grant_type':
    case 'invalid_scope':
      return code;
    case 'invalid_dpop_proof':
    case 'use_dpop_nonce':
      return 'dpop';
    // Of the strategy's own.
    case 'session_missing':
    case 'session_in_browser':
    case 'fastify_request':
    case 'body_parser_missing':
    case 'verify_undecided':
      return 'no_answer';
  }
}

function wordsOf({ oktaStatus, oktaError, oktaDescription }: OktaReference): string {
  return [oktaStatus, oktaError, oktaDescription].filter((part) => part !== undefined).join(' ');
}
