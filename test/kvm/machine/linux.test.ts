/** A Linux kernel of a few bytes, by each of its entries. */
import test from 'tape';
import { CODE64, kernel } from './printing-kernel.js';
import { run, type Run } from './run-guest.js';

const INITRD = { text: 'i.gz', bytes: new TextEncoder().encode('<initrd>') };
const printed = (output: string, value: number): Run => ({ output, status: value * 2 + 1 });

test('a bzImage by its 64-bit, its 32-bit and its real-mode entry', async (t) => {
  const common = { commandLine: 'console=ttyS0 ', modules: [INITRD] };
  for (const irqchip of ['none', 'kernel'] as const) {
    t.deepEqual(await run(t, { bytes: kernel({ code64: CODE64 }), ...common }, { irqchip }), printed('console=ttyS0 <initrd>3', 64), `64-bit, irqchip ${irqchip}`);
    t.deepEqual(await run(t, { bytes: kernel({ code64: CODE64 }), mode: 'protected', ...common }, { irqchip }), printed('console=ttyS0 <initrd>3', 32), `32-bit, irqchip ${irqchip}`);
    t.deepEqual(await run(t, { bytes: kernel({ code64: CODE64 }), mode: 'real', ...common }, { irqchip }), printed('Rconsole=ttyS0 <initrd>0', 32), `real mode, irqchip ${irqchip}`);
  }
});

test('a zImage, and a bzImage that cannot be moved', async (t) => {
  const fixed = { relocatable: false, initSize: 0 };
  t.deepEqual(await run(t, { bytes: kernel(fixed), commandLine: 'f' }), printed('f3', 32));
  t.deepEqual(await run(t, { bytes: kernel(fixed), commandLine: 'r', mode: 'real' }), printed('Rr0', 32));
  t.deepEqual(await run(t, { bytes: kernel({ loadflags: 0 }), commandLine: 'z' }), printed('z3', 32));
  t.deepEqual(await run(t, { bytes: kernel({ loadflags: 0 }, 0x9000), commandLine: 'z', mode: 'real' }), printed('Rz0', 32));
});
