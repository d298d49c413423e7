/** The Express app at which people wait, in a process of its own; prints its address. */
import { startExpress } from './express-app.js';

void startExpress(process.argv[2]!).then((url) => {
  process.stdout.write(`${JSON.stringify({ origin: url })}\n`);
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
