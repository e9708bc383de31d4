/** A gdb that speaks the Debug Adapter Protocol itself (14 and later): this machine's, else Debian's next one unpacked into the cache. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PACKAGE_FOLDER } from '../../gdb/support/gdb-session.js';

const FIRST_WITH_DAP = 14;

const FETCH_MILLISECONDS = 90_000;

interface Packages {
  unpackedCommand: (top: string, program: string) => string[];
}

function hostScript(name: string): string {
  return pathToFileURL(join(PACKAGE_FOLDER, 'test/hosts', name)).href;
}

/** Major version of a gdb; 0 where it does not start or has no Python. */
function majorVersion(command: readonly string[]): number {
  const [program = '', ...args] = command;
  const { stdout } = spawnSync(program, [...args, '-nx', '-batch', '-ex', 'python print("gdb", gdb.VERSION)'], { encoding: 'utf8', timeout: 20_000 });
  return Number(/^gdb (\d+)/m.exec(stdout ?? '')?.[1] ?? 0);
}

/** The folder that Debian's gdb is unpacked in. Test files run side by side, and one of them fetches it. */
function unpack(cache: string): string {
  const program = `
    const { unpacked } = await import('${hostScript('debian-packages.mjs')}');
    const { packageSets } = await import('${hostScript('package-sets.mjs')}');
    try {
      console.log(await unpacked(${JSON.stringify(cache)}, 'gdb', packageSets.gdb));
    } catch (error) {
      console.error(error.message);
      process.exitCode = 1;
    }`;
  const { status, stdout, stderr, error } = spawnSync('flock', [join(cache, 'gdb.lock'), process.execPath, '--input-type=module', '-e', program],
    { encoding: 'utf8', timeout: FETCH_MILLISECONDS });
  if (status === 0) return stdout.trim();
  throw new Error(error?.message ?? (stderr.trim() || `it was not fetched within ${FETCH_MILLISECONDS / 1000} seconds`));
}

async function unpackedGdb(): Promise<{ command: string[]; environment: string }> {
  const { unpackedCommand } = await import(hostScript('debian-packages.mjs')) as Packages;
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'kvm-gdbserver-hosts');
  mkdirSync(cache, { recursive: true });
  const top = unpack(cache);
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
