/** What a terminal sends for its keys (xterm's control sequences), as the text that `Machine.keys` takes. */

/** Ends the display. */
export const LEAVE = '\x1d';
/** CSI or SS3 sequences by what follows ESC. */
const SEQUENCES: Readonly<Record<string, string>> = {
  '[A': '<up>', '[B': '<down>', '[C': '<right>', '[D': '<left>', '[H': '<home>', '[F': '<end>', OA: '<up>', OB: '<down>', OC: '<right>', OD: '<left>', OH: '<home>', OF: '<end>',
  '[1~': '<home>', '[2~': '<insert>', '[3~': '<delete>', '[4~': '<end>', '[5~': '<pageup>', '[6~': '<pagedown>', '[Z': '<shift-tab>',
  OP: '<f1>', OQ: '<f2>', OR: '<f3>', OS: '<f4>', '[15~': '<f5>', '[17~': '<f6>', '[18~': '<f7>', '[19~': '<f8>', '[20~': '<f9>', '[21~': '<f10>', '[23~': '<f11>', '[24~': '<f12>',
};

export interface TerminalKeys {
  /** One key each. */
  readonly keys: readonly string[];
  readonly leaves: boolean;
}

/** Of what came in one read: a lone ESC is the key. What no key of a US keyboard makes is left out. */
export function terminalKeys(input: string): TerminalKeys {
  const keys: string[] = [];
  for (const [token] of input.matchAll(/\x1b(?:\[[0-9;]*[A-Za-z~]|O[A-Z]|[^\x1b])|[^]/gu)) {
    if (token === LEAVE) return { keys, leaves: true };
    const key = keyOf(token);
    if (key !== undefined) keys.push(key);
  }
  return { keys, leaves: false };
}

function keyOf(token: string): string | undefined {
  if (token.length > 1 && token.startsWith('\x1b')) {
    const rest = token.slice(1);
    return SEQUENCES[rest] ?? (/^[!-;=?-~]$/.test(rest) ? `<alt-${rest}>` : undefined);
  }
  const code = token.codePointAt(0) ?? 0;
  if (token === '\r' || token === '\n') return '\n';
  if (code === 0x7f || code === 0x08) return '\b';
  if (token === '\t' || token === '\x1b') return token;
  if (code >= 1 && code <= 26) return `<ctrl-${String.fromCharCode(code + 0x60)}>`;
  return code >= 0x20 && code < 0x7f ? token : undefined;
}
