/** From a file's bytes to a guest that a machine can start. */
import { GuestError, type BootKind, type BootOptions, type LoadedGuest } from './boot-options.js';
import { detectBootKind } from './detect.js';
import { loadElfEntry } from './elf-entry.js';
import { isElf } from './elf.js';
import { loadFlat } from './flat.js';
import { isLinux } from './linux-header.js';
import { loadLinux } from './linux.js';
import { loadMbr } from './mbr.js';
import { loadMultiboot1 } from './multiboot1.js';
import { loadMultiboot2 } from './multiboot2.js';
import { loadPvh } from './pvh.js';

const LOADERS: Readonly<Record<BootKind, (file: Uint8Array, options: BootOptions) => LoadedGuest>> = {
  flat: loadFlat, mbr: loadMbr, linux: loadLinux, multiboot: loadMultiboot1, multiboot2: loadMultiboot2, pvh: loadPvh, elf: loadElfEntry,
};
/** Those that hand a command line and modules, or an initrd, to the kernel. */
const TAKES_ARGUMENTS: ReadonlySet<BootKind> = new Set(['linux', 'multiboot', 'multiboot2', 'pvh']);

/** Starts `file` as `options.boot` says, or as its content says. Throws GuestError with one sentence. */
export function loadGuest(file: Uint8Array, options: BootOptions): LoadedGuest {
  if (file.length === 0) throw new GuestError(`${options.name} is empty; give a guest image.`);
  const kind = options.boot ?? (asksForFlat(file, options) ? 'flat' : detectBootKind(file, options.name));
  const misplaced = options.load !== undefined || options.entry !== undefined || (options.mode !== undefined && kind !== 'linux');
  if (kind !== 'flat' && misplaced) {
    const what = kind === 'linux' ? '--load and --entry are' : '--load, --entry and --mode are';
    throw new GuestError(`${what} for flat images, and ${options.name} is to be started as ${kind}; leave them out or add --boot flat.`);
  }
  if (!TAKES_ARGUMENTS.has(kind)) {
    const why = `a guest by Multiboot, PVH or the Linux boot protocol, and ${options.name} is started as ${kind}; leave`;
    if ((options.modules?.length ?? 0) > 0) throw new GuestError(`Modules reach ${why} --module out.`);
    if (options.commandLine !== undefined) throw new GuestError(`A command line reaches ${why} --append out.`);
  }
  const guest = LOADERS[kind](file, options);
  return options.symbols === undefined ? guest : { ...guest, executable: options.symbols, notes: [...guest.notes, `symbols are in ${options.symbols}`] };
}

/** A place or a mode can only be meant for a flat image; but a bzImage has entries for several modes, and an ELF file says both itself. */
function asksForFlat(file: Uint8Array, { load, entry, mode }: BootOptions): boolean {
  return !isElf(file) && (load !== undefined || entry !== undefined || (mode !== undefined && !isLinux(file)));
}
