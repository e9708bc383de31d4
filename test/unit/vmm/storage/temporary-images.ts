/** Image files for tests, in a folder that is gone at the end of each. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type Test } from 'tape';

export interface ImageFolder {
  path(name: string): string;
  /** Writes a file and gives its path. */
  file(name: string, bytes: Uint8Array): string;
  /** A file of `size` bytes without blocks. */
  sparse(name: string, size: number): string;
}

/** A test with a folder of its own. */
export function imageTest(name: string, body: (t: Test, folder: ImageFolder) => void | Promise<void>): void {
  test(name, async (t) => {
    const root = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-test-'));
    const path = (file: string): string => join(root, file);
    const file = (file: string, bytes: Uint8Array): string => {
      writeFileSync(path(file), bytes);
      return path(file);
    };
    const sparse = (name: string, size: number): string => {
      truncateSync(file(name, new Uint8Array()), size);
      return path(name);
    };
    try {
      await body(t, { path, file, sparse });
    } finally {
      rmSync(root, { recursive: true });
    }
  });
}

/** `length` bytes that differ from place to place and from `seed` to seed. */
export function pattern(length: number, seed = 1): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    return state >> 16;
  });
}
