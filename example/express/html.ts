/** A string that is already HTML. Any other value is escaped when it is put into a page. */
export class Html {
  constructor(readonly text: string) {}
  toString() {
    return this.text;
  }
}

/** A value in a template. `false` and the like render nothing, for `condition && html`…``. */
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

/** html`<p>${value}</p>`: values are escaped; nested html`…`, and arrays of it, are not. */
export function html(strings: TemplateStringsArray, ...values: Value[]): Html {
  return new Html(String.raw({ raw: strings }, ...values.map(render)));
}
