import type { HttpRequest } from './http-server.js';
import type { MockOktaResponse } from './responses.js';

/**
 * The page with everybody's phone and inbox, which is a client of the control API. As text: compiled or
 * not, there is no file to look for.
 */
const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Phones and inboxes – mock of Okta</title>
    <link rel="stylesheet" href="/mock/page.css">
    <script src="/mock/page.js" type="module"></script>
  </head>
  <body>
    <main>
      <h1 tabindex="-1">Phones and inboxes</h1>
      <p>This is a mock of Okta for tests and development. It is not Okta: everybody here is made up,
        and who opens this page reads every code and may answer for everyone.</p>
      <noscript><p>This page needs JavaScript. The control API, below /control/, does without.</p></noscript>
      <p id="news" role="status"></p>
      <div id="people"></div>
    </main>
  </body>
</html>
`;

const STYLE = `:root { color-scheme: light dark; --card: #fff; --line: #6b7883; --accent: #1f4f9c; --on: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --card: #1b232b; --line: #8a97a3; --accent: #9ec1ff; --on: #0d1c33; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 36rem; overflow-wrap: anywhere;
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; }
h2 { font-size: 1.1rem; margin: 0 0 .5rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .75rem;
  padding: 1rem; margin: 0 0 1rem; }
[role=status] { min-height: 1.5em; font-weight: 600; }
fieldset { border: 1px solid var(--line); border-radius: .5rem; margin: 0 0 .75rem; }
.buttons { display: flex; flex-wrap: wrap; gap: .5rem; }
button { font: inherit; min-height: 2.75rem; min-width: 4rem; padding: .4rem 1rem; cursor: pointer;
  border: 1px solid var(--accent); border-radius: .5rem; background: var(--accent); color: var(--on); }
button.no { background: transparent; color: inherit; border-color: var(--line); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
code { font: 1.25rem ui-monospace, monospace; letter-spacing: .05em; }
`;

const SCRIPT = `const NAMES = { sms: 'Text message', voice: 'Phone call', email: 'E-mail' };
const news = document.getElementById('news');
const people = document.getElementById('people');
let shown = '[]';

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function button(id, label, className, action, body) {
  const made = element('button', { id, type: 'button', className }, label);
  made.addEventListener('click', () => answer(action, body));
  return made;
}

function push({ id, numbers }, username) {
  const answers = numbers ?? [undefined];
  return element(
    'fieldset',
    {},
    element('legend', {}, 'Did you just try to sign in?'),
    element('p', {}, numbers ? 'Tap the number that the sign-in page shows.' : 'There is no number to compare.'),
    element(
      'div',
      { className: 'buttons' },
      ...answers.map((number, place) =>
        button(id + place, number ?? "Yes, it's me", '', 'approve', { username, number, push: id })),
      button(id + 'no', "No, it's not me", 'no', 'deny', { username, push: id }),
    ),
  );
}

function message({ channel, code }) {
  return element('li', {}, NAMES[channel] + ': ', element('code', {}, code));
}

function person({ username, otp, factors, pushes, messages }, place) {
  const heading = element('h2', { id: 'person' + place }, username);
  const section = element('section', {}, heading);
  section.setAttribute('aria-labelledby', heading.id);
  if (otp !== undefined) section.append(element('p', {}, 'Passcode: ', element('code', {}, otp)));
  section.append(...pushes.map((each) => push(each, username)).reverse());
  if (messages.length > 0) section.append(element('ul', {}, ...messages.map(message).reverse()));
  else if (pushes.length === 0) {
    section.append(element('p', {}, factors.length === 0 ? 'Needs no second factor.' : 'Nothing has arrived.'));
  }
  return section;
}

/** What is new, for who does not see the page change. */
function arrivals(before, now) {
  const known = new Map(before.map((each) => [each.username, each]));
  return now.flatMap(({ username, pushes, messages }) => {
    const had = known.get(username) ?? { pushes: [], messages: [] };
    const isNew = ({ id }) => !had.pushes.some((push) => push.id === id);
    return [
      ...(pushes.some(isNew) ? ['A push for ' + username + ' has arrived.'] : []),
      ...(messages.length > had.messages.length ? ['A code for ' + username + ' has arrived.'] : []),
    ];
  });
}

async function refresh() {
  const response = await fetch('/control/phones');
  const text = await response.text();
  if (!response.ok || text === shown) return;
  const [before, now] = [JSON.parse(shown), JSON.parse(text)];
  shown = text;
  const arrived = arrivals(before, now).join(' ');
  if (arrived !== '') news.textContent = arrived;
  const focused = document.activeElement?.id;
  people.replaceChildren(...now.map(person));
  // A button that is gone after its tap leaves the keyboard at the top of the page.
  if (focused) (document.getElementById(focused) ?? document.querySelector('h1')).focus();
}

async function answer(action, body) {
  try {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch('/control/' + action, { method: 'POST', headers, body: JSON.stringify(body) });
    const { error } = await response.json();
    news.textContent = error ?? (action === 'deny' ? 'Denied.' : 'Answered.');
    await refresh();
  } catch {
    news.textContent = 'The mock does not respond.';
  }
}

async function follow() {
  // A mock that has stopped, or is starting again, is asked again too.
  await refresh().catch(() => {});
  setTimeout(follow, 1000);
}
follow();
`;

const SECURITY = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
};

const FILES: Readonly<Record<string, [type: string, body: string]>> = {
  '/': ['text/html', PAGE],
  '/mock/page.css': ['text/css', STYLE],
  '/mock/page.js': ['text/javascript', SCRIPT],
};

/** @returns `undefined` for what is none of its files */
export function respondWithPage({ method, path }: HttpRequest): MockOktaResponse | undefined {
  const file = Object.hasOwn(FILES, path) ? FILES[path] : undefined;
  if (method !== 'GET' || file === undefined) return undefined;
  const [type, body] = file;
  return { status: 200, headers: { ...SECURITY, 'content-type': `${type}; charset=utf-8` }, body };
}
