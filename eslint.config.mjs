import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/**
 * The layers of lib/, top to bottom. A file may import what stands below it and nothing above, so a
 * reader who starts anywhere only ever goes down.
 */
const LAYERS = [
  'testing/index',
  'testing/mock-okta',
  'testing/authorization-server',
  'testing/signing-key',
  'testing/user',
  'index',
  'strategy',
  'options',
  'waiting-logins',
  'transaction-store',
  'verify',
  'body',
  'direct-authentication',
  'status',
  'user-info',
  'profile',
  'token-endpoint',
  'grants/password',
  'grants/mfa-otp',
  'grants/grant',
  'client-authentication',
  'id-token',
  'jwks',
  'http',
  'request',
  'base-strategy',
  'info',
  'events',
  'errors',
  'redact',
];

export default tseslint.config(
  { ignores: ['dist', 'coverage', '.tmp', 'docs/api', 'test/compat/apps'] },
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
        { considerDefaultExhaustiveForUnions: true },
      ],
      'no-console': 'error',
    },
  },
  { files: ['**/*.mjs', '**/*.cjs', '**/*.js'], ...tseslint.configs.disableTypeChecked },
  ...LAYERS.map((name, index) => ({
    files: [`lib/${name}.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: LAYERS.slice(0, index).map((above) => ({
            regex: `^\\.{1,2}/(.*/)?${above.replace(/^(grants|testing)\//, '($1/)?')}(\\.js)?$`,
            message: 'Imports in lib/ go one way: down the list of layers in eslint.config.mjs.',
          })),
        },
      ],
    },
  })),
  {
    files: ['lib/**/*.ts'],
    ignores: LAYERS.map((name) => `lib/${name}.ts`),
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'Program',
          message: 'Give this file its place in the LAYERS of eslint.config.mjs.',
        },
      ],
    },
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
    files: ['example/**/*.ts', 'bench/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
);
