import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/**
 * The rooms of lib/, each with what it may import from outside itself. Imports go one way, so a reader
 * who starts anywhere only ever goes down.
 */
const ROOMS = {
  'lib/okta/**': ['base64url', 'errors', 'redact', 'undici'],
  'lib/transactions/**': ['errors', 'redact', 'clock'],
  'lib/factors/**': [
    'base64url',
    'errors',
    'okta/(request|grant-types)',
    'transactions/transaction',
  ],
  'lib/options/**': ['okta/client-authentication', 'transactions/transaction', 'request', 'undici'],
  'lib/testing/**': ['options/index', 'undici', 'clock'],
  // The program, from the strategy's own parts: it knows no login of a browser. Then what doctor/ takes
  // from the folder above it.
  'lib/cli/**': [
    '(\\.\\./)?(errors|failures|offer|redact|request|undici)',
    '(\\.\\./)?(okta|factors|options|testing|transactions)/[\\w-]+',
    '(io|network|run|settings|terminal)',
  ],
  // actions, failures, verify, events, device, ...: what a login is made of, which knows no login.
  'lib/{actions,base64url,clock,device,errors,events,failures,fastify,grants,info,passport,redact,request,undici,verify,visit}.ts':
    [
      '(actions|device|errors|events|failures|grants|info|passport|request|transactions/transaction)',
      '(okta|factors)/[\\w-]+',
    ],
  // A login, from what it is made of to what the app sees of it.
  'lib/{after-login,challenger,completion,index,login,offer,pending,poll,second-step,settling,strategy}.ts':
    ['(?!testing/|index\\.js).*'],
};

export default tseslint.config(
  { ignores: ['dist', 'coverage', '.tmp', 'test/package/compat/apps'] },
  js.configs.recommended,
  tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: false, allowDefaultCaseForExhaustiveSwitch: false },
      ],
      'no-console': 'error',
    },
  },
  {
    // An async function that hands on a promise takes three turns more, and leaves the stack trace.
    files: ['lib/**'],
    rules: { '@typescript-eslint/return-await': ['error', 'always'] },
  },
  { files: ['**/*.mjs', '**/*.cjs', '**/*.js'], ...tseslint.configs.disableTypeChecked },
  ...Object.entries(ROOMS).map(([files, allowed]) => ({
    files: [files],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              // A file of a folder leaves it by ../, and one of lib/ itself goes into folders by ./
              regex: `^\\.${files.endsWith('**') ? '\\.' : ''}/(?!(${allowed.join('|')})\\.js$)`,
              message: 'Imports in lib/ go one way: see ROOMS in eslint.config.mjs.',
            },
          ],
        },
      ],
    },
  })),
  {
    files: ['scripts/*.mjs', '*.mjs'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly' } },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // node:test's describe and it return promises that the runner itself awaits.
      '@typescript-eslint/no-floating-promises': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['test/package/*.cjs'],
    languageOptions: {
      globals: { require: 'readonly', process: 'readonly', console: 'readonly' },
    },
    rules: { '@typescript-eslint/no-require-imports': 'off', 'no-console': 'off' },
  },
  {
    files: ['example/**/*.ts', 'bench/**/*.ts', 'scripts/**'],
    rules: { 'no-console': 'off' },
  },
);
