/** How gdb is started against this server: as arguments for a process, and as a line to type. */

export interface GdbInvocation {
  /** As gdb takes it after `target remote`: `127.0.0.1:1234`, a socket's path. */
  readonly address: string;
  /** Path of the Python helper. */
  readonly helper: string;
  /** A file with the guest's symbols, which gdb reads before it connects. */
  readonly executable?: string;
  /** What the user adds, after the connection has been made. */
  readonly extra?: readonly string[];
}

/** Arguments of gdb: helper first, for it needs gdb's architectures from before the connection. */
export function gdbArguments({ address, helper, executable, extra }: GdbInvocation): string[] {
  return ['-q', '-x', helper, ...(executable === undefined ? [] : ['-ex', `file ${quoteForGdb(executable)}`]),
    '-ex', `target remote ${address}`, ...(extra ?? [])];
}

/** The line to type in another terminal. */
export function gdbLine(invocation: GdbInvocation): string {
  return ['gdb', ...gdbArguments(invocation).map(quoteForShell)].join(' ');
}

/** gdb splits the argument of `file` like a shell does. */
function quoteForGdb(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `"${word.replace(/["\\]/g, '\\$&')}"`;
}

function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`;
}
