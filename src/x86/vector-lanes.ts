/**
 * Where the lanes of a gather or scatter go: the elements of a vector register are its indices, and a mask says which of
 * them count (SDM vol. 2, 2.3.12 "Vector SIB", and vol. 2 under VGATHERDPS, VPSCATTERDD).
 */
import { readXsave, XSTATE, type XsaveLayout } from './xsave.js';

export interface VectorLanes {
  readonly count: number;
  /** 0..31: the vector register with the indices, signed ones of 4 or 8 bytes each. */
  readonly index: number;
  readonly indexSize: 4 | 8;
  /** A lane counts if its bit in this opmask register is set, or the uppermost bit of its element in this vector register. */
  readonly mask: { readonly opmask: number } | { readonly vector: number; readonly elementSize: number };
}

/** The XSAVE area of a processor, in standard form. */
export interface VectorState {
  readonly area: Uint8Array;
  readonly layout: XsaveLayout;
}

const OPMASK_SIZE = 8;
const VECTOR_SIZE = 64;

/** The index of each lane that counts. */
export function laneIndices({ count, index, indexSize, mask }: VectorLanes, state: VectorState): bigint[] {
  const indices = viewOf(vectorRegister(index, state));
  const counts = laneCounts(mask, state);
  return Array.from({ length: count }, (_, lane) => lane).filter(counts).map((lane) =>
    (indexSize === 8 ? indices.getBigInt64(8 * lane, true) : BigInt(indices.getInt32(4 * lane, true))));
}

function laneCounts(mask: VectorLanes['mask'], state: VectorState): (lane: number) => boolean {
  if ('opmask' in mask) {
    const bits = new Uint8Array(OPMASK_SIZE);
    readXsave(state.area, state.layout, { component: XSTATE.opmask, start: OPMASK_SIZE * mask.opmask, size: OPMASK_SIZE }, bits, 0, OPMASK_SIZE);
    return (lane) => ((bits[lane >> 3] >> (lane & 7)) & 1) === 1;
  }
  const elements = vectorRegister(mask.vector, state);
  return (lane) => (elements[(lane + 1) * mask.elementSize - 1] & 0x80) !== 0;
}

/** All 64 bytes of XMM, YMM or ZMM `number`; what the processor does not have reads as 0. */
function vectorRegister(number: number, { area, layout }: VectorState): Uint8Array {
  const bytes = new Uint8Array(VECTOR_SIZE);
  const part = (component: number, start: number, size: number, at: number): void => {
    readXsave(area, layout, { component, start, size }, bytes, at, size);
  };
  if (number >= 16) {
    part(XSTATE.hi16Zmm, 64 * (number - 16), 64, 0);
    return bytes;
  }
  part(XSTATE.sse, 16 * number, 16, 0);
  part(XSTATE.avx, 16 * number, 16, 16);
  part(XSTATE.zmmHi256, 32 * number, 32, 32);
  return bytes;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
