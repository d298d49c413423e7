/* global document, navigator, PublicKeyCredential */

const button = document.querySelector('button[data-public-key]');
const status = document.getElementById('status');

if (globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON) button.hidden = false;
else status.textContent = 'This browser cannot use passkeys here. Use another way.';

button.addEventListener('click', async () => {
  status.textContent = '';
  try {
    const options = JSON.parse(button.dataset.publicKey);
    const credential = await navigator.credentials.get({
      publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
    });
    button.form.elements.assertion.value = JSON.stringify(credential.toJSON());
    button.form.requestSubmit();
  } catch {
    // Cancelled, too late, or no passkey of this site: browsers do not tell which.
    status.textContent = 'No passkey was used. Try again, or use another way.';
  }
});
