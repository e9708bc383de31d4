/** `--ready-file`: a file that is there as long as gdb may connect, with the address in it. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';

export interface ReadyFile {
  /** Idempotent. */
  remove(): void;
}

/** Whoever waits for the file would take one from an earlier run for this one's. Throws one sentence. */
export function removeStaleReadyFile(path: string): void {
  attempt(path, () => rmSync(path, { force: true }));
}

/** Written whole: whoever sees the file sees the line in it. Throws one sentence. */
export function writeReadyFile(path: string, address: string): ReadyFile {
  const part = `${path}.${process.pid}`;
  attempt(path, () => {
    writeFileSync(part, `${address}\n`);
    renameSync(part, path);
  });
  return { remove: () => rmSync(path, { force: true }) };
}

function attempt(path: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw new Error(`The ready file ${path} cannot be written: ${(error as Error).message}.`, { cause: error });
  }
}
