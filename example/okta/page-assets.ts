// The pages' style and scripts, as text: compiled or not, there is no file to look for.

export const STYLE = `
:root { color-scheme: light dark; --page: #f1f4f7; --card: #fff; --text: #1b2733; --muted: #55636f;
  --line: #c9d2da; --accent: #1f4f9c; --on-accent: #fff; --error: #a8221a; }
@media (prefers-color-scheme: dark) {
  :root { --page: #10161d; --card: #19212a; --text: #e6ebf0; --muted: #a3b0bc; --line: #46535f;
    --accent: #9ec1ff; --on-accent: #0d1c33; --error: #ffb0a8; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 34rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; line-height: 1.25; }
h2 { font-size: 1.1rem; margin: 1.5rem 0 .5rem; }
a { color: var(--accent); }
.note, time { color: var(--muted); font-size: .9rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1rem;
  margin: 0 0 .75rem; }
.card > :first-child, [type='hidden'] + p { margin-top: 0; }
.card > :last-child { margin-bottom: 0; }
ul, ol { list-style: none; margin: 0; padding: 0; }
.code { display: block; font: 1.5rem/1.4 ui-monospace, monospace; letter-spacing: .1em; }
.numbers { display: flex; gap: .5rem; flex-wrap: wrap; margin-bottom: .75rem; }
button { font: inherit; min-height: 2.75rem; padding: .4rem 1rem; border-radius: .5rem; cursor: pointer;
  border: 1px solid var(--accent); background: var(--accent); color: var(--on-accent); }
.numbers button { flex: 1 1 4rem; font-size: 1.4rem; }
button.no { background: transparent; color: var(--text); border-color: var(--muted); width: 100%; }
label { display: block; margin: .75rem 0 .25rem; }
input { font: inherit; width: 100%; min-height: 2.75rem; padding: .4rem .6rem; border-radius: .5rem;
  border: 1px solid var(--muted); background: var(--card); color: var(--text); }
form > button { margin-top: 1rem; }
.numbers + button { margin-top: 0; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.error { color: var(--error); }
`;

/** Fetches the phone's page each second puts in what has arrived, and says so to screen readers. */
export const PHONE_SCRIPT = `
const arrived = document.getElementById('arrived');
const news = document.getElementById('news');
const count = (part, selector) => part.querySelectorAll(selector).length;
async function refresh() {
  try {
    const response = await fetch(location.href);
    if (response.ok) {
      const page = new DOMParser().parseFromString(await response.text(), 'text/html');
      const now = page.getElementById('arrived');
      if (now.innerHTML !== arrived.innerHTML) {
        const isNew = (selector) => count(now, selector) > count(arrived, selector);
        const push = isNew('form') ? 'A push has arrived. ' : '';
        news.textContent = push + (isNew('li') ? 'A message has arrived.' : '');
        const focused = document.activeElement?.id;
        arrived.replaceChildren(...now.childNodes);
        if (focused) document.getElementById(focused)?.focus();
      }
    }
  } catch {
    // The stand-in has stopped, or is starting again.
  }
  setTimeout(refresh, 1000);
}
setTimeout(refresh, 1000);
`;

export const PASSKEY_SCRIPT = `
const form = document.querySelector('form');
const result = document.getElementById('result');
function say(text, isError) {
  result.textContent = text;
  result.classList.toggle('error', isError);
}
async function post(path, body) {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message);
  return answer;
}
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  say('', false);
  try {
    if (!globalThis.PublicKeyCredential?.parseCreationOptionsFromJSON) {
      throw new Error('This browser is too old for this page, or the page is not on localhost or https.');
    }
    const options = await post('/passkeys/options', Object.fromEntries(new FormData(form)));
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    const credential = await navigator.credentials.create({ publicKey });
    const { message } = await post('/passkeys', credential.toJSON());
    form.reset();
    say(message, false);
  } catch (err) {
    say(err.message, true);
  }
});
`;
