/** Guests that a test writes in assembly or C: built with the tool chain into a folder that is gone when the test file ends. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'tape';
import { PACKAGE_FOLDER } from './gdb-session.js';

const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-guests-'));
test.onFinish(() => rmSync(folder, { recursive: true }));

export interface AssembledGuest {
  /** The bytes at the load address, for the server. */
  readonly image: string;
  /** The same with symbols and line numbers, for gdb. */
  readonly elf: string;
}

/** Runs a tool in that folder; throws with what it said when it fails. Returns the absolute path of `output`. */
export function tool(output: string, command: string, ...args: readonly string[]): string {
  execFileSync(command, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], timeout: 30_000 });
  return join(folder, output);
}

/** Writes a file into that folder and returns its name there. */
export function source(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

/** The path of a guest's source among the tests' own. */
export function guestSource(name: string): string {
  return join(PACKAGE_FOLDER, 'test/gdb/guests', name);
}

/** Assembles test/gdb/guests/NAME.s, which starts at linear `address`. */
export function assemble(name: string, address = 0x7c00): AssembledGuest {
  tool(`${name}.o`, 'as', '--64', '-g', '-o', `${name}.o`, guestSource(`${name}.s`));
  const elf = tool(`${name}.elf`, 'ld', '-m', 'elf_x86_64', '-z', 'noexecstack', '-Ttext', `0x${address.toString(16)}`, '-e', '_start', '-o', `${name}.elf`, `${name}.o`);
  return { elf, image: tool(`${name}.img`, 'objcopy', '-O', 'binary', '-j', '.text', elf, `${name}.img`) };
}
