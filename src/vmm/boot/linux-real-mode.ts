/**
 * A Linux kernel's own 16-bit setup code, entered as a boot loader under a BIOS enters it (Linux,
 * Documentation/arch/x86/boot.rst, "Memory Layout of The Real-Mode Code", "Running the Kernel").
 */
import type { CpuState } from '../../x86/cpu-state.js';
import { GuestError, formatRange, type MemoryWrite } from './boot-options.js';
import { realMode } from './cpu-modes.js';
import type { LinuxHeader } from './linux-header.js';
import { fillSetupHeader, type LoaderAnswers } from './linux-params.js';
import type { Placement } from './placement.js';

/** The first is for a bzImage; a zImage's code fills the memory below 0x90000. Heap and stack end where the command line begins. */
const HIGH_LAYOUT = { base: 0x1_0000, heapEnd: 0xe000, end: 0x1_0000 };
const LOW_LAYOUT = { base: 0x9_0000, heapEnd: 0x9800, end: 0xa000 };
const SETUP_LARGEST = 0x8000;
/** The entry lies behind the boot sector. */
const ENTRY_OFFSET = 0x200;

export interface SetupCodeStart {
  /** Linear. */
  readonly entry: bigint;
  readonly cpu: CpuState;
  readonly commandLine: MemoryWrite;
  /** The setup code with the loader's answers in its header. */
  setup(answers: Omit<LoaderAnswers, 'commandLine' | 'heapEnd'>): MemoryWrite;
}

/** Takes the segment of the setup code. `commandLine` ends in a zero byte. Throws GuestError when it is too long for it. */
export function startSetupCode(
  file: Uint8Array, header: LinuxHeader, name: string, commandLine: Uint8Array, placement: Placement, notes: string[],
): SetupCodeStart {
  const { base, heapEnd, end } = header.loadsHigh ? HIGH_LAYOUT : LOW_LAYOUT;
  if (header.setupSize > SETUP_LARGEST) {
    throw new GuestError(`${name} has ${header.setupSize} bytes of setup code, and the boot protocol allows ${SETUP_LARGEST}; start it without --mode real and --firmware.`);
  }
  if (commandLine.length > end - heapEnd) {
    throw new GuestError(`The command line has ${commandLine.length - 1} bytes, and ${end - heapEnd - 1} fit behind the setup code of ${name}; shorten --append, or start it without --mode real and --firmware.`);
  }
  placement.take(`The setup code of ${name}`, base, end);
  notes.push(`setup code is at ${formatRange(base, header.setupSize)}, to be entered in real mode`);

  const segment = base >> 4;
  return {
    entry: BigInt(base + ENTRY_OFFSET),
    cpu: realMode(segment + (ENTRY_OFFSET >> 4), 0, heapEnd, {}, segment),
    commandLine: { address: BigInt(base + heapEnd), bytes: commandLine },
    setup(answers) {
      // A copy: `slice` of a Buffer would be a view of the file.
      const bytes = Uint8Array.from(file.subarray(0, header.setupSize));
      fillSetupHeader(bytes, { ...answers, commandLine: base + heapEnd, heapEnd });
      return { address: BigInt(base), bytes };
    },
  };
}
