/* global document, addEventListener */

// Shows what has been typed as the password, for as long as the page is open.
const button = document.querySelector('.reveal');
const input = document.getElementById(button.getAttribute('aria-controls'));

function show(shown) {
  input.type = shown ? 'text' : 'password';
  button.setAttribute('aria-pressed', String(shown));
}

button.hidden = false;
button.addEventListener('click', () => show(input.type === 'password'));

// Browsers remember what was typed into text fields, and some save a password only from its own kind.
input.form.addEventListener('submit', () => show(false));
addEventListener('pageshow', () => show(false));
