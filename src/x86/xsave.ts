/**
 * The XSAVE area in standard format (SDM vol. 1, 13.4), as KVM_GET_XSAVE gives it: where each component is, and
 * reading and writing one register of it. A component whose bit in XSTATE_BV is clear is in its initial
 * configuration whatever the bytes say; writing into it first puts the bytes into that configuration.
 */

/** State components by their bit in XCR0 (SDM vol. 1, 13.1). */
export const XSTATE = { x87: 0, sse: 1, avx: 2, opmask: 5, zmmHi256: 6, hi16Zmm: 7, pkru: 9 } as const;

export interface XsaveComponent {
  /** Bytes from the start of the area, and bytes in it. */
  readonly offset: number;
  readonly size: number;
}

/** Components by bit number. x87 and SSE are always there. */
export type XsaveLayout = ReadonlyMap<number, XsaveComponent>;

const XSTATE_BV_OFFSET = 512;
/** Legacy region and header. */
export const XSAVE_MINIMUM_SIZE = 576;
const FCW_INIT = 0x037f;
const MXCSR_OFFSET = 24;
const MXCSR_MASK_OFFSET = 28;

const LEAST: Readonly<Record<number, number>> = { 2: 256, 5: 64, 6: 512, 7: 1024, 9: 4 };

/**
 * The layout from CPUID leaf 0xD: sub-leaf number (2..62), EAX = size, EBX = offset. A sub-leaf that describes less
 * than its component needs, or reaches beyond `areaSize` bytes, is left out rather than believed.
 */
export function xsaveLayout(
  subleaves: readonly { readonly component: number; readonly offset: number; readonly size: number }[],
  areaSize: number,
): XsaveLayout {
  const layout = new Map<number, XsaveComponent>([
    [XSTATE.x87, { offset: 0, size: 160 }],
    [XSTATE.sse, { offset: 160, size: 256 }],
  ]);
  for (const { component, offset, size } of subleaves) {
    if (component < 2 || component > 62 || size < (LEAST[component] ?? 1)) continue;
    if (offset < XSAVE_MINIMUM_SIZE || offset + size > areaSize) continue;
    layout.set(component, { offset, size });
  }
  return layout;
}

/** One x87 control register as gdb numbers them: 32 bits each in the description. */
export type X87Control = 'fctrl' | 'fstat' | 'ftag' | 'fiseg' | 'fioff' | 'foseg' | 'fooff' | 'fop';

/** A register in the XSAVE area. */
export type XsaveField =
  /** `start` and `size` in bytes within the component. */
  | { readonly component: number; readonly start: number; readonly size: number }
  | { readonly control: X87Control }
  | { readonly control: 'mxcsr' };

const CONTROL_OFFSETS: Record<Exclude<X87Control, 'ftag'>, readonly [offset: number, size: 2 | 4]> = {
  fctrl: [0, 2], fstat: [2, 2], fop: [6, 2], fioff: [8, 4], fiseg: [12, 2], fooff: [16, 4], foseg: [20, 2],
};

function isInUse(xsave: Uint8Array, component: number): boolean {
  return (((xsave[XSTATE_BV_OFFSET + (component >> 3)] ?? 0) >> (component & 7)) & 1) === 1;
}

function le(bytes: Uint8Array, offset: number, size: number): number {
  let value = 0;
  for (let index = size - 1; index >= 0; index--) value = value * 256 + (bytes[offset + index] ?? 0);
  return value;
}

function putLe(bytes: Uint8Array, offset: number, size: number, value: number): void {
  for (let index = 0; index < size; index++) bytes[offset + index] = Math.floor(value / 256 ** index) & 0xff;
}

/** Address of ST(`index`): 16 bytes apart, 10 used. */
export function stOffset(index: number): number {
  return 32 + 16 * index;
}

/**
 * The 16-bit tag word (SDM vol. 1, 8.1.7) of which the area keeps one bit a register: 00 valid, 01 zero, 10 special
 * (NaN, infinity, denormal, unnormal), 11 empty. Tags belong to physical registers; ST(i) is register TOP + i.
 */
function fullTag(xsave: Uint8Array): number {
  const top = ((xsave[3] ?? 0) >> 3) & 7;
  let tag = 0;
  for (let physical = 0; physical < 8; physical++) {
    let bits = 3;
    if ((((xsave[4] ?? 0) >> physical) & 1) === 1) {
      const at = stOffset((physical - top + 8) & 7);
      const exponent = le(xsave, at + 8, 2) & 0x7fff;
      const low = le(xsave, at, 4);
      const high = le(xsave, at + 4, 4);
      if (exponent === 0 && low === 0 && high === 0) bits = 1;
      else bits = exponent !== 0 && exponent !== 0x7fff && high >= 0x8000_0000 ? 0 : 2;
    }
    tag |= bits << (2 * physical);
  }
  return tag;
}

/** Copies a field into `out` at `at`, `size` bytes, zero-extended. A component not in `layout` reads as zeros. */
export function readXsave(
  xsave: Uint8Array, layout: XsaveLayout, field: XsaveField, out: Uint8Array, at: number, size: number,
): void {
  if ('component' in field) {
    const place = layout.get(field.component);
    const inUse = place !== undefined && isInUse(xsave, field.component);
    const from = inUse ? place.offset + field.start : 0;
    for (let index = 0; index < size; index++) {
      out[at + index] = inUse && index < field.size ? (xsave[from + index]) : 0;
    }
    return;
  }
  if (field.control === 'mxcsr') {
    // MXCSR belongs to SSE and AVX alike, and XRSTOR loads it whatever XSTATE_BV says (SDM vol. 1, 13.8.1).
    putLe(out, at, size, le(xsave, MXCSR_OFFSET, 4));
    return;
  }
  putLe(out, at, size, readControl(xsave, field.control));
}

function readControl(xsave: Uint8Array, control: X87Control): number {
  if (!isInUse(xsave, XSTATE.x87)) return control === 'fctrl' ? FCW_INIT : control === 'ftag' ? 0xffff : 0;
  if (control === 'ftag') return fullTag(xsave);
  const [offset, size] = CONTROL_OFFSETS[control];
  return control === 'fop' ? le(xsave, offset, size) & 0x7ff : le(xsave, offset, size);
}

/** Puts a component into its initial configuration and marks it in use (SDM vol. 1, 13.6). */
function activate(xsave: Uint8Array, layout: XsaveLayout, component: number): void {
  if (isInUse(xsave, component)) return;
  const place = layout.get(component);
  if (place === undefined) throw new Error(`XSAVE component ${component} is not in the layout`);
  if (component === XSTATE.x87) {
    // MXCSR and its mask lie inside the x87 region and are not part of it.
    xsave.fill(0, 0, MXCSR_OFFSET);
    xsave.fill(0, stOffset(0), stOffset(8));
    putLe(xsave, 0, 2, FCW_INIT);
  } else {
    xsave.fill(0, place.offset, place.offset + place.size);
  }
  const at = XSTATE_BV_OFFSET + (component >> 3);
  xsave[at] = (xsave[at]) | (1 << (component & 7));
}

/**
 * Bits of MXCSR that may be set: MXCSR_MASK (SDM vol. 1, 11.6.6). A zero means that the area was never saved; every
 * 64-bit processor has DAZ and so the whole of 0xffff.
 */
export function mxcsrMask(xsave: Uint8Array): number {
  const mask = le(xsave, MXCSR_MASK_OFFSET, 4);
  return mask === 0 ? 0xffff : mask;
}

/**
 * Writes a field from `bytes` (as wide as the register in the description; surplus bytes are ignored) and marks its
 * component in use.
 *
 * @throws Error if the component is not in the layout.
 */
export function writeXsave(xsave: Uint8Array, layout: XsaveLayout, field: XsaveField, bytes: Uint8Array): void {
  if ('component' in field) {
    activate(xsave, layout, field.component);
    const place = layout.get(field.component) as XsaveComponent;
    xsave.set(bytes.subarray(0, field.size), place.offset + field.start);
    return;
  }
  if (field.control === 'mxcsr') {
    activate(xsave, layout, XSTATE.sse);
    xsave.set(bytes.subarray(0, 4), MXCSR_OFFSET);
    return;
  }
  activate(xsave, layout, XSTATE.x87);
  if (field.control === 'ftag') {
    let abridged = 0;
    const tag = le(bytes, 0, 2);
    for (let register = 0; register < 8; register++) if (((tag >> (2 * register)) & 3) !== 3) abridged |= 1 << register;
    xsave[4] = abridged;
    return;
  }
  const [offset, size] = CONTROL_OFFSETS[field.control];
  xsave.set(bytes.subarray(0, size), offset);
}
