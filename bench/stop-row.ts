/** What it takes to stop a machine and report it, by its number of processors: in this process, no server. */
import { MachineTarget } from '../src/debugger/machine-target.js';
import { Machine } from '../src/vmm/machine.js';

const MEBIBYTE = 1 << 20;
const ICR = [0x00, 0x03, 0xe0, 0xfe];
const AP_START = 0x8000;
/** Protected mode: INIT and SIPI with vector 8 to all others (SDM vol. 3A, 11.6.1); 1: hlt; jmp 1b. */
const STARTER = Uint8Array.of(
  0xc7, 0x05, ...ICR, 0x00, 0x45, 0x0c, 0x00, 0xc7, 0x05, ...ICR, 0x08, 0x46, 0x0c, 0x00, 0xf4, 0xeb, 0xfd,
);
const HALT = Uint8Array.of(0xf4, 0xeb, 0xfd);
const WARM_UP = 10, STOPS = 30;
/** Long enough for every processor to run in its thread again, and asleep. */
const RUN_MILLISECONDS = 4;

/** Milliseconds from the interrupt to the report, the median of some, of processors that are halted. */
export async function stopMilliseconds(cpus: number): Promise<number> {
  const machine = Machine.create({ memory: 2 * MEBIBYTE, irqchip: 'kernel', cpus, guest: { name: 'starter', bytes: STARTER, boot: 'flat', mode: 'protected' } });
  try {
    machine.memory.write(AP_START, HALT);
    const target = new MachineTarget(machine, { capabilities: () => { throw new Error('nothing asks for a probe'); }, version: 'bench' });
    const all = machine.vcpus.map((_, i) => ({ kind: 'continue' as const, thread: i + 1 }));
    const times: number[] = [];
    for (let i = 0; i < WARM_UP + STOPS; i++) times.push(await oneStop(target, all));
    const halted = target.threads().filter(({ state }) => state.includes('halted')).length;
    if (halted < cpus) throw new Error(`of ${cpus} processors ${halted} have halted`);
    return times.slice(WARM_UP).sort((a, b) => a - b)[STOPS >> 1];
  } finally {
    machine.close();
  }
}

async function oneStop(target: MachineTarget, all: Parameters<MachineTarget['resume']>[0]): Promise<number> {
  target.resume(all);
  await new Promise((resolve) => setTimeout(resolve, RUN_MILLISECONDS));
  return new Promise((resolve) => {
    const listening = target.onStop(() => {
      listening.dispose();
      resolve(performance.now() - began);
    });
    const began = performance.now();
    target.interrupt();
  });
}
