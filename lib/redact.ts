/** Longer than any text of Okta's; one that is longer is withheld unread. */
const MAX_LENGTH = 1000;
const SHOWN_LENGTH = 300;

/**
 * Makes third-party text safe to log. A text that repeats anything that was sent, in whatever case,
 * encoding or normal form, is withheld whole: cutting out what matches would leave what does not.
 * Control, bidirectional and separator characters, which forge log lines, become spaces. Linear in the
 * text's length.
 *
 * @param sent what was sent and must not appear
 * @returns a function that gives the text, cut at 300 characters, or undefined where it is withheld
 */
export function quoter(sent: Iterable<string>): (text: string) => string | undefined {
  const needles = [...sent]
    .flatMap((secret) => {
      const bytes = Buffer.from(secret);
      return [secret, bytes.toString('base64'), bytes.toString('hex')];
    })
    .flatMap(skeletons)
    .filter(({ all }) => all !== '');
  return (text) => {
    if (text.length > MAX_LENGTH) return undefined;
    // Of a secret without a letter or digit nothing remains: it is looked for as it is.
    const repeats = skeletons(text).some((read) =>
      needles.some(({ letters, all }) =>
        letters === '' ? read.all.includes(all) : read.letters.includes(letters),
      ),
    );
    if (repeats) return undefined;
    const shown = text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').trim();
    return shown.length > SHOWN_LENGTH ? `${shown.slice(0, SHOWN_LENGTH)}…` : shown;
  };
}

interface Skeleton {
  letters: string;
  /** All that is visible. */
  all: string;
}

/** As it is, and decoded again and again: an encoded text may be encoded once more. */
function skeletons(text: string): Skeleton[] {
  const found: Skeleton[] = [];
  let decoded = text.normalize('NFKC');
  for (let times = 0; times <= 3; times++) {
    found.push(skeleton(decoded));
    decoded = decode(decoded);
  }
  return found;
}

/** What is left of a text whatever it is written in: its letters and digits. */
function skeleton(text: string): Skeleton {
  // By way of lower case, since the capital of ß is SS.
  const all = text
    .normalize('NFKD')
    .toLowerCase()
    .toUpperCase()
    .replace(/[\p{M}\p{Z}\p{C}]+/gu, '');
  return { letters: all.replace(/[^\p{L}\p{N}]+/gu, ''), all };
}

const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
};

/** Percent-encoding, entities of HTML, and escapes of JSON and JavaScript. */
function decode(text: string): string {
  return text
    .replace(/(?:%[0-9a-f]{2})+/gi, (run) => decodeBytes(Buffer.from(run.replace(/%/g, ''), 'hex')))
    .replace(/&#(?:x([0-9a-f]{1,6})|(\d{1,7}));/gi, (entity, hex?: string, decimal?: string) =>
      fromCodePoint(hex === undefined ? Number(decimal) : parseInt(hex, 16), entity),
    )
    .replace(/&(\w{2,8});/g, (entity, name: string) => NAMED[name] ?? letterOf(name) ?? entity)
    .replace(/\\u\{[0-9a-f]{1,6}\}|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}/gi, (escape) =>
      fromCodePoint(parseInt(escape.replace(/\\[ux]\{?/i, ''), 16), escape),
    )
    .replace(/\\(.)/gsu, '$1');
}

function decodeBytes(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return text.includes('\ufffd') ? bytes.toString('latin1') : text;
}

function fromCodePoint(code: number, otherwise: string): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : otherwise;
}

/** `eacute` is é; marks are dropped in the end. */
function letterOf(entity: string): string | undefined {
  if (entity === 'szlig') return 'ß';
  return /^([A-Za-z])(?:acute|grave|circ|uml|tilde|cedil|ring|slash|caron)$/.exec(entity)?.[1];
}
