import type * as OidcProvider from 'oidc-provider';

let loading: Promise<typeof OidcProvider> | undefined;

/**
 * oidc-provider, loaded on first use and without the "Unsupported runtime" warning that it prints
 * on import with Node 20. It works there (the stand-in's tests run on it), and the warning would be
 * the first thing a newcomer reads in the terminal. Other warnings are printed as usual.
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
