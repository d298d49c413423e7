import { subscribe } from 'node:diagnostics_channel';
import { OUTCOME_CHANNEL, type OutcomeEvent } from 'passport-okta-direct-mfa';
import { Counter, Histogram } from 'prom-client';

// Each label has a fixed list of values. No username, `sub`, address or tenant: a label with a value
// for each person makes a time series for each, and puts names where many can read them.
const requests = new Counter({
  name: 'okta_sign_in_requests_total',
  help: 'Requests of sign-ins that the strategy has handled.',
  labelNames: ['outcome', 'step', 'factor', 'code'] as const,
});

const okta = new Histogram({
  name: 'okta_sign_in_okta_seconds',
  help: "Time spent waiting for Okta's answer.",
  labelNames: ['step'] as const,
  buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
});

subscribe(OUTCOME_CHANNEL, (message) => {
  const { outcome, step, factor, code, oktaDuration } = message as OutcomeEvent;
  requests.inc({ outcome, step, factor: factor ?? 'none', code: code ?? 'none' });
  if (oktaDuration > 0) okta.observe({ step }, oktaDuration / 1000);
});
