import type * as OidcProvider from 'oidc-provider';

let loading: Promise<typeof OidcProvider> | undefined;

/**
 * oidc-provider, loaded on first use and without its "Unsupported runtime" line. On Node 20 it says
 * that on import; it works there (the tests of this folder run on it), and the line would be the
 * first thing a newcomer reads in the terminal. Everything else that is printed meanwhile passes.
 */
export function loadOidcProvider(): Promise<typeof OidcProvider> {
  loading ??= load();
  return loading;
}

async function load(): Promise<typeof OidcProvider> {
  const { warn } = console;
  console.warn = (...args: unknown[]) => {
    if (!String(args[0]).includes('oidc-provider WARNING: Unsupported runtime')) warn(...args);
  };
  try {
    return await import('oidc-provider');
  } finally {
    console.warn = warn;
  }
}
