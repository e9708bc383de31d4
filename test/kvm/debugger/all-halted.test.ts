/** Processors that are all in HLT: they can be stopped, they go on halted, and one that is woken halts again. */
import test from 'tape';
import { withMachine, type MachineUnderDebug } from './machine-under-debug.js';

const AP_START = 0x8000, HANDLER = 0x8100, COUNT = 0x600, NMI = 2;
/** Milliseconds that the guest runs at a time. */
const SLICE = 5;
/** Protected mode: INIT and SIPI with vector 8 to all others (SDM vol. 3A, 11.6.1); 1: hlt; jmp 1b. */
const BOOT = Uint8Array.of(0xc7, 0x05, 0x00, 0x03, 0xe0, 0xfe, 0x00, 0x45, 0x0c, 0x00, 0xc7, 0x05, 0x00, 0x03, 0xe0, 0xfe, 0x08, 0x46, 0x0c, 0x00, 0xf4, 0xeb, 0xfd);
/** xor ax,ax; mov ds,ax; mov ss,ax; mov sp,7000; 1: hlt; jmp 1b */
const AP = Uint8Array.of(0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0, 0xbc, 0x00, 0x70, 0xf4, 0xeb, 0xfd);
/** inc word [COUNT]; iret */
const COUNTING = Uint8Array.of(0xff, 0x06, COUNT & 0xff, COUNT >> 8, 0xcf);

const states = ({ target }: MachineUnderDebug): string[] => target.threads().map(({ state }) => state.split(' ')[0]);

for (const [cpus, irqchip] of [[1, 'split'], [2, 'kernel'], [4, 'kernel'], [8, 'split']] as const) {
  test(`${cpus} processors in HLT, --irqchip ${irqchip}`, (t) => withMachine(
    { guest: { name: 'halt', bytes: BOOT, boot: 'flat', mode: 'protected' }, irqchip, cpus, memory: 2 << 20 },
    async (guest) => {
      const { machine } = guest;
      for (const [address, bytes] of [[AP_START, AP], [HANDLER, COUNTING], [4 * NMI, Uint8Array.of(HANDLER & 0xff, HANDLER >> 8, 0, 0)]] as const) machine.memory.write(address, bytes);
      const isHalted = (): boolean => states(guest).every((state) => state === 'halted');
      await guest.runUntil(isHalted, SLICE);
      const places = machine.vcpus.map(({ linearPc }) => linearPc);
      for (let i = 0; i < 5; i++) {
        setTimeout(() => guest.target.interrupt(), SLICE);
        t.equal((await guest.continue()).reason.kind, 'interrupt');
        t.ok(isHalted(), `all are halted: ${states(guest).join()}`);
      }
      t.deepEqual(machine.vcpus.map(({ linearPc }) => linearPc), places, 'nobody has moved');
      const lines = guest.monitor('info cpus').trimEnd().split('\n');
      t.deepEqual(lines.map((line) => /CPU #(\d+): .*\(halted\) thread_id=\d+$/.exec(line)?.[1]), machine.vcpus.map(({ id }) => String(id)), 'info cpus has each');
      for (const { id } of machine.vcpus) t.match(guest.monitor(`info lapic ${id}`), new RegExp(`state for CPU ${id}\n[^]* ID 0x0${id}\n$`));
      if (cpus === 1) return;
      const count = (): number => machine.memory.read(COUNT, 1)[0];
      guest.monitor(`nmi ${cpus - 1}`);
      await guest.runUntil(() => count() === 1 && isHalted(), SLICE);
      t.deepEqual([count(), isHalted()], [1, true], 'an NMI wakes one, which halts again');
    },
  ));
}
