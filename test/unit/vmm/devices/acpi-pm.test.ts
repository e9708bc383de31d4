import test from 'tape';
import type { MachineEvent } from '../../../../src/vmm/device.js';
import { AcpiPm } from '../../../../src/vmm/devices/acpi-pm.js';
import { ApmControl } from '../../../../src/vmm/devices/apm-control.js';

function bench() {
  let now = 5_000_000_000n;
  const events: MachineEvent[] = [];
  const pm = new AcpiPm((event) => { events.push(event); }, () => now);
  return { pm, events, advance: (nanoseconds: bigint) => { now += nanoseconds; } };
}

test('ACPI PM: the timer counts 3.579545 MHz in 24 bits', (t) => {
  const { pm, advance } = bench();
  t.equal(pm.readPort(8, 4), 0);
  advance(1_000_000_000n);
  t.equal(pm.readPort(8, 4), 3_579_545);
  t.equal(pm.readPort(9, 1), (3_579_545 >> 8) & 0xff, 'byte by byte');
  advance(4_000_000_000n);
  t.equal(pm.readPort(8, 4), (5 * 3_579_545) & 0xff_ffff, 'and wraps');
  const state = pm.save();
  pm.reset();
  t.equal(pm.readPort(8, 4), 0);
  pm.restore(state);
  t.ok(Math.abs(pm.readPort(8, 4) - ((5 * 3_579_545) & 0xff_ffff)) <= 1, 'restored');
  t.end();
});

test('ACPI PM: soft-off by any width, and nothing else', (t) => {
  for (const write of [
    (pm: AcpiPm) => pm.writePort(4, 2, 0x2000),
    (pm: AcpiPm) => pm.writePort(4, 4, 0x2001),
    (pm: AcpiPm) => pm.writePort(5, 1, 0x20),
  ]) {
    const { pm, events } = bench();
    write(pm);
    t.deepEqual(events, [{ kind: 'power-off', status: 0, cause: 'ACPI power-off (PIIX4)' }]);
    t.equal(pm.readPort(4, 2) & 0x2000, 0, 'SLP_EN reads as zero');
  }
  const { pm, events } = bench();
  pm.writePort(4, 2, 0x0c01);
  pm.writePort(4, 2, 0x2401);
  pm.writePort(2, 2, 0x0321);
  t.deepEqual(events, [], 'another sleep type');
  t.equal(pm.readPort(0, 4), 0x0321_0000, 'PMSTS is clear, PMEN remembered');
  t.end();
});

test('APM control: ACPI mode on and off', (t) => {
  const { pm } = bench();
  const apm = new ApmControl((enabled) => pm.setSciEnabled(enabled));
  apm.writePort(0, 1, 0xf1);
  t.equal(pm.readPort(4, 2), 1);
  apm.writePort(1, 1, 0x55);
  apm.writePort(0, 1, 0xf0);
  t.equal(pm.readPort(4, 2), 0);
  t.deepEqual([apm.readPort(0, 1), apm.readPort(1, 1)], [0xf0, 0x55]);
  t.end();
});
