/**
 * The process that one contestant has for itself. It takes rounds as messages of its parent and answers
 * with what they cost.
 */
import { CONTESTANTS, type Contestant, type ContestantName } from './contestants.js';
import { measure, type Round } from './measure.js';

const [name, origin] = process.argv.slice(2) as [ContestantName, string];
const contestant: Contestant = CONTESTANTS[name];

async function main(): Promise<void> {
  const login = await contestant.prepare(origin);
  process.on('message', (round: Round) => {
    measure(login, round).then(
      (result) => process.send!(result),
      (error: unknown) => {
        // A contestant whose logins fail is not fast.
        console.error(`${contestant.title}:`, error);
        process.exit(1);
      },
    );
  });
  process.send!('ready');
}

void main();
