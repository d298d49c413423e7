import type { Exchange, Fault } from './proxy.js';

/** An answer by hand, with a `Content-Length` unless its headers say otherwise. */
export function answer(
  status: number,
  headers: Record<string, string | string[]>,
  body: string,
): Fault {
  const length = /^(content-length|transfer-encoding)$/i;
  const lines = Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value) => `${name}: ${value}\r\n`),
  );
  if (!Object.keys(headers).some((name) => length.test(name)) && status !== 204) {
    lines.push(`content-length: ${Buffer.byteLength(body)}\r\n`);
  }
  return ({ socket }) => socket.write(`HTTP/1.1 ${status} Odd\r\n${lines.join('')}\r\n${body}`);
}

export const JSON_TYPE = { 'content-type': 'application/json' };
export const HTML_TYPE = { 'content-type': 'text/html' };
export const HTML = '<!doctype html><title>Proxy</title><h1>Sign in to the Wi-Fi</h1>';

export const reset: Fault = ({ socket }) => socket.resetAndDestroy();
export const hangUp: Fault = ({ socket }) => socket.end();
export const silence: Fault = () => undefined;

/** These bytes, and then the end of the connection. */
export const bytes =
  (text: string): Fault =>
  ({ socket }) =>
    socket.end(text);

/** These bytes, and then a reset, once they are out. */
export const bytesThenReset =
  (text: string): Fault =>
  ({ socket }) =>
    socket.write(text, () => setImmediate(() => socket.resetAndDestroy()));

/** A head, and then nothing. */
export const silenceAfterHead: Fault = ({ socket }) =>
  socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n');

/** A body that never ends, one byte at a turn of the event loop. */
export const dripForEver: Fault = ({ socket }) => {
  socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
  const drip = (): void => {
    if (socket.destroyed) return;
    socket.write('1\r\n \r\n');
    setImmediate(drip);
  };
  drip();
};

/** Okta's own answer, changed on its way. */
export function changed(change: (raw: string) => string): Fault {
  return async ({ socket, ask }: Exchange) => {
    socket.write(change((await ask()).toString('latin1')), 'latin1');
  };
}

/** Okta's own answer, a few bytes at a time. */
export const drip: Fault = async ({ socket, ask }) => {
  const raw = await ask();
  for (let at = 0; at < raw.length; at += 7) {
    socket.write(raw.subarray(at, at + 7));
    await new Promise((resolve) => setImmediate(resolve));
  }
};

/** Okta has read the request and answered it; the answer is lost. */
export const lost: Fault = async ({ socket, ask }) => {
  await ask();
  socket.resetAndDestroy();
};

/** Much more than anybody wants, in chunks or up to the end of the connection. */
export function flood(head: string, megabytes: number): Fault {
  return ({ socket }) => {
    socket.write(`HTTP/1.1 ${head}\r\n\r\n`);
    const piece = Buffer.alloc(64 * 1024, 0x20);
    const chunked = /chunked/.test(head);
    let left = (megabytes * 1024 * 1024) / piece.length;
    const pour = (): void => {
      while (left-- > 0 && !socket.destroyed) {
        if (chunked) socket.write(`${piece.length.toString(16)}\r\n`);
        const more = socket.write(piece);
        if (chunked) socket.write('\r\n');
        if (!more) return;
      }
    };
    socket.on('drain', pour);
    pour();
  };
}
