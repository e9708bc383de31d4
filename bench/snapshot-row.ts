/** What a snapshot costs beside a memcpy of what has changed: in this process, no server. */
import { Machine } from '../src/vmm/machine.js';
import { runUntilEnd } from '../src/vmm/run-machine.js';

const MEBIBYTE = 1 << 20;
const GUEST_MEMORY = 64 * MEBIBYTE;
const CHANGED = 16 * MEBIBYTE;
const WARM_UP = 3;
const PATIENCE_MILLISECONDS = 60_000;
/** Protected mode: inc eax; mov edi, 16 MiB; mov ecx, 4096; 1: mov [edi], eax; add edi, 4096; dec ecx; jnz 1b; hlt; jmp to its start. */
const WRITER = Uint8Array.of(0x40, 0xbf, 0, 0, 0, 1, 0xb9, 0, 0x10, 0, 0, 0x89, 0x07, 0x81, 0xc7, 0, 0x10, 0, 0, 0x49, 0x75, 0xf5, 0xf4, 0xeb, 0xe7);

/** Milliseconds to save (and to put back) a 64 MiB guest that has changed 16 MiB since the last time. */
export async function snapshotMilliseconds(what: 'save' | 'load'): Promise<number> {
  const machine = Machine.create({ memory: GUEST_MEMORY, guest: { name: 'writer', bytes: WRITER, boot: 'flat', mode: 'protected' } });
  try {
    const first = machine.save();
    // The first ones compile this program.
    for (let i = 0; i < WARM_UP; i++) {
      await write(machine);
      machine.restore(machine.save());
    }
    await write(machine);
    const begin = performance.now();
    if (what === 'save') machine.save();
    else if (machine.restore(first) < CHANGED) throw new Error('a load put back less than what had changed');
    return performance.now() - begin;
  } finally {
    machine.close();
  }
}

async function write(machine: Machine): Promise<void> {
  const end = await runUntilEnd(machine, PATIENCE_MILLISECONDS);
  if (end.kind !== 'exit' || end.exit.reason !== 'hlt') throw new Error('the guest that writes did not halt');
}

/** Copies stay, so that the next one does not get memory that is there already. */
const kept: Buffer[] = [];

/** Milliseconds to copy as much into memory of which nothing was used before, as a copy that is kept needs it. */
export function memcpyMilliseconds(): number {
  const from = Buffer.alloc(CHANGED, 1);
  const begin = performance.now();
  const copy = Buffer.allocUnsafeSlow(CHANGED);
  copy.set(from);
  const end = performance.now();
  kept.push(copy);
  return end - begin;
}
