/* global document, fetch, FormData, URLSearchParams, location, setTimeout, clearTimeout */

// Asks how the push stands, for a person who does not want to press "I have approved it".
const button = document.querySelector('button[data-interval]');
const { form } = button;
const status = document.getElementById('status');
const MESSAGE_LOST = 'The connection was lost. Press "I have approved it" once it is back.';

let stopped = false;
let timer;
form.addEventListener('submit', () => {
  stopped = true;
  clearTimeout(timer);
});

// After the answer, not beside it: a slow network must not pile up requests.
const later = (seconds) => {
  if (!stopped) timer = setTimeout(poll, seconds * 1000);
};

async function poll() {
  let response, info;
  try {
    response = await fetch(form.action, {
      method: 'POST',
      body: new URLSearchParams(new FormData(form)),
      headers: { Accept: 'application/json' },
    });
    info = response.redirected ? {} : await response.json();
  } catch {
    status.textContent = MESSAGE_LOST;
    return;
  }
  if (stopped) return;
  if (response.ok) return location.assign('/profile');

  switch (info.code) {
    case 'authorization_pending':
      return later(info.interval);
    case 'mfa_required': // the policy wants a third factor
    case 'code_sent': // another tab has chosen another way
    case 'webauthn_required':
      return location.assign('/login/otp');
    case 'mfa_transaction_missing': // the page says so, and leads to the password
    case 'mfa_transaction_expired':
      return location.assign('/login/otp');
    default:
      stop(info.message);
  }
}

/** The number is of no use any more: the message and the other ways remain. */
function stop(message) {
  stopped = true;
  document.getElementById('push').remove();
  status.textContent = message;
  status.classList.add('alert');
  status.tabIndex = -1;
  status.focus();
  document.title = `Error: ${document.title}`;
}

const left = document.querySelector('[data-left]');
const end = Date.now() + Number(left.dataset.left) * 1000;
function tick() {
  const seconds = Math.max(0, Math.ceil((end - Date.now()) / 1000));
  left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  if (seconds > 0 && !stopped) setTimeout(tick, 1000);
}

status.textContent = 'Waiting for your approval.';
tick();
later(Number(button.dataset.interval));
