import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { clock } from './clock.js';
import { setPrintEvery } from './checks.js';
import { falsify, PROPERTIES } from './properties.js';

const RUNS = 2500;
const SEED = 20_260_701;

describe('Whatever comes, the contract holds:', () => {
  let putBack: () => void;
  before(() => {
    setPrintEvery(20);
    putBack = clock.install();
  });
  after(() => putBack());

  for (const property of PROPERTIES) {
    const runs = Math.round((RUNS * property.share) / 100);
    it(`${property.name}, ${runs} cases`, async () => {
      assert.equal(await falsify(property, { runs, seed: SEED }), undefined);
    });
  }
});
