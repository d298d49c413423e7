/**
 * Compiles every block of TypeScript and JavaScript in README.md and docs/, each as a file of its own, under
 * this repository's strict settings and against lib/: `npm run check:docs`. What a fragment leaves to
 * the reader stands in a comment before it, which no renderer shows:
 *
 *     <!-- context
 *     declare const app: import('express').Express;
 *     -->
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const OUT = join(ROOT, '.tmp', 'snippets');
const BLOCK =
  /(?:<!-- context\n(?<context>.*?)\n-->\n\s*)?^```(?<kind>[mc]?[jt]s|tsx)[^\n]*\n(?<code>.*?)^```$/gms;

const pages = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name))
    .sort(),
];

/** Where each line of what was written comes from. */
const snippets = new Map();
rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
for (const page of pages) {
  const text = readFileSync(join(ROOT, page), 'utf8');
  for (const match of text.matchAll(BLOCK)) {
    const { context = '', kind, code } = match.groups;
    const line = text.slice(0, match.index + match[0].lastIndexOf(code)).split('\n').length;
    const path = join(OUT, `${page.replaceAll(/\W/g, '-')}-${line}.${kind}`);
    const before = context === '' ? '' : `${context}\n`;
    writeFileSync(path, `${before}${code}\nexport {};\n`);
    snippets.set(path, { page, line: line - before.split('\n').length });
  }
}

const { options } = ts.parseJsonConfigFileContent(
  {
    extends: join(ROOT, 'tsconfig.json'),
    // Fragments leave things unused, and an app's own settings may be less strict here.
    compilerOptions: {
      allowJs: true,
      emitDecoratorMetadata: true,
      noPropertyAccessFromIndexSignature: false,
      noUnusedLocals: false,
      noUnusedParameters: false,
    },
    files: [],
  },
  ts.sys,
  ROOT,
);

/** Parsed once for all programs, but for the snippets. */
const parsed = new Map();
const host = ts.createCompilerHost(options);
const parse = host.getSourceFile.bind(host);
host.getSourceFile = (path, ...rest) => {
  if (!parsed.has(path)) parsed.set(path, parse(path, ...rest));
  return parsed.get(path);
};

/** Alone: what one declares for all modules must not help another. JavaScript is parsed, no more. */
function compile(path) {
  const program = ts.createProgram([path], options, host);
  const file = program.getSourceFile(path);
  return [
    ...program.getGlobalDiagnostics(),
    ...program.getSyntacticDiagnostics(file),
    ...program.getSemanticDiagnostics(file),
  ];
}

const found = [...snippets.keys()].flatMap(compile);
const complaints = found.map(({ file, start, messageText }) => {
  const message = ts.flattenDiagnosticMessageText(messageText, '\n');
  if (file === undefined) return message;
  const { line } = file.getLineAndCharacterOfPosition(start);
  const snippet = snippets.get(join(file.fileName));
  const place = snippet
    ? `${snippet.page}:${snippet.line + line + 1}`
    : `${relative(ROOT, file.fileName)}:${line + 1}`;
  return `${place}: ${message}`;
});
if (snippets.size === 0) complaints.push('No snippet was found.');
if (complaints.length > 0) {
  console.error(complaints.join('\n'));
  process.exit(1);
}
console.log(`${snippets.size} snippets compile.`);
