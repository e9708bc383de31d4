/** What a word on the command line may have been meant to be that nobody knows. */

/** Letters that two names must begin with alike for the one to be meant by the other. */
const LEAST_ALIKE = 3;

/** A sentence about the first of `unknown` (names as yargs has them, without dashes); `words` is what was typed, `options` what there is. */
export function unknownArgument(unknown: string, words: readonly string[], options: readonly string[]): string {
  const typed = words.map((word) => word.split('=', 1)[0]).find((word) => word.startsWith('-') && word.replace(/^--?/, '') === unknown);
  if (typed === undefined) return `One guest is started, and "${unknown}" would be a second one.`;
  const meant = nearest(unknown, options);
  return `There is no option ${typed}${meant === undefined ? '.' : `; did you mean --${meant}?`}`;
}

/** The one that begins like `name` for longest; of several the one whose length is the most like. */
function nearest(name: string, options: readonly string[]): string | undefined {
  const [best] = options
    .map((option) => ({ option, alike: alike(name, option), off: Math.abs(option.length - name.length) }))
    .filter((one) => one.alike >= LEAST_ALIKE)
    .sort((a, b) => b.alike - a.alike || a.off - b.off);
  return best?.option;
}

function alike(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}
