/**
 * Builds 4-level page tables (SDM vol. 3A, 4.5) before it is known where they will lie: entries name tables by index,
 * and `bytes(address)` turns them into addresses. Everything is present and writable, for supervisor only.
 */
const PAGE = 4096;
const LARGE = 2 * 1024 * 1024;
const ENTRIES = 512;
const PRESENT_WRITABLE = 0x3n;
const PAGE_SIZE = 0x80n;

type Entry = { readonly table: number } | { readonly address: number; readonly large: boolean } | undefined;

export class PageTables {
  readonly #tables: Entry[][] = [new Array<Entry>(ENTRIES)];

  /** Bytes that `bytes` returns. */
  get size(): number {
    return this.#tables.length * PAGE;
  }

  /**
   * Maps `length` bytes from linear address `linear` (canonical) to GPA `physical`, in 2 MiB pages where both are
   * aligned so, else in 4 KiB pages; replaces what was mapped there. Both addresses must be equal modulo 4096.
   */
  map(linear: bigint, physical: number, length: number): void {
    const start = BigInt.asUintN(48, linear);
    let at = start - (start & 0xfffn);
    let to = physical - (physical % PAGE);
    const end = start + BigInt(length);
    while (at < end) {
      const large = at % BigInt(LARGE) === 0n && to % LARGE === 0 && end - at >= BigInt(LARGE);
      this.#set(at, to, large);
      at += BigInt(large ? LARGE : PAGE);
      to += large ? LARGE : PAGE;
    }
  }

  #set(linear: bigint, physical: number, large: boolean): void {
    const directory = this.#tables[this.#descend(this.#descend(0, index(linear, 39n)), index(linear, 30n))];
    const slot = index(linear, 21n);
    if (large) {
      directory[slot] = { address: physical, large: true };
      return;
    }
    const entry = directory[slot];
    if (entry === undefined || !('table' in entry)) {
      // A large page that is partly replaced becomes 512 small ones.
      const table = this.#add();
      if (entry !== undefined) {
        for (let i = 0; i < ENTRIES; i++) this.#tables[table][i] = { address: entry.address + i * PAGE, large: false };
      }
      directory[slot] = { table };
    }
    const { table } = directory[slot] as { table: number };
    this.#tables[table][index(linear, 12n)] = { address: physical, large: false };
  }

  #descend(table: number, slot: number): number {
    const entries = this.#tables[table];
    const entry = entries[slot];
    if (entry !== undefined && 'table' in entry) return entry.table;
    const added = this.#add();
    entries[slot] = { table: added };
    return added;
  }

  #add(): number {
    this.#tables.push(new Array<Entry>(ENTRIES));
    return this.#tables.length - 1;
  }

  /** The tables as they must lie at GPA `address` (a multiple of 4096), the root first: CR3 is `address`. */
  bytes(address: number): Uint8Array {
    const bytes = new Uint8Array(this.size);
    const view = new DataView(bytes.buffer);
    this.#tables.forEach((entries, table) => {
      entries.forEach((entry, slot) => {
        if (entry === undefined) return;
        const value = 'table' in entry
          ? BigInt(address + entry.table * PAGE)
          : BigInt(entry.address) | (entry.large ? PAGE_SIZE : 0n);
        view.setBigUint64(table * PAGE + slot * 8, value | PRESENT_WRITABLE, true);
      });
    });
    return bytes;
  }
}

function index(linear: bigint, shift: bigint): number {
  return Number((linear >> shift) & 0x1ffn);
}

/** Tables with the first 4 GiB mapped to themselves in 2 MiB pages. */
export function identityMap(): PageTables {
  const tables = new PageTables();
  tables.map(0n, 0, 0x1_0000_0000);
  return tables;
}
