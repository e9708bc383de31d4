/**
 * The shapes of x86 page tables: which levels there are, where each takes its index from, and which entry bits are
 * reserved (SDM vol. 3, chapter 5 "Paging"; APM vol. 2, chapter 5). Addresses here are numbers: physical ones end
 * at bit 51 and so fit a double exactly.
 */

/** The control bits that paging depends on. */
export interface PagingState {
  readonly cr0: bigint;
  readonly cr3: bigint;
  readonly cr4: bigint;
  readonly efer: bigint;
  /** MAXPHYADDR, CPUID 8000_0008h EAX[7:0]; 52 where absent, which reserves nothing. */
  readonly physicalAddressBits?: number;
  /** CPUID 8000_0001h EDX[26]: without it PS in a PDPTE is reserved. Absent means yes. */
  readonly gigabytePages?: boolean;
  /** The four PDPTE registers of PAE paging (KVM_GET_SREGS2), which the processor uses instead of memory. */
  readonly pdptes?: readonly bigint[];
}

/** Reads guest-physical memory. */
export interface PhysicalReader {
  /** The little-endian dword at `gpa` (a multiple of 4, in bytes), or undefined where there is no memory. */
  read32(gpa: number): number | undefined;
}

export type PagingKind = 'none' | '32-bit' | 'pae' | '4-level' | '5-level';

/** One level of tables, from the root down. */
export interface PagingLevel {
  /** Intel's name for an entry: PML5E, PML4E, PDPTE, PDE, PTE. */
  readonly entryName: 'PML5E' | 'PML4E' | 'PDPTE' | 'PDE' | 'PTE';
  /** Number of the lowest linear address bit of its index. */
  readonly shift: number;
  readonly entries: number;
  /** Bytes that an entry of this level spans. */
  readonly span: number;
  /** An entry is a leaf: always (PTE), if PS is set and it may be, or never. */
  readonly leaf: 'always' | 'if-ps' | 'never';
  /** Reserved bits of the low dword in every entry, and in a large leaf. */
  readonly reservedLow: number;
  readonly reservedLowLeaf: number;
  /** Reserved bits of the high dword (0 for 4-byte entries). */
  readonly reservedHigh: number;
  /** PDPTEs of PAE paging carry no R/W, U/S or XD. */
  readonly hasPermissions: boolean;
}

/** Everything a walk needs, derived once from the control registers. */
export interface PagingFormat {
  readonly kind: PagingKind;
  readonly entryBytes: 4 | 8;
  readonly levels: readonly PagingLevel[];
  /** Guest-physical address of the root table. */
  readonly root: number;
  /** Width of a linear address: 32, 48 or 57. */
  readonly linearBits: 32 | 48 | 57;
  /** PSE-36: address bits 39:32 come from bits 20:13 of a 4 MiB PDE. */
  readonly pse36: boolean;
  readonly pdptes?: readonly bigint[];
}

const CR0_PE = 1n << 0n;
const CR0_PG = 1n << 31n;
const CR4_PSE = 1n << 4n;
const CR4_PAE = 1n << 5n;
const CR4_LA57 = 1n << 12n;
const EFER_LMA = 1n << 10n;
const EFER_NXE = 1n << 11n;

/** Bits `from`..`to` (inclusive) of a dword; 0 if the range is empty. */
function bits(from: number, to: number): number {
  let mask = 0;
  for (let bit = Math.max(from, 0); bit <= to; bit++) mask |= 1 << bit;
  return mask >>> 0;
}

function level(
  entryName: PagingLevel['entryName'], shift: number, entries: number, leaf: PagingLevel['leaf'],
  reserved: Partial<Pick<PagingLevel, 'reservedLow' | 'reservedLowLeaf' | 'reservedHigh' | 'hasPermissions'>>,
): PagingLevel {
  return {
    entryName, shift, entries, leaf, span: 2 ** shift,
    reservedLow: 0, reservedLowLeaf: 0, reservedHigh: 0, hasPermissions: true, ...reserved,
  };
}

const PS = 1 << 7;

function legacyFormat(state: PagingState, physicalBits: number): PagingFormat {
  const pse = (state.cr4 & CR4_PSE) !== 0n;
  const widest = Math.min(40, physicalBits);
  return {
    kind: '32-bit', entryBytes: 4, linearBits: 32, pse36: true,
    root: Number(state.cr3 & 0xffff_f000n),
    levels: [
      level('PDE', 22, 1024, pse ? 'if-ps' : 'never', { reservedLowLeaf: bits(widest - 19, 21) }),
      level('PTE', 12, 1024, 'always', {}),
    ],
  };
}

function paeFormat(state: PagingState, physicalBits: number): PagingFormat {
  const beyond = bits(physicalBits - 32, 30);
  const noNx = (state.efer & EFER_NXE) === 0n ? bits(31, 31) : 0;
  const reservedHigh = (beyond | noNx) >>> 0;
  return {
    kind: 'pae', entryBytes: 8, linearBits: 32, pse36: false,
    root: Number(state.cr3 & 0xffff_ffe0n),
    ...(state.pdptes === undefined ? {} : { pdptes: state.pdptes }),
    levels: [
      level('PDPTE', 30, 4, 'never', {
        reservedLow: bits(1, 2) | bits(5, 8), reservedHigh: (beyond | bits(31, 31)) >>> 0, hasPermissions: false,
      }),
      level('PDE', 21, 512, 'if-ps', { reservedLowLeaf: bits(13, 20), reservedHigh }),
      level('PTE', 12, 512, 'always', { reservedHigh }),
    ],
  };
}

function longFormat(state: PagingState, physicalBits: number): PagingFormat {
  const noNx = (state.efer & EFER_NXE) === 0n ? bits(31, 31) : 0;
  const reservedHigh = (bits(physicalBits - 32, 19) | noNx) >>> 0;
  const gigabyte = state.gigabytePages ?? true;
  const levels = [
    level('PML4E', 39, 512, 'never', { reservedLow: PS, reservedHigh }),
    gigabyte
      ? level('PDPTE', 30, 512, 'if-ps', { reservedLowLeaf: bits(13, 29), reservedHigh })
      : level('PDPTE', 30, 512, 'never', { reservedLow: PS, reservedHigh }),
    level('PDE', 21, 512, 'if-ps', { reservedLowLeaf: bits(13, 20), reservedHigh }),
    level('PTE', 12, 512, 'always', { reservedHigh }),
  ];
  const la57 = (state.cr4 & CR4_LA57) !== 0n;
  if (la57) levels.unshift(level('PML5E', 48, 512, 'never', { reservedLow: PS, reservedHigh }));
  return {
    kind: la57 ? '5-level' : '4-level', entryBytes: 8, linearBits: la57 ? 57 : 48, pse36: false,
    root: Number(state.cr3 & 0x000f_ffff_ffff_f000n), levels,
  };
}

/**
 * The page-table format that the control registers select (SDM vol. 3, 5.1.1), PCID and PWT/PCD bits of CR3 left out.
 * PG without PE is not paging.
 */
export function pagingFormat(state: PagingState): PagingFormat {
  const paged = (state.cr0 & CR0_PG) !== 0n && (state.cr0 & CR0_PE) !== 0n;
  const physicalBits = Math.min(Math.max(state.physicalAddressBits ?? 52, 32), 52);
  const long = (state.efer & EFER_LMA) !== 0n;
  if (!paged) return { kind: 'none', entryBytes: 4, linearBits: 32, pse36: false, root: 0, levels: [] };
  if (long) return longFormat(state, physicalBits);
  return (state.cr4 & CR4_PAE) !== 0n ? paeFormat(state, physicalBits) : legacyFormat(state, physicalBits);
}
