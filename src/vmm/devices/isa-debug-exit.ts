/**
 * QEMU's `isa-debug-exit` (hw/misc/debugexit.c): a write of N ends the machine with process exit status
 * `(N << 1) | 1`, of which a process keeps the low eight bits. So no guest can report success by 0; that is the
 * convention of every kernel test suite that uses it.
 */
import type { AccessSize, DeviceState, PortDevice, RaiseEvent } from '../device.js';

export class IsaDebugExit implements PortDevice {
  readonly portWidth = 4 as const;
  readonly name = 'isa-debug-exit';
  readonly #raise: RaiseEvent;

  constructor(raise: RaiseEvent) {
    this.#raise = raise;
  }

  readPort(_offset: number, _size: AccessSize): number {
    return 0;
  }

  writePort(_offset: number, _size: AccessSize, value: number): void {
    this.#raise({ kind: 'power-off', status: ((value << 1) | 1) & 0xff, cause: `isa-debug-exit was written 0x${value.toString(16)}` });
  }

  reset(): void {}

  save(): DeviceState {
    return {};
  }

  restore(_state: DeviceState): void {}
}
