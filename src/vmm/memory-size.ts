/** Memory sizes as people type them: `128M`, `2G`, `65536`, `0x100000`. */

const UNITS: Readonly<Record<string, number>> = {
  '': 1, B: 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4,
};

export const MEBIBYTE = 1024 ** 2;
export const GIBIBYTE = 1024 ** 3;

/**
 * `128M` → 134217728 bytes. Units are binary (K, M, G, T; `KiB` and `KB` mean the same), no unit means bytes.
 * Throws RangeError with one sentence for anything that is not a size.
 */
export function parseSize(text: string): number {
  const match = /^\s*(0x[0-9a-f]+|\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*$/i.exec(text);
  const size = match === null ? NaN : Number(match[1]) * (UNITS[(match[2] ?? '').toUpperCase()] ?? NaN);
  if (!Number.isFinite(size) || !Number.isInteger(size)) {
    throw new RangeError(`"${text}" is not a memory size; write a whole number of bytes or a number with K, M or G, such as 128M.`);
  }
  return size;
}

/** 134217728 → `128 MiB`; exact, in the largest unit that divides it. */
export function formatSize(bytes: number): string {
  for (const [unit, name] of [[GIBIBYTE, 'GiB'], [MEBIBYTE, 'MiB'], [1024, 'KiB']] as const) {
    if (bytes >= unit && bytes % unit === 0) return `${bytes / unit} ${name}`;
  }
  return `${bytes} bytes`;
}

/** 4718592 → `4.5 MiB`: to one digit behind the point. */
export function formatBytes(bytes: number): string {
  for (const [unit, name] of [[GIBIBYTE, 'GiB'], [MEBIBYTE, 'MiB'], [1024, 'KiB']] as const) {
    if (bytes >= unit) return `${Number((bytes / unit).toFixed(1))} ${name}`;
  }
  return `${bytes} bytes`;
}

/**
 * Checks a guest's RAM size: at least 1 MiB (real mode needs its first mebibyte), a multiple of 4 KiB, and not more
 * than `hostBytes`, the host's own memory. Throws RangeError with one sentence.
 */
export function checkRamSize(bytes: number, hostBytes: number): void {
  if (!Number.isSafeInteger(bytes) || bytes < MEBIBYTE) {
    throw new RangeError(`A guest needs at least 1 MiB of memory, not ${bytes} bytes.`);
  }
  if (bytes % 4096 !== 0) {
    throw new RangeError(`Guest memory is made of 4 KiB pages, and ${bytes} bytes is not a whole number of them.`);
  }
  if (bytes > hostBytes) {
    const host = Math.floor(hostBytes / MEBIBYTE);
    throw new RangeError(`${formatSize(bytes)} of guest memory is more than this host has (${host} MiB); ask for less.`);
  }
}
