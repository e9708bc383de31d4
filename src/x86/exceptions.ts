/** Exception and interrupt vectors of the architecture (SDM vol. 3, table 7-1). */

export interface ExceptionVector {
  readonly vector: number;
  /** Intel's mnemonic with the hash: `#DE`; vector 9 has none. */
  readonly mnemonic: string;
  readonly description: string;
  /** Pushes an error code outside real mode. */
  readonly pushesErrorCode: boolean;
}

const TABLE: readonly (readonly [vector: number, mnemonic: string, description: string, errorCode?: true])[] = [
  [0, '#DE', 'divide error'],
  [1, '#DB', 'debug exception'],
  [2, 'NMI', 'non-maskable interrupt'],
  [3, '#BP', 'breakpoint'],
  [4, '#OF', 'overflow'],
  [5, '#BR', 'BOUND range exceeded'],
  [6, '#UD', 'invalid opcode'],
  [7, '#NM', 'device not available'],
  [8, '#DF', 'double fault', true],
  [9, 'vector 9', 'coprocessor segment overrun'],
  [10, '#TS', 'invalid TSS', true],
  [11, '#NP', 'segment not present', true],
  [12, '#SS', 'stack-segment fault', true],
  [13, '#GP', 'general protection', true],
  [14, '#PF', 'page fault', true],
  [16, '#MF', 'x87 floating-point error'],
  [17, '#AC', 'alignment check', true],
  [18, '#MC', 'machine check'],
  [19, '#XM', 'SIMD floating-point exception'],
  [20, '#VE', 'virtualization exception'],
  [21, '#CP', 'control protection', true],
  [28, '#HV', 'hypervisor injection'],
  [29, '#VC', 'VMM communication', true],
  [30, '#SX', 'security exception', true],
];

const BY_VECTOR = new Map<number, ExceptionVector>(
  TABLE.map(([vector, mnemonic, description, errorCode]) => [
    vector, { vector, mnemonic, description, pushesErrorCode: errorCode === true },
  ]),
);

/** The exception with this vector, or undefined for a vector that is reserved or free for interrupts. */
export function exceptionVector(vector: number): ExceptionVector | undefined {
  return BY_VECTOR.get(vector);
}

/** Vectors 0 to 31 belong to exceptions (SDM vol. 3, 7.2). */
export const EXCEPTION_VECTORS = 32;

/** By vector (`14`, `0xe`), mnemonic (`#PF`, `pf`) or description (`page-fault`), in any case; undefined for none of them. */
export function findExceptionVector(text: string): number | undefined {
  if (/^(0x[0-9a-f]+|[0-9]+)$/i.test(text)) {
    const vector = Number(text);
    return vector < EXCEPTION_VECTORS ? vector : undefined;
  }
  const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');
  const wanted = plain(text);
  return TABLE.find(([, mnemonic, description]) => wanted !== '' && (plain(mnemonic) === wanted || plain(description) === wanted))?.[0];
}

/** `#PF (page fault)`, or `vector 0x20` for an interrupt. */
export function describeVector(vector: number): string {
  const known = BY_VECTOR.get(vector);
  return known === undefined ? `vector 0x${vector.toString(16)}` : `${known.mnemonic} (${known.description})`;
}

/** True if the processor pushes an error code for the *exception* `vector`; never for INT n or in real mode. */
export function pushesErrorCode(vector: number): boolean {
  return BY_VECTOR.get(vector)?.pushesErrorCode === true;
}
