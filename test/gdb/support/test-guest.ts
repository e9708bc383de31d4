/** The guests of test/gdb/guests, built by their Makefile; only those that are older than their sources. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { PACKAGE_FOLDER } from './gdb-session.js';
import { patience } from '../../time-scale.js';

const BUILD = join(PACKAGE_FOLDER, 'build/test-guests');
let isBuilt = false;

export interface TestGuest {
  /** The bytes at the load address, for the server. */
  readonly image: string;
  /** The same with symbols and line numbers, for gdb. */
  readonly elf: string;
}

/** Throws with make's output when it fails. */
export function testGuest(name: string): TestGuest {
  if (!isBuilt) execFileSync('make', ['-s', '-C', join(PACKAGE_FOLDER, 'test/gdb/guests')], { stdio: ['ignore', 'ignore', 'pipe'], timeout: patience(60_000) });
  isBuilt = true;
  return { image: join(BUILD, `${name}.img`), elf: join(BUILD, `${name}.elf`) };
}
