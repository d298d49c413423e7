/** Text that is HTML already. Everything else is escaped when it goes into a page. */
export class Html {
  constructor(readonly text: string) {}
  toString() {
    return this.text;
  }
}

/** What may stand in a page. `false` and the like leave nothing, so that `condition && html`…`` reads well. */
export type Value = Html | string | number | boolean | null | undefined | readonly Value[];

const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function render(value: Value): string {
  if (value === undefined || value === null || typeof value === 'boolean') return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(render).join('');
  return String(value).replace(/[&<>"']/g, (character) => escapes[character]!);
}

/** html`<p>${anything}</p>`: values are escaped, nested html`…` and arrays of it are not. */
export function html(strings: TemplateStringsArray, ...values: Value[]): Html {
  return new Html(String.raw({ raw: strings }, ...values.map(render)));
}
