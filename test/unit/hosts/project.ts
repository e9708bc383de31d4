/** The project's folder, and its plain scripts, which are not compiled. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const ROOT = ((): string => {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
})();

/** Imports a script by its path in the project. The caller says what it exports. */
export async function script<Exports>(path: string): Promise<Exports> {
  return await import(pathToFileURL(join(ROOT, path)).href) as Exports;
}
