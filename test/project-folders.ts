/** Where the project and its compiled form are, and its plain scripts; neither they nor sources are copied beside the compiled tests. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The compiled sources and tests. */
export const OUTPUT_FOLDER = fileURLToPath(new URL('../', import.meta.url));

/** The package's own folder. */
export const PACKAGE_FOLDER = withPackage(OUTPUT_FOLDER);

function withPackage(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder;
  if (folder === dirname(folder)) throw new Error('No package.json above the compiled test.');
  return withPackage(dirname(folder));
}

/** Imports a script by its path in the project. The caller says what it exports. */
export async function script<Exports>(path: string): Promise<Exports> {
  return await import(pathToFileURL(join(PACKAGE_FOLDER, path)).href) as Exports;
}
