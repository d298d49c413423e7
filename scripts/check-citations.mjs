/**
 * Checks that each test which SECURITY.md's table cites in its last column exists: `file` is the path of a
 * test file in test/, or the end of one, and each "title" after it begins a title in that file. In a title,
 * an ellipsis stands for anything. `folder/` and `npm run script` have to exist, too.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));
const files = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .map((name) => `/${name.replaceAll('\\', '/')}`)
  .filter((name) => name.endsWith('.test.ts'));

/** Of every suite and test; an expression in a template literal becomes an ellipsis. */
function titlesIn(file) {
  const calls = /\b(?:describe|it|test)(?:\.\w+)?\(\s*(?:'((?:\\.|[^'\\])*)'|"([^"]*)"|`([^`]*)`)/g;
  return [...readFileSync(file, 'utf8').matchAll(calls)].map(([, single, double, template]) =>
    (single ?? double ?? template.replaceAll(/\$\{[^}]*\}/g, '…')).replaceAll(/\\(.)/g, '$1'),
  );
}

function beginsTitle(cited, title) {
  const parts = cited.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^(?:… ?)?${parts.join('.*')}(?!\\w)`, 's').test(title);
}

function* staleIn(cell) {
  let file;
  for (const [, code, title] of cell.matchAll(/`([^`]+)`|"([^"]+)"/g)) {
    const [, script] = /^npm run (\S+)/.exec(code ?? '') ?? [];
    if (script !== undefined) {
      if (scripts[script] === undefined) yield `${code}: no such script`;
    } else if (code?.endsWith('/')) {
      if (!existsSync(`test/${code}`)) yield `${code}: no such folder`;
    } else if (code !== undefined) {
      const found = files.filter((name) => name.endsWith(`/${code}.test.ts`));
      file = found.length === 1 ? `test${found[0]}` : 'unknown';
      if (found.length === 0) yield `${code}: no such test file`;
      if (found.length > 1) yield `${code}: may be ${found.join(' or ')}`;
    } else if (file === undefined) {
      yield `"${title}": no test file precedes it`;
    } else if (file !== 'unknown' && !titlesIn(file).some((actual) => beginsTitle(title, actual))) {
      yield `"${title}": not a title in ${file}`;
    }
  }
}

const cells = readFileSync('SECURITY.md', 'utf8')
  .split('\n')
  .map((line) => line.split('|'))
  .filter((row) => row.length === 7) // No other table has five columns.
  .map((row) => row[5]);
const stale = cells.flatMap((cell) => [...staleIn(cell)]);
if (cells.length < 3) stale.push('The table of threats was not found.');
if (stale.length > 0) {
  console.error(`SECURITY.md cites what does not exist:\n  ${stale.join('\n  ')}`);
  process.exit(1);
}
