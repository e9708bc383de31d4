/** Many processors: a kernel finds them in the tables that the machine leaves in memory, starts them and lets them count. */
import test from 'tape';
import { exampleKernel } from './example-guest.js';
import { run } from './run-guest.js';

for (const [cpus, irqchip] of [[1, 'kernel'], [2, 'kernel'], [4, 'split'], [8, 'kernel'], [64, 'kernel']] as const) {
  test(`${cpus} processors by RSDP, MADT, INIT and SIPI, --irqchip ${irqchip}`, async (t) => {
    const { output, status } = await run(t, exampleKernel('smp'), { cpus, irqchip });
    t.deepEqual(output.split('\n'), [
      'RSDP at 000f0000, local APICs at fee00000', 'IOAPIC at fec00000', `${cpus} processors counted to ${cpus * 1000}`, '',
    ]);
    t.equal(status, 0, 'and off by the PM registers that FADT names');
  });
}

test('without interrupt controllers there are no tables', async (t) => {
  const { output, status } = await run(t, exampleKernel('smp'));
  t.deepEqual([output, status], ['no MADT\n', 3]);
});
