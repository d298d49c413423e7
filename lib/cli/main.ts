#!/usr/bin/env node
import { run } from './run.js';

// Whoever reads the output may stop before its end, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(1);
});

void run(process.argv.slice(2), process).then((status) => {
  process.exitCode = status;
});
