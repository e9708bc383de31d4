/** Where the project and its compiled form are; sources are not copied beside the compiled tests. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The compiled sources and tests. */
export const OUTPUT_FOLDER = fileURLToPath(new URL('../', import.meta.url));

/** The package's own folder. */
export const PACKAGE_FOLDER = withPackage(OUTPUT_FOLDER);

function withPackage(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder;
  if (folder === dirname(folder)) throw new Error('No package.json above the compiled test.');
  return withPackage(dirname(folder));
}
