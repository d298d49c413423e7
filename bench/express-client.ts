/**
 * The whole Express app in the process that is measured, asked over HTTP by a driver in another: what
 * a login costs with HTTP parsing, cookies, body parser and session on top of the strategy.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { startExpress } from './express-app.js';
import type { Result, Round } from './measure.js';

void startExpress(process.argv[3]!).then((url) => {
  const driver = fork(join(__dirname, 'driver.js'), [url], {
    execArgv: process.execArgv.filter((arg) => arg !== '--expose-gc'),
  });
  driver.once('exit', (code) => process.exit(code ?? 1));
  process.on('disconnect', () => driver.kill());
  driver.once('message', () => process.send!('ready'));
  process.on('message', (round: Round) => {
    const cpu = process.cpuUsage();
    driver.send(round);
    void once(driver, 'message').then(([result]) => {
      const { user, system } = process.cpuUsage(cpu);
      process.send!({ ...(result as Result), cpu: (user + system) / round.logins });
    });
  });
});
