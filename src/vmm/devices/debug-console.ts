/**
 * The debug console of Bochs (port 0xe9) and of QEMU's firmware (port 0x402): every byte written is text for the
 * person who debugs. Reads give 0xe9, by which guests tell that it is there (QEMU docs, `isa-debugcon`).
 */
import type { AccessSize, DeviceState, PortDevice } from '../device.js';
import type { SerialSink } from './serial-16550a.js';

export class DebugConsole implements PortDevice {
  readonly portWidth = 1 as const;
  readonly name: string;
  readonly #sink: SerialSink;

  constructor(name: string, sink: SerialSink) {
    this.name = name;
    this.#sink = sink;
  }

  readPort(_offset: number, _size: AccessSize): number {
    return 0xe9;
  }

  writePort(_offset: number, _size: AccessSize, value: number): void {
    this.#sink.write(Uint8Array.of(value));
  }

  reset(): void {}

  save(): DeviceState {
    return {};
  }

  restore(_state: DeviceState): void {}
}
