/** Adds the interrupt controllers that a machine is to have to a VM that has no vCPU yet. */
import type { NativeVm } from '../native.js';
import type { InterruptControllers, IrqchipKind } from './interrupt-controllers.js';
import { KernelIrqchip } from './kernel-irqchip.js';
import { SplitIrqchip, type SplitIrqchipWiring } from './split-irqchip.js';

export function createIrqchip(kind: 'none' | IrqchipKind, vm: NativeVm, wiring: SplitIrqchipWiring): InterruptControllers | undefined {
  if (kind === 'none') return undefined;
  return kind === 'kernel' ? new KernelIrqchip(vm) : new SplitIrqchip(vm, wiring);
}
