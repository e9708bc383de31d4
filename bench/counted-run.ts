/** Lets a guest that counts run for a time, interrupts it, and reads how far it came. */
import { readRegister32 } from './loop-guest.js';
import type { RspClient } from './rsp-client.js';

/** Runs the guest for `duration` ms, after a warm-up; by how much the low 32 bits of `counter` rise a second. */
export async function countsPerSecond(client: RspClient, duration: number, counter: 'rax' | 'rcx'): Promise<number> {
  const run = async (milliseconds: number): Promise<number> => {
    const before = await readRegister32(client, counter);
    const begin = performance.now();
    const stopped = client.request(client.frame('vCont;c:1'));
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    client.interrupt();
    const reply = (await stopped).toString('latin1', 0, 3);
    const elapsed = performance.now() - begin;
    if (!/^[TS]02/.test(reply)) throw new Error(`expected a SIGINT stop reply and got '${reply}'`);
    return (((await readRegister32(client, counter)) - before) / elapsed) * 1000;
  };
  await run(duration / 4);
  return run(duration);
}
