import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import type { OktaDirectMfaStrategy } from '../../lib/index.js';

/**
 * The strategy as another process has it: from a copy of the package that shares nothing in memory with
 * the first.
 */
export function strategyOfAnotherProcess(): typeof OktaDirectMfaStrategy {
  const require = createRequire(__filename);
  const index = require.resolve('../../lib/index');
  const isOwn = (file: string) => file.startsWith(join(dirname(index), sep));
  const loaded = Object.entries(require.cache).filter(([file]) => isOwn(file));
  for (const [file] of loaded) Reflect.deleteProperty(require.cache, file);
  try {
    return (require(index) as { OktaDirectMfaStrategy: typeof OktaDirectMfaStrategy })
      .OktaDirectMfaStrategy;
  } finally {
    for (const file of Object.keys(require.cache)) {
      if (isOwn(file)) Reflect.deleteProperty(require.cache, file);
    }
    for (const [file, module] of loaded) require.cache[file] = module;
  }
}
