/** From a file's bytes to a guest that a machine can start. */
import { GuestError, type BootKind, type BootOptions, type LoadedGuest } from './boot-options.js';
import { detectBootKind } from './detect.js';
import { loadElfEntry } from './elf-entry.js';
import { loadFlat } from './flat.js';
import { loadMbr } from './mbr.js';
import { loadMultiboot1 } from './multiboot1.js';
import { loadPvh } from './pvh.js';

const LOADERS: Readonly<Record<BootKind, (file: Uint8Array, options: BootOptions) => LoadedGuest>> = {
  flat: loadFlat, mbr: loadMbr, multiboot: loadMultiboot1, pvh: loadPvh, elf: loadElfEntry,
};

/** Starts `file` as `options.boot` says, or as its content says. Throws GuestError with one sentence. */
export function loadGuest(file: Uint8Array, options: BootOptions): LoadedGuest {
  if (file.length === 0) throw new GuestError(`${options.name} is empty; give a guest image.`);
  const asksForFlat = options.load !== undefined || options.entry !== undefined || options.mode !== undefined;
  const kind = options.boot ?? (asksForFlat ? 'flat' : detectBootKind(file, options.name));
  if (kind !== 'flat' && asksForFlat) {
    throw new GuestError(`--load, --entry and --mode are for flat images, and ${options.name} is to be started as ${kind}; leave them out or add --boot flat.`);
  }
  if (kind !== 'multiboot' && kind !== 'pvh' && (options.modules?.length ?? 0) > 0) {
    throw new GuestError(`Modules reach a guest by Multiboot or PVH, and ${options.name} is started as ${kind}; leave --module out.`);
  }
  return LOADERS[kind](file, options);
}
