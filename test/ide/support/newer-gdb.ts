/** A gdb that speaks the Debug Adapter Protocol itself (14 and later): this machine's, else Debian's next one unpacked into the cache. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PACKAGE_FOLDER } from '../../gdb/support/gdb-session.js';

const FIRST_WITH_DAP = 14;

interface Packages {
  unpacked: (cache: string, name: string, set: object) => Promise<string>;
  unpackedCommand: (top: string, program: string) => string[];
}

async function hostScript<T>(name: string): Promise<T> {
  return await import(pathToFileURL(join(PACKAGE_FOLDER, 'test/hosts', name)).href) as T;
}

/** Major version of a gdb; 0 where it does not start or has no Python. */
function majorVersion(command: readonly string[]): number {
  const [program = '', ...args] = command;
  const { stdout } = spawnSync(program, [...args, '-nx', '-batch', '-ex', 'python print("gdb", gdb.VERSION)'], { encoding: 'utf8', timeout: 20_000 });
  return Number(/^gdb (\d+)/m.exec(stdout ?? '')?.[1] ?? 0);
}

async function unpackedGdb(): Promise<{ command: string[]; environment: string }> {
  const { unpacked, unpackedCommand } = await hostScript<Packages>('debian-packages.mjs');
  const { packageSets } = await hostScript<{ packageSets: { gdb: object } }>('package-sets.mjs');
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'kvm-gdbserver-hosts');
  mkdirSync(cache, { recursive: true });
  const top = await unpacked(cache, 'gdb', packageSets.gdb);
  return { command: [...unpackedCommand(top, 'usr/bin/gdb'), `--data-directory=${join(top, 'usr/share/gdb')}`], environment: `PYTHONHOME='${top}/usr' ` };
}

/** A command to start, in a folder that `remove` takes away; or one sentence why there is none. */
export type NewerGdb = { readonly path: string; remove(): void } | { readonly missing: string };

/** Looks for one; the first time on a machine it may be fetched, which takes some seconds. `args` go before those it is started with. */
export async function newerGdb(args: readonly string[] = []): Promise<NewerGdb> {
  let found: { command: string[]; environment: string } = { command: ['gdb'], environment: '' };
  if (majorVersion(found.command) < FIRST_WITH_DAP) {
    try {
      found = await unpackedGdb();
    } catch (error) {
      return { missing: `gdb ${FIRST_WITH_DAP} or later is not here: ${(error as Error).message}` };
    }
  }
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-gdb-'));
  const path = join(folder, 'gdb');
  const words = [...found.command, ...args].map((word) => `'${word}'`).join(' ');
  writeFileSync(path, `#!/bin/sh\n${found.environment}exec ${words} -nx "$@"\n`, { mode: 0o755 });
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
