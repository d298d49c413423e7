/* global document, setTimeout, addEventListener */

// A little comfort; every page works without it.

// One submit a page: a double click must not send the form twice.
function arm(form) {
  delete form.dataset.sent;
  form.querySelector('button').removeAttribute('aria-busy');
}

for (const form of document.forms) {
  form.addEventListener('submit', (event) => {
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = 'yes';
    form.querySelector('button').setAttribute('aria-busy', 'true');
    setTimeout(arm, 10_000, form); // no answer came: let the person try again
  });
}

// A page that the back button takes from memory may be sent again.
addEventListener('pageshow', (event) => {
  if (event.persisted) Array.from(document.forms, arm);
});

// "Continue (12)": counts the seconds of a rate limit down. Hidden from screen readers, which have
// heard the number in the error text and must not hear every second of it.
for (const button of document.querySelectorAll('button[data-retry-after]')) {
  const end = Date.now() + Number(button.dataset.retryAfter) * 1000;
  const left = button.appendChild(document.createElement('span'));
  left.setAttribute('aria-hidden', 'true');
  const tick = () => {
    const seconds = Math.ceil((end - Date.now()) / 1000);
    left.textContent = seconds > 0 ? ` (${seconds})` : '';
    if (seconds > 0) setTimeout(tick, 1000);
  };
  tick();
}
