// ESLint 9, flat. Types are checked by tsc; the rules here catch what it does not.
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Rules for every file, TypeScript or plain scripts. */
const everywhere = {
  'eqeqeq': 'error',
  'no-var': 'error',
  'prefer-const': 'error',
  'no-unreachable': 'error',
  'no-self-assign': 'error',
  'no-self-compare': 'error',
  'no-constant-binary-expression': 'error',
  'no-unsafe-finally': 'error',
  'no-duplicate-case': 'error',
  'no-sparse-arrays': 'error',
  'no-template-curly-in-string': 'error',
  'no-unmodified-loop-condition': 'error',
  'no-debugger': 'error',
};

export default defineConfig(
  { ignores: ['dist/', 'build/', '.work/', 'node_modules/', 'examples/guests/build/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  { files: ['**/*.js', '**/*.mjs'], rules: everywhere },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      ...everywhere,
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      // Registers and addresses are numbers and bigints; both read well in messages.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // tsc says the same (noUnusedLocals, noUnusedParameters) and spares names that begin with `_`.
      '@typescript-eslint/no-unused-vars': 'off',
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // tape takes async test functions; fakes are async without awaiting.
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      '@typescript-eslint/require-await': 'off',
    },
  },
);
