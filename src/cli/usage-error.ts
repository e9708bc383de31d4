/** A wrong command line: its message is printed as it is, and the exit status is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
