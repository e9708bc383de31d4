/** Model-specific registers that have a name here (SDM vol. 4, table 2-2; APM vol. 2, appendix A). */

/** Index by lower-case name. Those of the target description come from this table too. */
export const MSR = {
  tsc: 0x10,
  apic_base: 0x1b,
  feature_control: 0x3a,
  tsc_adjust: 0x3b,
  mtrrcap: 0xfe,
  sysenter_cs: 0x174,
  sysenter_esp: 0x175,
  sysenter_eip: 0x176,
  mcg_cap: 0x179,
  mcg_status: 0x17a,
  misc_enable: 0x1a0,
  debugctl: 0x1d9,
  pat: 0x277,
  mtrr_def_type: 0x2ff,
  tsc_deadline: 0x6e0,
  xss: 0xda0,
  efer: 0xc000_0080,
  star: 0xc000_0081,
  lstar: 0xc000_0082,
  cstar: 0xc000_0083,
  sfmask: 0xc000_0084,
  fs_base: 0xc000_0100,
  gs_base: 0xc000_0101,
  kernel_gs_base: 0xc000_0102,
  tsc_aux: 0xc000_0103,
} as const;

export type MsrName = keyof typeof MSR;

/** `lstar (0xc0000082)`, or the index alone. */
export function describeMsr(index: number): string {
  const name = Object.entries(MSR).find(([, number]) => number === index)?.[0];
  const hex = `0x${index.toString(16)}`;
  return name === undefined ? hex : `${name} (${hex})`;
}
