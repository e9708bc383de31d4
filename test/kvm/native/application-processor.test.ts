import test from 'tape';
import type { Exit } from '../../../src/vmm/exit.js';
import { native } from '../../../src/vmm/native.js';
import { Vcpu } from '../../../src/vmm/vcpu.js';
import { CONTINUE, STEP } from './real-mode-guest.js';

test('an AP that was not started waits, can be kicked, keeps what was set, and runs after a SIPI', async (t) => {
  const { constants, layout } = native();
  const system = native().openSystem();
  const vm = system.createVm();
  vm.createIrqchip();
  const memory = native().allocateMemory(0x10000);
  vm.setMemorySlot(0, 0, 0n, memory, 0, 0x10000);
  new Uint8Array(memory.buffer).set([0x40, 0xe6, 0x80], 0x2000);
  vm.createVcpu(0);
  const ap = new Vcpu(vm.createVcpu(1));
  t.equal(ap.mpState, constants['KVM_MP_STATE_UNINITIALIZED']);

  ap.regs.rbx = 0x77n;
  for (const plan of [CONTINUE, STEP]) {
    const end = new Promise<Exit>((resolve) => ap.run({ ...plan, waitMicroseconds: 500 }, resolve));
    t.ok(ap.running, 'it waits for its SIPI');
    ap.kick();
    t.equal((await end).reason, 'kicked');
    t.equal(ap.regs.rbx, 0x77n, 'KVM has not taken the register yet, and it is not lost');
  }

  ap.mpState = constants['KVM_MP_STATE_INIT_RECEIVED'];
  const events = ap.native.getVcpuEvents();
  const view = new DataView(events.buffer);
  const { sipi_vector, flags } = layout['kvm_vcpu_events'].fields;
  view.setUint32(sipi_vector.offset, 2, true);
  view.setUint32(flags.offset, constants['KVM_VCPUEVENT_VALID_SIPI_VECTOR'], true);
  ap.native.setVcpuEvents(events);
  ap.mpState = constants['KVM_MP_STATE_SIPI_RECEIVED'];
  t.deepEqual(ap.runToExit(STEP), { reason: 'plan-done', pc: 0x2001n });
  const exit = ap.runToExit(CONTINUE);
  t.equal(exit.reason === 'io' ? exit.port : exit.reason, 0x80);
  t.equal(ap.regs.rax & 0xffffn, 1n);
  system.close();
  memory.close();
});
