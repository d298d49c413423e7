import { html, type Html } from '../express/html.js';
import { layout, type PageRequest, type PageResponse } from './pages.js';

/** What Okta's own pages do, for the stand-in's to say. */
const PAGES: Readonly<Record<string, [title: string, does: string]>> = {
  '/signin/forgot-password': [
    'Forgot your password?',
    'asks for your username, then for a proof that it is you, such as a code by e-mail, and lets you choose a new password. The same helps when a password has expired.',
  ],
  '/signin/unlock': [
    'Unlock your account',
    'asks for your username, then for a proof that it is you, such as a code by e-mail, and unlocks an account that too many wrong passwords have locked.',
  ],
};

/** Where a real org helps people who cannot sign in: `/signin/forgot-password`, `/signin/unlock`. */
export function respondRecovery({ method, path }: PageRequest): PageResponse | undefined {
  const page = PAGES[path];
  if (method !== 'GET' || !page) return undefined;
  return { status: 200, body: describe(...page) };
}

const describe = (title: string, does: string): Html =>
  layout(
    title,
    html`<p>At a real org, this page of Okta's ${does} Then you sign in to the app as usual.</p>
      <p>
        The stand-in changes no account: passwords are as they were printed when it started, and
        accounts that are locked or whose password has expired stay so.
      </p>`,
  );
