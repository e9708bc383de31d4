/** Folders for tests, which leave none behind. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'tape';

/** A new folder that is removed when all tests of the file have ended. */
export function folderOfFile(): string {
  const folder = newFolder();
  test.onFinish(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Calls `work` with a new folder, which is removed afterwards. */
export async function withTemporaryFolder(work: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = newFolder();
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'kvm-gdbserver-test-'));
}
