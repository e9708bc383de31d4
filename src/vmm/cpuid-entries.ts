/** A table of `struct kvm_cpuid_entry2` as entries with fields (Documentation/virt/kvm/api.rst, KVM_GET_SUPPORTED_CPUID). */
import type { CpuidFeature, CpuidWord } from './cpuid-features.js';
import type { StructLayout } from './native.js';

/** A copy of the table it is made of. An entry is named by where it starts, in bytes. */
export class CpuidEntries {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, readonly layout: StructLayout) {
    this.#bytes = bytes.slice();
    this.#view = new DataView(this.#bytes.buffer);
  }

  get starts(): number[] {
    return Array.from({ length: Math.floor(this.#bytes.length / this.layout.size) }, (_, i) => i * this.layout.size);
  }

  get(start: number, field: string): number {
    return this.#view.getUint32(start + this.#offset(field), true);
  }

  set(start: number, field: string, value: number): void {
    this.#view.setUint32(start + this.#offset(field), value >>> 0, true);
  }

  find({ leaf, index }: Pick<CpuidWord, 'leaf' | 'index'>): number | undefined {
    return this.starts.find((start) => this.get(start, 'function') === leaf && this.get(start, 'index') === index);
  }

  has({ word, bit }: CpuidFeature): boolean {
    const start = this.find(word);
    return start !== undefined && ((this.get(start, word.register) >>> bit) & 1) === 1;
  }

  put({ word, bit }: CpuidFeature, on: boolean): void {
    const start = this.find(word);
    if (start === undefined) return;
    const value = this.get(start, word.register);
    this.set(start, word.register, on ? value | (1 << bit) : value & ~(1 << bit));
  }

  without(drop: (leaf: number, index: number) => boolean): Uint8Array {
    const kept = this.starts.filter((start) => !drop(this.get(start, 'function'), this.get(start, 'index')));
    const bytes = new Uint8Array(kept.length * this.layout.size);
    kept.forEach((start, i) => bytes.set(this.#bytes.subarray(start, start + this.layout.size), i * this.layout.size));
    return bytes;
  }

  #offset(field: string): number {
    const place = this.layout.fields[field];
    if (place === undefined) throw new Error(`The binding's layout of kvm_cpuid_entry2 has no ${field}.`);
    return place.offset;
  }
}
