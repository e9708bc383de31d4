import type { Test } from 'tape';
import { readRunOptions, type ParsedArguments } from '../../../src/cli/run-options.js';
import { UsageError } from '../../../src/cli/usage-error.js';

/** Each command line is refused with one sentence, of one line, that matches. */
export function refusedInOneSentence(t: Test, rows: readonly (readonly [ParsedArguments, RegExp])[]): void {
  for (const [argv, message] of rows) {
    try {
      readRunOptions(argv);
      t.fail(`${JSON.stringify(argv)} was taken`);
    } catch (error) {
      t.ok(error instanceof UsageError && message.test(error.message) && !error.message.includes('\n'), (error as Error).message);
    }
  }
}
