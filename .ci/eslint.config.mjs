// Run from the top level: eslint --config .ci/eslint.config.mjs
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const globals =
  'AbortController AbortSignal Buffer TextDecoder TextEncoder URL URLSearchParams WebSocket clearInterval clearTimeout ' +
  'console fetch performance process queueMicrotask setImmediate setInterval setTimeout structuredClone';

export default defineConfig(
  globalIgnores(['build/', 'dist/', 'prebuilds/', '.tap/', 'test/fixtures/']),
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // An interface may promise a promise before an implementation awaits.
      '@typescript-eslint/require-await': 'off',
      // Trips over static functions and destructured timers.
      '@typescript-eslint/unbound-method': 'off',
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    // A program may print, and tests hold whole objects loosely.
    files: ['test/**/*.ts', 'bench/**/*.ts', 'examples/**/*.ts', 'lib/cli/**/*.ts'],
    rules: {
      'no-console': 'off',
      '@typescript-eslint/no-floating-promises': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    files: ['**/*.mjs'],
    extends: [tseslint.configs.base],
    languageOptions: { globals: Object.fromEntries(globals.split(' ').map((name) => [name, 'readonly'])) },
    rules: { eqeqeq: 'error', 'no-unused-vars': 'error', 'prefer-const': 'error', 'no-undef': 'error' },
  },
);
