import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MAX_ENTRIES, Storage } from '../../../example/okta/adapter.js';
import {
  CHALLENGE_LIFETIME,
  Challenges,
  MAX_CHALLENGES,
} from '../../../example/okta/challenges.js';
import { MAX_TRANSACTIONS, MfaTransactions } from '../../../example/okta/mfa-transactions.js';
import { newUser } from '../../../example/okta/users.js';

describe('what the stand-in remembers', () => {
  it('keeps a bounded number of entries, the newest', async () => {
    const storage = new Storage(new Map());
    const tokens = storage.adapter('AccessToken');
    for (let n = 0; n < MAX_ENTRIES + 500; n += 1) await tokens.upsert(String(n), {}, 3600);

    assert.equal(storage.size, MAX_ENTRIES);
    assert.equal(await tokens.find('499'), undefined);
    assert.ok(await tokens.find('500'));
  });

  it('forgets what has expired, also what nobody asks for', async () => {
    let clock = 1_000_000;
    const storage = new Storage(new Map(), () => clock);
    const tokens = storage.adapter('AccessToken');
    for (let n = 0; n < 999; n += 1) await tokens.upsert(String(n), {}, 10);
    clock += 9_999;
    assert.ok(await tokens.find('0'));
    clock += 1;
    assert.equal(await tokens.find('0'), undefined);
    await tokens.upsert('new', {}, 10);
    assert.equal(storage.size, 1);
  });

  it('ends everything of one grant at once', async () => {
    const storage = new Storage(new Map());
    const [access, refresh] = [storage.adapter('AccessToken'), storage.adapter('RefreshToken')];
    await access.upsert('a', { grantId: 'g' }, 10);
    await refresh.upsert('r', { grantId: 'g' }, 10);
    await refresh.upsert('other', { grantId: 'h' }, 10);
    await access.revokeByGrantId('g');

    assert.equal(await access.find('a'), undefined);
    assert.equal(await refresh.find('r'), undefined);
    assert.ok(await refresh.find('other'));
  });

  it('keeps a bounded number of transactions, and forgets the expired', () => {
    let clock = 0;
    const transactions = new MfaTransactions(300, () => clock);
    const waiting = { user: newUser(), clientId: 'c', scope: 'openid', verified: [] };
    const first = transactions.start(waiting);
    for (let n = 0; n < MAX_TRANSACTIONS; n += 1) transactions.start(waiting);
    assert.equal(transactions.size, MAX_TRANSACTIONS);
    assert.equal(transactions.find(first), undefined);

    clock += 300_000;
    const next = transactions.start(waiting);
    assert.equal(transactions.size, 1);
    assert.ok(transactions.find(next));
  });

  it('keeps a bounded number of challenges, and forgets those long expired', () => {
    let clock = 0;
    const challenges = new Challenges(() => clock);
    const user = newUser({ factors: { sms: '1' } });
    const first = challenges.start(user, 'first', 'sms');
    for (let n = 1; n < MAX_CHALLENGES; n += 1) challenges.start(user, String(n), 'sms');
    assert.equal(challenges.find(first.key), first);
    challenges.start(user, 'last', 'sms');
    assert.equal(challenges.find(first.key), undefined);

    const second = challenges.start(user, 'second', 'sms');
    clock += CHALLENGE_LIFETIME * 1000;
    assert.equal(challenges.isGood(second), false);
    challenges.start(user, 'third', 'sms');
    assert.equal(challenges.find(second.key), second);
    clock += CHALLENGE_LIFETIME * 1000;
    challenges.start(user, 'fourth', 'sms');
    assert.equal(challenges.find(second.key), undefined);
  });
});
