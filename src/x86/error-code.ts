/** What the error code of an exception says (SDM vol. 3, 7.13 for selectors, 5.7 for #PF, 19.2.5 for #CP). */

const PAGE_FAULT = 14;
const CONTROL_PROTECTION = 21;
/** #TS, #NP, #SS, #GP. */
const SELECTOR_VECTORS: readonly number[] = [10, 11, 12, 13];

const CONTROL_PROTECTION_CAUSES: readonly string[] = ['', 'near RET', 'far RET or IRET', 'missing ENDBRANCH', 'RSTORSSP', 'SETSSBSY'];

/** In words: `a write by supervisor code, the page is not mapped`; undefined where the number says no more. */
export function describeErrorCode(vector: number, code: number): string | undefined {
  if (vector === PAGE_FAULT) return pageFault(code);
  if (SELECTOR_VECTORS.includes(vector)) return selector(code);
  if (vector === CONTROL_PROTECTION) return CONTROL_PROTECTION_CAUSES[code & 0x7fff];
  return undefined;
}

function pageFault(code: number): string {
  const has = (bit: number): boolean => (code & (1 << bit)) !== 0;
  const access = has(4) ? 'an instruction fetch' : has(1) ? 'a write' : 'a read';
  const who = has(2) ? 'user code' : 'supervisor code';
  const why = has(3) ? 'a reserved bit is set in a page-table entry'
    : has(5) ? 'its protection key forbids it'
      : has(15) ? 'SGX forbids it'
        : has(0) ? 'the page forbids it' : 'the page is not mapped';
  return `${access} by ${who}${has(6) ? ' to a shadow stack' : ''}, ${why}`;
}

function selector(code: number): string | undefined {
  if (code === 0) return undefined;
  const by = (code & 1) !== 0 ? ', met while an event was delivered' : '';
  if ((code & 2) !== 0) return `IDT entry 0x${((code >>> 3) & 0x1fff).toString(16)}${by}`;
  return `selector 0x${(code & 0xfff8).toString(16)} in the ${(code & 4) !== 0 ? 'LDT' : 'GDT'}${by}`;
}
