/** How people write down what is to be typed on a keyboard. */

/**
 * Text in quotes or without, with `\n` for Enter and `\t` for Tab; or the name of several keys together, alone (`ctrl-alt-del`), as
 * `keystrokes` takes it.
 */
export function typedText(written: string): string {
  if (/^(?:(?:ctrl|alt|altgr|shift|meta|super)-)+[^ ]+$/.test(written)) return `<${written}>`;
  const text = /^"(.*)"$/.exec(written)?.[1] ?? written;
  return text.replaceAll('\\n', '\n').replaceAll('\\t', '\t');
}
