import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  OktaConfigurationError,
  OktaDirectMfaError,
  OktaResponseError,
} from '../../../lib/errors.js';
import { passwordGrant, secondFactorGrant } from '../../../lib/factors/index.js';
import { interpretError } from '../../../lib/okta/oauth-error.js';
import type { Grant } from '../../../lib/okta/request.js';
import type { Rejected } from '../../../lib/okta/state.js';
import { everyPrint } from '../../support/fixtures.js';
import { TRANSACTION } from '../support.js';

const PASSWORD = passwordGrant({ type: 'password', username: 'ada', password: 'hunter2' });
const OTP = secondFactorGrant({ type: 'otp', otp: '492713' }, TRANSACTION);
const BOTH = [
  ['the password grant', PASSWORD, 'invalid_credentials'],
  ['the MFA OTP grant', OTP, 'invalid_otp'],
] as const;

const interpret = (
  status: number,
  json: object | undefined,
  grant: Grant = PASSWORD,
  headers: Record<string, string> = {},
): Omit<Rejected, 'okta'> => {
  const body = json as Record<string, unknown> | undefined;
  const sent = () => ['hunter2', '492713'];
  const { okta, ...rest } = interpretError({ status, headers, json: body }, grant, sent);
  assert.equal(okta?.oktaStatus, status);
  assert.equal(okta.oktaError, body?.['error'] ?? body?.['errorCode']);
  return rest;
};
const rejected = (reason: string) => ({ type: 'rejected', reason });

function failure(...args: Parameters<typeof interpret>): OktaDirectMfaError {
  try {
    assert.fail(`expected an error, but got ${JSON.stringify(interpret(...args))}`);
  } catch (error) {
    assert.ok(error instanceof OktaDirectMfaError, String(error));
    assert.doesNotMatch(everyPrint(error), /hunter2|492713/);
    return error;
  }
}

describe('a rejection', () => {
  for (const [what, grant, reason] of BOTH) {
    it(`of ${what} is invalid_grant with any status of 4xx`, () => {
      for (const status of [400, 401, 403, 499]) {
        const json = { error: 'invalid_grant', error_description: 'whatever' };
        assert.deepEqual(interpret(status, json, grant), rejected(reason));
      }
    });
  }

  it('of the password is also E0000004', () => {
    const json = { errorCode: 'E0000004', errorSummary: 'Authentication failed' };
    assert.deepEqual(interpret(401, json), rejected('invalid_credentials'));
  });

  for (const errorCode of ['E0000064', 'E0000069']) {
    it(`of the password is also ${errorCode}, and of the passcode a denial`, () => {
      const json = { errorCode, errorSummary: 'Locked' };
      assert.deepEqual(interpret(401, json), rejected('invalid_credentials'));
      assert.deepEqual(interpret(401, json, OTP), rejected('access_denied'));
    });
  }

  it('of the passcode is also E0000068', () => {
    const json = { errorCode: 'E0000068', errorSummary: 'Invalid Passcode/Answer' };
    assert.deepEqual(interpret(403, json, OTP), rejected('invalid_otp'));
  });

  it("knows only its own grant's codes", () => {
    assert.equal(failure(403, { errorCode: 'E0000068' }, PASSWORD).code, 'okta_error');
    assert.equal(failure(403, { errorCode: 'E0000004' }, OTP).code, 'okta_error');
  });

  it('says to the operator what Okta said', () => {
    const json = { errorCode: 'E0000069', errorSummary: 'User Locked', errorId: 'oae1' };
    const headers = { 'x-okta-request-id': 'req-1' };
    const { okta } = interpretError({ status: 401, headers, json }, PASSWORD, () => ['hunter2']);
    assert.deepEqual(okta, {
      oktaError: 'E0000069',
      oktaDescription: 'User Locked',
      oktaErrorId: 'oae1',
      oktaRequestId: 'req-1',
      oktaStatus: 401,
    });
  });

  it('withholds a text that repeats what was sent', () => {
    const json = { error: 'invalid_grant', error_description: 'Not HUNTER2' };
    const { okta } = interpretError({ status: 400, headers: {}, json }, PASSWORD, () => [
      'hunter2',
    ]);
    assert.deepEqual([okta?.oktaError, okta?.oktaDescription], ['invalid_grant', undefined]);
  });

  it('needs no description, nor one that is a string', () => {
    for (const description of [undefined, null, 7, ['expired mfa_token']]) {
      const json = { error: 'invalid_grant', error_description: description };
      assert.deepEqual(interpret(400, json, OTP), rejected('invalid_otp'));
    }
  });
});

describe('an expired mfa_token', () => {
  const TEXT = 'The `mfa_token` has expired. Use a new `oob_code` or `mfa_token` and try again.';

  for (const [error, description] of [
    ['access_denied', TEXT],
    [
      'access_denied',
      "'mfa_token' has expired. Use a new 'oob_code' or 'mfa_token' and try again.",
    ],
    ['access_denied', 'EXPIRED: the MFA_TOKEN'],
    ['access_denied', "'oob_code' has expired. Use a new 'oob_code' and try again."],
    ['invalid_grant', TEXT],
    ['E0000006', 'The mfa_token is expired'],
  ] as const) {
    it(`is recognised in ${error}: ${description}`, () => {
      const json = { error, error_description: description };
      assert.deepEqual(interpret(400, json, OTP), rejected('mfa_transaction_expired'));
    });
  }

  it("is recognised in Okta's second error format too", () => {
    const json = { errorCode: 'E0000006', errorSummary: TEXT };
    assert.deepEqual(interpret(403, json, OTP), rejected('mfa_transaction_expired'));
  });

  it('is not what an expired passcode is', () => {
    const json = { error: 'invalid_grant', error_description: 'The passcode has expired.' };
    assert.deepEqual(interpret(400, json, OTP), rejected('invalid_otp'));
  });

  it('is not meant by a word that only contains it', () => {
    const json = { error: 'access_denied', error_description: 'unexpiredness of mfa_token' };
    assert.deepEqual(interpret(400, json, OTP), rejected('access_denied'));
  });

  for (const description of ['The password has expired.', 'Your account has expired', 'expired']) {
    it(`is not meant of something else that has expired: ${description}`, () => {
      const json = { error: 'access_denied', error_description: description };
      assert.deepEqual(interpret(403, json, OTP), rejected('access_denied'));
    });
  }

  it('is not what a passcode that has expired is, though a new one is wanted', () => {
    const json = {
      error: 'invalid_grant',
      error_description: 'It has expired. Use a new passcode.',
    };
    assert.deepEqual(interpret(400, json, OTP), rejected('invalid_otp'));
  });

  for (const json of [
    { error: 'expired_token' },
    { errorCode: 'E0000011', errorSummary: 'Invalid token provided' },
    { error: 'invalid_scope' },
  ]) {
    it(`is what ${JSON.stringify(json)} means of a passcode alone`, () => {
      assert.deepEqual(interpret(400, json, OTP), rejected('mfa_transaction_expired'));
      assert.ok(failure(400, json) instanceof OktaDirectMfaError);
    });
  }

  it('cannot be meant of a password', () => {
    for (const [error, description, reason] of [
      ['access_denied', 'Your account has expired.', 'access_denied'],
      ['invalid_grant', 'mfa_token has expired.', 'invalid_credentials'],
    ] as const) {
      const json = { error, error_description: description };
      assert.deepEqual(interpret(400, json, PASSWORD), rejected(reason));
    }
  });
});

describe('access_denied', () => {
  for (const [what, grant] of BOTH) {
    it(`is a rejection of ${what}, in both of Okta's formats`, () => {
      const json = { error: 'access_denied', error_description: 'Policy denied access.' };
      assert.deepEqual(interpret(403, json, grant), rejected('access_denied'));
      const second = { errorCode: 'E0000006', errorSummary: 'You do not have permission.' };
      assert.deepEqual(interpret(403, second, grant), rejected('access_denied'));
    });
  }
});

describe('a rate limit', () => {
  it('is E0000047 also without the status 429', () => {
    const limited = { type: 'rejected', reason: 'rate_limited' };
    const json = { errorCode: 'E0000047' };
    assert.deepEqual(interpret(403, json, OTP, { 'retry-after': '7' }), {
      ...limited,
      retryAfter: 7,
    });
    assert.deepEqual(interpret(403, json), { ...limited, retryAfter: undefined });
  });
});

describe('E0000047 with another status than 4xx', () => {
  for (const status of [302, 500, 503]) {
    it(`is what HTTP ${status} is`, () => {
      assert.match(
        failure(status, { errorCode: 'E0000047' }).message,
        new RegExp(`HTTP ${status}`),
      );
    });
  }
});

describe('an error of the configuration', () => {
  for (const [code, hint] of [
    ['invalid_client', /clientID.*clientSecret or privateKey/],
    ['unauthorized_client', /Resource Owner Password, MFA OTP and, for other factors, MFA OOB/],
    ['unsupported_grant_type', /Direct Authentication must be enabled/],
    ['invalid_scope', /scope option/],
    ['invalid_dpop_proof', /turn off "Require Demonstrating Proof of Possession/],
    ['use_dpop_nonce', /turn off "Require Demonstrating Proof of Possession/],
  ] as const) {
    for (const [what, grant] of BOTH) {
      // The scope option was changed between the two steps.
      if (code === 'invalid_scope' && grant === OTP) continue;
      it(`is ${code} for ${what}, and says what to check`, () => {
        const json = { error: code, error_description: 'Not so.' };
        const error = failure(400, json, grant, { 'x-okta-request-id': 'req-1' });
        assert.ok(error instanceof OktaConfigurationError);
        assert.deepEqual(
          [error.code, error.status, error.oktaError, error.oktaRequestId],
          [code, 500, code, 'req-1'],
        );
        assert.match(error.message, hint);
        assert.ok(error.message.endsWith(` Okta says ${code}: Not so.`), error.message);
        assert.deepEqual([error.oktaDescription, error.oktaStatus], ['Not so.', 400]);
      });
    }
  }
});

describe('any other error', () => {
  for (const [what, grant] of BOTH) {
    it(`of ${what} keeps Okta's code, and withholds words that quote a secret`, () => {
      const json = { error: 'new_error', error_description: 'Okta dislikes "hunter2", "492713".' };
      const error = failure(400, json, grant, { 'x-okta-request-id': 'req-1' });
      assert.ok(error instanceof OktaResponseError);
      assert.deepEqual(
        [error.code, error.status, error.oktaError, error.oktaRequestId],
        ['okta_error', 502, 'new_error', 'req-1'],
      );
      assert.equal(
        error.message,
        'Okta rejected the request with HTTP 400 new_error: (its text is withheld because it repeats what was sent)',
      );
    });
  }

  it("keeps the id of Okta's second format", () => {
    const json = { errorCode: 'E0000003', errorSummary: 'Not well formed', errorId: 'oae-1_x' };
    const error = failure(400, json);
    assert.deepEqual([error.oktaError, error.oktaErrorId], ['E0000003', 'oae-1_x']);
    assert.match(error.message, /E0000003: Not well formed/);
  });

  it('drops an id that cannot be one, which could forge lines of a log or hold anything', () => {
    for (const errorId of ['a\nERROR', 'x y', '<b>', 'x'.repeat(101), '', 7, ['a']]) {
      const json = { errorCode: 'E0000003', errorId };
      const error = failure(400, json, OTP, { 'x-okta-request-id': 'a b' });
      assert.deepEqual([error.oktaErrorId, error.oktaRequestId], [undefined, undefined]);
    }
  });

  it('has no secret even as its code', () => {
    const json = { error: 'hunter2', error_description: 'hunter2' };
    assert.equal(failure(400, json).oktaError, '(withheld)');
    assert.equal(failure(500, json).oktaError, '(withheld)');
  });

  it('cuts a description of a megabyte', () => {
    const long = 'long '.repeat(200_000);
    assert.ok(failure(400, { error: 'x', error_description: long }).message.length < 400);
    assert.ok(everyPrint(failure(400, { error: long })).length < 20_000);
  });

  it('lets no control character into the message', () => {
    const json = { error: 'a\u0000b', error_description: 'one\r\n[ERROR] two\u001b[2J\u2028' };
    const error = failure(400, json);
    // eslint-disable-next-line no-control-regex -- control characters are what this is about
    assert.doesNotMatch(error.message, /[\u0000-\u001f\u2028]/);
    assert.match(error.message, /a b: one \[ERROR\] two/);
  });

  it('has no secret where a text comes without a code', () => {
    for (const json of [
      { error_description: 'Not hunter2' },
      { errorSummary: 'Not 492713', error: '' },
    ]) {
      for (const status of [400, 403, 500]) {
        assert.equal(failure(status, json).oktaDescription, undefined);
      }
    }
    assert.equal(failure(400, { error_description: 'No.' }).oktaDescription, 'No.');
  });

  it('says nothing of a text that there is not', () => {
    const { message, oktaDescription } = failure(400, { error: 'new_error' });
    assert.equal(message, 'Okta rejected the request with HTTP 400 new_error');
    assert.equal(oktaDescription, undefined);
  });

  for (const code of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    it(`takes the code ${code} as any other`, () => {
      const error = failure(400, { error: code });
      assert.deepEqual([error.code, error.oktaError], ['okta_error', code]);
    });
  }
});

describe('a response that is not one to a token request', () => {
  for (const [status, code] of [
    [201, 'invalid_response'],
    [204, 'invalid_response'],
    [302, 'invalid_response'],
    [307, 'invalid_response'],
    [400, 'invalid_response'],
    [401, 'invalid_response'],
    [404, 'invalid_response'],
    [500, 'okta_error'],
    [502, 'okta_error'],
    [503, 'okta_error'],
  ] as const) {
    it(`is HTTP ${status} without JSON: ${code}`, () => {
      const error = failure(status, undefined);
      assert.ok(error instanceof OktaResponseError);
      assert.equal(error.code, code);
      assert.match(error.message, new RegExp(`HTTP ${status}, which is not a token response`));
    });
  }

  for (const [what, grant] of BOTH) {
    for (const json of [
      { error: 'invalid_grant' },
      { error: 'access_denied', error_description: 'mfa_token has expired' },
      { error: 'invalid_client' },
      { errorCode: 'E0000004' },
    ]) {
      it(`is a 5xx for ${what}, whatever it says (${JSON.stringify(json)})`, () => {
        const error = failure(500, { ...json, errorId: 'oae1' }, grant);
        assert.deepEqual(
          [error.code, error.status, error.oktaErrorId, error.oktaError],
          ['okta_error', 502, 'oae1', Object.values(json)[0]],
        );
      });
    }
  }

  it('is a redirect, whatever it says', () => {
    assert.equal(failure(302, { error: 'invalid_grant' }).code, 'invalid_response');
    const error = failure(302, { error: 'mfa_required', mfa_token: 'm' });
    assert.equal(error.code, 'invalid_response');
    assert.match(error.message, /HTTP 302 mfa_required, which is not a token response/);
  });

  for (const json of [
    [{ error: 'invalid_grant' }],
    { error: ['invalid_grant'] },
    { error: { code: 'invalid_grant' } },
    { error: 7 },
    { error: '' },
    { error: null },
    { errorCode: ['E0000004'] },
    {},
    JSON.parse('{"__proto__":{"error":"invalid_grant"}}') as object,
  ]) {
    it(`is a 4xx without a code: ${JSON.stringify(json)}`, () => {
      assert.equal(failure(400, json).code, 'invalid_response');
    });
  }
});
