/** Checks that each relative link in the documents leads to a file, and to a heading where it names one. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

const pages = [
  ...readdirSync('.').filter((name) => name.endsWith('.md')),
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

/** As GitHub makes them of headings. */
function anchorsOf(page) {
  const text = readFileSync(page, 'utf8').replaceAll(/^```.*?^```/gms, '');
  return new Set(
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

const broken = [];
for (const page of pages) {
  const text = readFileSync(page, 'utf8').replaceAll(/^```.*?^```/gms, '');
  for (const [, target] of text.matchAll(/(?:\]\(|src="|href=")(?!\w+:)([^)"\s]+)/g)) {
    const [path, anchor] = target.split('#');
    const file = path === '' ? page : join(dirname(page), path);
    if (!existsSync(file)) broken.push(`${page}: ${target} leads to no file`);
    else if (anchor !== undefined && statSync(file).isFile() && !anchorsOf(file).has(anchor)) {
      broken.push(`${page}: ${target} leads to no heading`);
    }
  }
}
if (broken.length > 0) {
  console.error(broken.join('\n'));
  process.exit(1);
}
console.log(`The links of ${pages.length} pages lead somewhere.`);
