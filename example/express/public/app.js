/* global document, setTimeout, addEventListener */

// Conveniences only: every page works without scripts.

// One submit per page: a double click must not send the form twice.
function arm(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll('[aria-busy]')) button.removeAttribute('aria-busy');
}

for (const form of document.forms) {
  form.addEventListener('submit', (event) => {
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = 'yes';
    (event.submitter ?? form.querySelector('button:not([type=button])')).setAttribute(
      'aria-busy',
      'true',
    );
    setTimeout(arm, 10_000, form); // no response: let the user try again
  });
}

// A page that the back button restores from memory can be submitted again.
addEventListener('pageshow', (event) => {
  if (event.persisted) Array.from(document.forms, arm);
});

// "Continue (12)": counts down the seconds of a rate limit. Hidden from screen readers, which have
// read out the number in the error message and must not read out every second.
function countDown(button, wait, done) {
  const end = Date.now() + Number(wait) * 1000;
  const countdown = button.appendChild(document.createElement('span'));
  countdown.setAttribute('aria-hidden', 'true');
  const tick = () => {
    const seconds = Math.ceil((end - Date.now()) / 1000);
    countdown.textContent = seconds > 0 ? ` (${seconds})` : '';
    if (seconds > 0) setTimeout(tick, 1000);
    else done?.();
  };
  tick();
}

for (const button of document.querySelectorAll('button[data-retry-after]')) {
  countDown(button, button.dataset.retryAfter);
}

// "Send again (30)": not before the server would send.
for (const button of document.querySelectorAll('button[data-wait]')) {
  button.disabled = true;
  countDown(button, button.dataset.wait, () => (button.disabled = false));
}
