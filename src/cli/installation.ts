/** What lies beside the compiled program: its version and the helper that stock gdb loads. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's root folder: the nearest one above this file that has a package.json. */
function packageRoot(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) throw new Error('The installation is broken: no package.json stands above the program.');
  }
}

export function version(): string {
  return (JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }).version;
}

/** Absolute path of the Python helper for gdb. Throws when the installation has none. */
export function gdbHelperPath(): string {
  const path = join(packageRoot(), 'gdb', 'kvm_gdbserver.py');
  if (!existsSync(path)) throw new Error(`The installation is broken: ${path} is missing.`);
  return path;
}
