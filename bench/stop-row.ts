/**
 * What a user waits for after Ctrl-C, by the number of processors: from the byte 03 to the stop reply, over TCP.
 *
 * The guest is two pieces of real-mode code that the client writes: the first processor starts all others, and then all sleep
 * in HLT, or all compute.
 */
import { startAt } from './loop-guest.js';
import { summarize } from './report.js';
import { hex, type RspClient } from './rsp-client.js';
import { RunningServer, type ServerCommand } from './servers.js';

export type Work = 'halted' | 'computing';

const FIRST = 0x7c00;
/** Where SIPI's vector 8 leads. */
const OTHERS = 0x8000;
/** Each of the others adds 1 here (real mode, DS 0). */
const STARTED = 0x600;
const ENABLE_X2APIC = [
  0x66, 0xb9, 0x1b, 0x00, 0x00, 0x00, // mov ecx, IA32_APIC_BASE
  0x0f, 0x32, //                         rdmsr
  0x80, 0xcc, 0x0c, //                   or ah, 0ch: EN and EXTD (SDM vol. 3A, 11.12.1)
  0x0f, 0x30, //                         wrmsr
];
/** INIT and SIPI to all others, by the ICR (SDM vol. 3A, 11.6.1 and 11.12.9). */
const START_OTHERS = [
  0x66, 0xb9, 0x30, 0x08, 0x00, 0x00, // mov ecx, 830h
  0x66, 0x31, 0xd2, //                   xor edx, edx
  0x66, 0xb8, 0x00, 0x45, 0x0c, 0x00, // mov eax, INIT, all but me
  0x0f, 0x30, //                         wrmsr
  0xbb, 0xe8, 0x03, //                   mov bx, 1000
  0x4b, 0x75, 0xfd, //                   1: dec bx; jnz 1b
  0x66, 0xb8, 0x08, 0x46, 0x0c, 0x00, // mov eax, SIPI 8, all but me
  0x0f, 0x30, //                         wrmsr
];
const COUNT_ME = [0xf0, 0xfe, 0x06, STARTED & 0xff, STARTED >> 8]; // lock inc byte [STARTED]
const END: Readonly<Record<Work, readonly number[]>> = {
  halted: [0xf4, 0xeb, 0xfd], // 1: hlt; jmp 1b
  computing: [0xeb, 0xfe], //    1: jmp 1b
};

const WARM_UP = 50, STOPS = 50;
/** Long enough for every processor to be in the guest again, and asleep if it sleeps. */
const RUN_MILLISECONDS = 4;

/** Milliseconds from Ctrl-C to the stop reply, the median of some. */
export async function stopMilliseconds(command: ServerCommand, cpus: number, work: Work): Promise<number> {
  const { server } = await RunningServer.start(command);
  try {
    return await server.withClient(async (client) => {
      await client.expectOk(`M${hex(STARTED)},1:00`);
      await write(client, FIRST, [...ENABLE_X2APIC, ...START_OTHERS, ...END[work]]);
      await write(client, OTHERS, [...COUNT_ME, ...END[work]]);
      await startAt(client, FIRST);
      const times: number[] = [];
      for (let i = 0; i < WARM_UP + STOPS; i++) times.push(await oneStop(client));
      const started = Number.parseInt(await client.ask(`m${hex(STARTED)},1`), 16);
      if (started !== cpus - 1) throw new Error(`of the other ${cpus - 1} processors ${started} have started`);
      return summarize(times.slice(WARM_UP)).median;
    });
  } finally {
    await server.stop();
  }
}

function write(client: RspClient, address: number, bytes: readonly number[]): Promise<void> {
  return client.expectOk(`M${hex(address)},${hex(bytes.length)}:${Buffer.from(bytes).toString('hex')}`);
}

async function oneStop(client: RspClient): Promise<number> {
  const stopped = client.ask('vCont;c');
  await new Promise((resolve) => setTimeout(resolve, RUN_MILLISECONDS));
  const began = performance.now();
  client.interrupt();
  const reply = await stopped;
  if (!/^T0[25]/.test(reply)) throw new Error(`Ctrl-C led to ${reply.slice(0, 40)}`);
  return performance.now() - began;
}
