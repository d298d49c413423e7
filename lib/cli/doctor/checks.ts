import type { OktaDirectMfaSecondFactor } from '../../transactions/transaction.js';
import { createHttpClient } from '../../okta/http.js';
import type { Network } from '../network.js';
import type { Target } from '../settings.js';
import { App } from './app.js';
import { allChecks, skipped, type Check } from './check.js';
import { checkClock, checkConnection, checkIssuer, checkKeys, checkMetadata } from './server.js';

/** What is looked at. */
export interface Examination {
  target: Target;
  factors: readonly OktaDirectMfaSecondFactor[];
  network: Network;
  /** In the requests that cannot succeed. */
  username: string;
}

/** Every check, in order, each as soon as it is done. */
export async function* examine(examination: Examination): AsyncGenerator<Check> {
  const left = allChecks(examination.factors);
  let stopped = '';
  for await (const check of steps(examination)) {
    left.splice(left.indexOf(check.id), 1);
    stopped = check.id;
    yield check;
  }
  for (const id of left) yield skipped(id, `not asked: see ${stopped}`);
}

/** Ends where nothing more can be asked. */
async function* steps({ target, factors, network, username }: Examination): AsyncGenerator<Check> {
  yield checkIssuer(target);
  const http = createHttpClient(target);
  const { check, response, date } = await checkConnection(http, target, network);
  yield check;
  if (response === undefined || date === undefined) return;
  const metadata = checkMetadata(response, target);
  yield metadata.check;
  if (!metadata.isOkta) return;
  yield await checkKeys(http, target);
  yield checkClock(date, target);
  yield* await new App(http, target, username).check(factors);
}
