/**
 * SMBIOS tables as fw_cfg files (DMTF DSP0134, 3.1: the 2.x entry point "_SM_"; clause 7: the structures; QEMU docs/specs/fw_cfg.rst
 * names the files). Firmware places them, fills in where, and adds the structure about itself (type 0).
 */
import { MEBIBYTE } from '../memory-size.js';

const ANCHOR_FILE = 'etc/smbios/smbios-anchor', TABLES_FILE = 'etc/smbios/smbios-tables';
const ANCHOR_SIZE = 31, INTERMEDIATE = 16;
const VERSION = [2, 8] as const;
const MAKER = 'kvm-gdbserver';
const UNKNOWN = 2, OTHER = 1;
/** A size that does not fit into a word of MiB stands in the extended field. */
const EXTENDED = 0x7fff;
/** Firmware's own structure has a lower one. */
const FIRST_HANDLE = 0x100;

interface Structure {
  readonly type: number;
  /** Behind type, length and handle. */
  readonly fields: readonly number[];
  readonly strings?: readonly string[];
}

/** fw_cfg files by name. `ram` in bytes. */
export function smbiosFiles(cpus: number, ram: number): ReadonlyMap<string, Uint8Array> {
  const structures = [system(), chassis(), ...Array.from({ length: cpus }, (_, i) => processor(i)), memoryArray(ram), memoryDevice(ram, FIRST_HANDLE + 2 + cpus), bootState(), { type: 127, fields: [] }];
  const encoded = structures.map(encode);
  const tables = Uint8Array.from(encoded.flat());
  return new Map([
    [ANCHOR_FILE, anchor(tables.length, encoded.length, Math.max(...encoded.map(({ length }) => length)))],
    [TABLES_FILE, tables],
  ]);
}

/** Its address and its checksums are firmware's to fill in. */
function anchor(length: number, count: number, largest: number): Uint8Array {
  const bytes = new Uint8Array(ANCHOR_SIZE);
  bytes.set(Buffer.from('_SM_'));
  bytes.set([ANCHOR_SIZE, ...VERSION, ...word(largest)], 5);
  bytes.set(Buffer.from('_DMI_'), INTERMEDIATE);
  bytes.set(word(length), 22);
  bytes.set(word(count), 28);
  bytes[30] = (VERSION[0] << 4) | VERSION[1];
  return bytes;
}

function encode({ type, fields, strings = [] }: Structure, index: number): number[] {
  const texts = strings.length === 0 ? [0] : strings.flatMap((text) => [...Buffer.from(text), 0]);
  return [type, 4 + fields.length, ...word(FIRST_HANDLE + index), ...fields, ...texts, 0];
}

/** Type 1: maker, product, no version and number, a zero UUID (not set), woken by the power switch. */
function system(): Structure {
  return { type: 1, fields: [1, 2, 0, 0, ...new Array<number>(16).fill(0), 6, 0, 0], strings: [MAKER, 'debugged PC'] };
}

/** Type 3. */
function chassis(): Structure {
  return { type: 3, fields: [1, OTHER, 0, 0, 0, 3, 3, 3, UNKNOWN, 0, 0, 0, 0, 0, 1, 0, 0], strings: [MAKER] };
}

/** Type 4: a central processor in a socket of its own, enabled. */
function processor(index: number): Structure {
  return {
    type: 4, strings: [`CPU ${index}`],
    fields: [1, 3, OTHER, 0, ...new Array<number>(8).fill(0), 0, 0, ...word(0), ...word(0), ...word(0), 0x41, OTHER,
      ...word(0xffff), ...word(0xffff), ...word(0xffff), 0, 0, 0, 1, 1, 1, ...word(4), ...word(OTHER)],
  };
}

/** Type 16: system memory on the board, one device. */
function memoryArray(ram: number): Structure {
  return { type: 16, fields: [3, 3, 3, ...dword(Math.min(ram / 1024, 0x8000_0000)), ...word(0xfffe), ...word(1), ...quad(ram)] };
}

/** Type 17, of the array with this handle. */
function memoryDevice(ram: number, array: number): Structure {
  const mebibytes = Math.floor(ram / MEBIBYTE);
  const fits = mebibytes < EXTENDED;
  return {
    type: 17, strings: ['DIMM 0'],
    fields: [...word(array), ...word(0xfffe), ...word(0xffff), ...word(0xffff), ...word(fits ? mebibytes : EXTENDED), 9, 0, 1, 0, 7,
      ...word(2), ...word(0), 0, 0, 0, 0, 0, ...dword(fits ? 0 : mebibytes), ...word(0), ...word(0), ...word(0), ...word(0)],
  };
}

/** Type 32: no error was found at the start. */
function bootState(): Structure {
  return { type: 32, fields: new Array<number>(7).fill(0) };
}

function word(value: number): number[] {
  return [value & 0xff, (value >> 8) & 0xff];
}

function dword(value: number): number[] {
  return [...word(value % 0x1_0000), ...word(Math.floor(value / 0x1_0000))];
}

function quad(value: number): number[] {
  return [...dword(value % 2 ** 32), ...dword(Math.floor(value / 2 ** 32))];
}
