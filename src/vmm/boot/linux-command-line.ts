/**
 * What a Linux command line asks of the loader rather than of the kernel (Linux, Documentation/arch/x86/boot.rst,
 * "Special Command Line Options"). A word that is not understood is the kernel's to complain about.
 */

const NORMAL_MODE = 0xffff;
const NAMED_MODES: Readonly<Record<string, number>> = { normal: NORMAL_MODE, ext: 0xfffe, ask: 0xfffd };
const SUFFIXES = 'kmgtpe';

export interface LoaderWishes {
  /** For vid_mode in the setup header. */
  readonly vidMode: number;
  /** The kernel takes this GPA for the end of RAM. */
  readonly memoryEnd: number;
}

/** Reads `vga=` and `mem=`; the last one of each counts, as in the kernel. */
export function loaderWishes(commandLine: string): LoaderWishes {
  let vidMode = NORMAL_MODE, memoryEnd = Infinity;
  for (const word of commandLine.split(/\s+/)) {
    const [key, value = ''] = word.split('=', 2);
    if (key === 'vga') vidMode = NAMED_MODES[value] ?? within16Bits(parseNumber(value)) ?? vidMode;
    else if (key === 'mem') memoryEnd = parseMemory(value) ?? memoryEnd;
  }
  return { vidMode, memoryEnd };
}

/** As in C: decimal, 0x…, 0…. */
function parseNumber(text: string): number | undefined {
  if (/^0x[0-9a-f]{1,16}$/i.test(text)) return Number(text);
  if (/^0[0-7]{0,21}$/.test(text)) return Number.parseInt(text, 8);
  return /^[1-9]\d{0,19}$/.test(text) ? Number(text) : undefined;
}

function within16Bits(value: number | undefined): number | undefined {
  return value !== undefined && value <= 0xffff ? value : undefined;
}

function parseMemory(text: string): number | undefined {
  const [, number = '', suffix = ''] = /^(0x[0-9a-f]+|\d+)([kmgtpe]?)$/i.exec(text) ?? [];
  const value = parseNumber(number);
  return value === undefined || value === 0 ? undefined : value * 1024 ** (SUFFIXES.indexOf(suffix.toLowerCase() || ' ') + 1);
}
