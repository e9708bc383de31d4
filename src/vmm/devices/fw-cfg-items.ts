/** What fw_cfg says about this machine (QEMU docs/specs/fw_cfg.rst; the files as SeaBIOS's Runtime_config.md names them). */
import type { MemoryWrite } from '../boot/boot-options.js';
import type { MemoryRegion } from '../guest-memory.js';

const SIGNATURE = 0x00, ID = 0x01, RAM_SIZE = 0x03, NOGRAPHIC = 0x04, NB_CPUS = 0x05, BOOT_MENU = 0x0e, MAX_CPUS = 0x0f;
const FILE_DIR = 0x19, FILE_FIRST = 0x20;
/** A kernel and what goes with it: for each the selectors of its address, its size and its bytes. */
export const KERNEL_ITEMS = {
  kernel: { address: 0x07, size: 0x08, data: 0x11 },
  initrd: { address: 0x0a, size: 0x0b, data: 0x12 },
  commandLine: { address: 0x13, size: 0x14, data: 0x15 },
  setup: { address: 0x16, size: 0x17, data: 0x18 },
} as const;
export type KernelItem = keyof typeof KERNEL_ITEMS;
/** FW_CFG_ARCH_LOCAL items: IRQ0 goes to pin 2 of the IOAPIC. */
const IRQ0_OVERRIDE = 0x8002;
/** ID: bit 0 is the ports, bit 1 DMA. */
const FEATURES = 3;
const NAME_SIZE = 56;
/** Milliseconds: SeaBIOS tells times apart that are less than half a day from now (src/hw/timer.c there, `irqtimer_check`). */
const LONGEST_MENU_WAIT = 10 * 3600 * 1000;
const E820_RAM = 1, E820_RESERVED = 2;
/** What KVM keeps for itself (`openVm`). */
const KVM_PAGES = { start: 0xfeff_c000, size: 0x4000 };

export interface FirmwareConfig {
  /** RAM, in the order of addresses. */
  readonly ram: readonly MemoryRegion[];
  readonly cpus: number;
  /** Port on which the firmware shows its screen; none when absent. */
  readonly serialConsole?: number;
  /** OpenFirmware paths in the order to try, as the file `bootorder` has them. */
  readonly bootOrder?: readonly string[];
  /** Ask for the boot menu, and wait for a key as good as for ever. */
  readonly bootMenu?: boolean;
  /** A Linux kernel by its parts, where they are to lie; what is absent has size 0. */
  readonly kernel?: Readonly<Partial<Record<KernelItem, MemoryWrite>>>;
  /** Further files by name. */
  readonly files?: ReadonlyMap<string, Uint8Array>;
}

/** Items by selector. Throws RangeError for a file whose name is too long. */
export function fwCfgItems(config: FirmwareConfig): ReadonlyMap<number, Uint8Array> {
  const ramSize = config.ram.reduce((sum, { size }) => sum + size, 0);
  const items = new Map<number, Uint8Array>([
    [SIGNATURE, new TextEncoder().encode('QEMU')],
    [ID, littleEndian(4, FEATURES)],
    [RAM_SIZE, littleEndian(8, ramSize)],
    [NOGRAPHIC, littleEndian(2, config.serialConsole === undefined ? 0 : 1)],
    [NB_CPUS, littleEndian(2, config.cpus)],
    [MAX_CPUS, littleEndian(2, config.cpus)],
    [BOOT_MENU, littleEndian(2, config.bootMenu === true ? 1 : 0)],
    [IRQ0_OVERRIDE, littleEndian(1, 1)],
    ...kernelItems(config.kernel ?? {}),
  ]);
  const files = [...new Map([...ownFiles(config), ...config.files ?? []])].sort(([a], [b]) => (a < b ? -1 : 1));
  files.forEach(([, bytes], i) => items.set(FILE_FIRST + i, bytes));
  items.set(FILE_DIR, directory(files));
  return items;
}

function kernelItems(kernel: NonNullable<FirmwareConfig['kernel']>): [number, Uint8Array][] {
  return (Object.keys(KERNEL_ITEMS) as KernelItem[]).flatMap((item): [number, Uint8Array][] => {
    const { address, bytes } = kernel[item] ?? { address: 0n, bytes: new Uint8Array(0) };
    const selectors = KERNEL_ITEMS[item];
    return [[selectors.address, littleEndian(4, Number(address))], [selectors.size, littleEndian(4, bytes.length)], [selectors.data, bytes]];
  });
}

function ownFiles(config: FirmwareConfig): [string, Uint8Array][] {
  const files: [string, Uint8Array][] = [
    ['etc/e820', e820(config.ram)],
    // 2^32 - 1 milliseconds are for ever: a guest that is looked at must not start over by itself.
    ['etc/boot-fail-wait', littleEndian(4, 0xffff_ffff)],
  ];
  if (config.bootMenu === true) files.push(['etc/boot-menu-wait', littleEndian(4, LONGEST_MENU_WAIT)]);
  if (config.serialConsole !== undefined) files.push(['etc/sercon-port', littleEndian(2, config.serialConsole)]);
  if (config.bootOrder !== undefined) files.push(['bootorder', new TextEncoder().encode(`${config.bootOrder.join('\n')}\0`)]);
  return files;
}

/** Entries of 20 bytes: address, length, type. */
function e820(ram: readonly MemoryRegion[]): Uint8Array {
  const entries = [...ram.map(({ start, size }) => ({ start, size, type: E820_RAM })), { ...KVM_PAGES, type: E820_RESERVED }];
  const bytes = new Uint8Array(20 * entries.length);
  const view = new DataView(bytes.buffer);
  entries.forEach(({ start, size, type }, i) => {
    view.setBigUint64(20 * i, BigInt(start), true);
    view.setBigUint64(20 * i + 8, BigInt(size), true);
    view.setUint32(20 * i + 16, type, true);
  });
  return bytes;
}

/** A count, then size, selector and name of each file; big endian. */
function directory(files: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  const entry = 8 + NAME_SIZE;
  const bytes = new Uint8Array(4 + entry * files.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, files.length);
  files.forEach(([name, content], i) => {
    const at = 4 + entry * i;
    const encoded = new TextEncoder().encode(name);
    if (encoded.length >= NAME_SIZE) throw new RangeError(`A fw_cfg file has a name of at most ${NAME_SIZE - 1} bytes, and "${name}" has more.`);
    view.setUint32(at, content.length);
    view.setUint16(at + 4, FILE_FIRST + i);
    bytes.set(encoded, at + 8);
  });
  return bytes;
}

/** The selector of the file `name`, by the directory among `items`. */
export function fwCfgFileSelector(items: ReadonlyMap<number, Uint8Array>, name: string): number | undefined {
  const bytes = items.get(FILE_DIR) ?? new Uint8Array(4);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let i = 0; i < view.getUint32(0); i++) {
    const at = 4 + (8 + NAME_SIZE) * i;
    const text = new TextDecoder().decode(bytes.subarray(at + 8, at + 8 + NAME_SIZE));
    if (text.slice(0, text.indexOf('\0')) === name) return view.getUint16(at + 4);
  }
  return undefined;
}

function littleEndian(size: 1 | 2 | 4 | 8, value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes.slice(0, size);
}
