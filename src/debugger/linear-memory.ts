/**
 * Guest memory by linear address, as one vCPU sees it: our own page walk, then host memory; no ioctl, and Accessed
 * and Dirty bits stay as they are. Device registers are never read for a debugger: outside RAM and ROM there is
 * nothing.
 */
import type { MemoryPiece } from '../breakpoints/planner.js';
import { TargetError, type LinearRegion } from '../target.js';
import type { GuestMemory } from '../vmm/guest-memory.js';
import { isWritable } from '../vmm/memory-layout.js';
import { describePageFault, pagingFormat, translate, type PagingFormat, type PagingState } from '../x86/page-walk.js';
import { regionAround } from './linear-region.js';

const EFAULT = 14;
const ADDRESS_MASK = 0xffff_ffff_ffff_ffffn;

const MOST_LOOKED_UP = 16 << 20;

/** A run of linear addresses that is contiguous in guest-physical memory. */
interface Piece {
  readonly gpa: number;
  /** Bytes from the start of the request. */
  readonly offset: number;
  readonly length: number;
}

/** Linear memory under one set of control registers; made anew when those change. */
export class LinearMemory {
  private readonly format: PagingFormat;

  constructor(private readonly memory: GuestMemory, paging: PagingState) {
    this.format = pagingFormat(paging);
  }

  /** GPA of the byte at a linear address, undefined where it is not mapped. The GPA need not be memory. */
  physical(linear: bigint): number | undefined {
    const result = translate(this.format, linear & ADDRESS_MASK, this.memory);
    return result.mapped ? result.gpa : undefined;
  }

  /** GPA of the byte where it is mapped to RAM that can be written. */
  physicalRam(linear: bigint): number | undefined {
    const gpa = this.physical(linear);
    return gpa !== undefined && isWritable(this.memory.chunkAt(gpa)) ? gpa : undefined;
  }

  /** The byte is mapped, and to no memory: a device, or nothing. */
  isDevice(linear: bigint): boolean {
    const gpa = this.physical(linear);
    return gpa !== undefined && this.memory.chunkAt(gpa) === undefined;
  }

  /** CPL 3 can reach the byte; false without paging, where that depends on the segments. */
  isUserMode(linear: bigint): boolean {
    if (this.format.levels.length === 0) return false;
    const result = translate(this.format, linear & ADDRESS_MASK, this.memory);
    return result.mapped && result.user;
  }

  /**
   * The bytes in runs that are contiguous in guest-physical memory; undefined unless all of them are mapped to RAM, and
   * for more than 16 MiB of them, which take too long to look up.
   */
  ramPieces(linear: bigint, length: number): MemoryPiece[] | undefined {
    if (length > MOST_LOOKED_UP) return undefined;
    const pieces: MemoryPiece[] = [];
    for (let done = 0; done < length; ) {
      const piece = this.piece(linear, done, length);
      if (piece === undefined) return undefined;
      for (let at = piece.gpa; at < piece.gpa + piece.length; ) {
        const chunk = this.memory.chunkAt(at);
        if (!isWritable(chunk)) return undefined;
        at = chunk.start + chunk.size;
      }
      pieces.push({ linear: linear + BigInt(done), physical: piece.gpa, length: piece.length });
      done += piece.length;
    }
    return pieces;
  }

  /** GPAs of the page-table entries that the processor reads to reach the byte. */
  tableEntries(linear: bigint): number[] {
    const entries: number[] = [];
    translate(this.format, linear & ADDRESS_MASK, this.memory, (gpa) => entries.push(gpa));
    return entries;
  }

  /** A copy of at most `length` bytes; short where the mapped memory ends, empty where there is none. */
  read(linear: bigint, length: number): Uint8Array {
    const first = this.piece(linear, 0, length);
    if (first === undefined) return new Uint8Array(0);
    if (first.length === length) return this.memory.read(first.gpa, length);
    return this.gather(linear, length);
  }

  /** As `read`, but guest memory itself where it is in one piece: see `GuestMemory.peek`. */
  peek(linear: bigint, length: number): Uint8Array {
    const first = this.piece(linear, 0, length);
    if (first === undefined) return new Uint8Array(0);
    if (first.length === length) return this.memory.peek(first.gpa, length);
    return this.gather(linear, length);
  }

  /** A copy of what lies in several pieces. */
  private gather(linear: bigint, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const piece = this.piece(linear, done, length);
      if (piece === undefined) break;
      const part = this.memory.peek(piece.gpa, piece.length);
      bytes.set(part, done);
      done += part.length;
      if (part.length < piece.length) break;
    }
    return done === length ? bytes : bytes.subarray(0, done);
  }

  /** Writes all of `bytes`, or nothing and throws TargetError (EFAULT) that names the first address that failed. */
  write(linear: bigint, bytes: Uint8Array): void {
    const pieces: Piece[] = [];
    for (let done = 0; done < bytes.length; ) {
      const piece = this.piece(linear, done, bytes.length);
      if (piece === undefined || !this.memory.contains(piece.gpa, piece.length)) {
        throw new TargetError(this.explain(linear + BigInt(done)), EFAULT);
      }
      pieces.push(piece);
      done += piece.length;
    }
    for (const { gpa, offset, length } of pieces) this.memory.write(gpa, bytes.subarray(offset, offset + length));
  }

  /** The run of addresses around one that are mapped alike. */
  region(linear: bigint): LinearRegion {
    return regionAround(this.format, this.memory, linear & ADDRESS_MASK);
  }

  /** One sentence on why there is no memory at a linear address. */
  explain(linear: bigint): string {
    const address = linear & ADDRESS_MASK;
    const result = translate(this.format, address, this.memory);
    if (!result.mapped) return describePageFault(result);
    return `0x${address.toString(16)} leads to guest-physical 0x${result.gpa.toString(16)}, where there is no memory`;
  }

  /** The longest run from `linear + offset` that is contiguous in guest-physical memory, up to `length` of the request. */
  private piece(linear: bigint, offset: number, length: number): Piece | undefined {
    const wanted = length - offset;
    let gpa: number | undefined;
    let found = 0;
    while (found < wanted) {
      const result = translate(this.format, (linear + BigInt(offset + found)) & ADDRESS_MASK, this.memory);
      if (!result.mapped || (gpa !== undefined && result.gpa !== gpa + found)) break;
      gpa ??= result.gpa;
      found += result.pageSize - (result.gpa % result.pageSize);
    }
    return gpa === undefined ? undefined : { gpa, offset, length: Math.min(wanted, found) };
  }
}
