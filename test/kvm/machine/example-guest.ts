/** The bytes of a kernel of examples/guests, made when it is not there or old. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GUESTS_FOLDER } from '../../gdb/support/gdb-session.js';

export function exampleKernel(name: string): { readonly name: string; readonly bytes: Uint8Array } {
  execFileSync('make', ['-s', '-C', GUESTS_FOLDER, name]);
  return { name: `${name}.elf`, bytes: readFileSync(join(GUESTS_FOLDER, 'build', `${name}.elf`)) };
}
