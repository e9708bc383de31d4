/**
 * Rows about breakpoints that the server answers by itself: conditions, and write watches in write-protected pages. Each
 * lets the guest run for `duration` ms, interrupts it, and reads from its own counter how far it came.
 */
import { countsPerSecond } from './counted-run.js';
import { LOOP_START, placeGuest, setRegister } from './loop-guest.js';
import { hex, type RspClient } from './rsp-client.js';
import type { RunningServer } from './servers.js';

const CODE = 0x8000;
const WATCHED_PAGE = 0x9000;
const FIRST_PAGE_ELSEWHERE = 0x2_0000;
const PAGE = 0x1000;
const WATCHES = 100;
/** Real mode: inc eax; jmp. */
const COUNTING_LOOP = [0x66, 0x40, 0xeb, 0xfc];
const COUNTING_INSTRUCTIONS = 2;
/** Real mode: inc eax; mov [9004h], al; mov cx, 498; 1: dec cx; jnz 1b; jmp: 1,000 instructions a round, one store. */
const STORING_LOOP = [0x66, 0x40, 0xa2, 0x04, 0x90, 0xb9, 0xf2, 0x01, 0x49, 0x75, 0xfd, 0xeb, 0xf3];
const STORING_INSTRUCTIONS = 1000;
/** `$rax == 0x12345678`, as gdb compiles it: reg 0; const32; equal; end. */
const CONDITION = '2600002412345678' + '1327';

async function placeCode(client: RspClient, code: readonly number[]): Promise<void> {
  await placeGuest(client, CODE);
  await client.expectOk(`M${hex(CODE)},${hex(code.length)}:${Buffer.from(code).toString('hex')}`);
  await setRegister(client, 'rax', 0);
}

/** A breakpoint in a loop whose condition is false, evaluated by the server; times a second. */
export function falseConditions(server: RunningServer, duration: number): Promise<number> {
  return server.withClient(async (client) => {
    await placeGuest(client, LOOP_START + 1);
    const where = `0,${hex(LOOP_START)},1`;
    await client.expectOk(`Z${where};X${hex(CONDITION.length / 2)},${CONDITION}`);
    try {
      return await countsPerSecond(client, duration, 'rax');
    } finally {
      await client.expectOk(`z${where}`);
    }
  });
}

/** Instructions a second of a loop that writes nothing, with `watches` write watches of 4 bytes on a page each. */
export function besideWatchedPages(server: RunningServer, duration: number, watches: 0 | typeof WATCHES): Promise<number> {
  return server.withClient(async (client) => {
    await placeCode(client, COUNTING_LOOP);
    const places = Array.from({ length: watches }, (_, i) => `2,${hex(FIRST_PAGE_ELSEWHERE + i * PAGE)},4`);
    for (const place of places) await client.expectOk(`Z${place}`);
    try {
      return (await countsPerSecond(client, duration, 'rax')) * COUNTING_INSTRUCTIONS;
    } finally {
      for (const place of places) await client.expectOk(`z${place}`);
    }
  });
}

/** Instructions a second of a loop that writes beside watched bytes once in 1,000 instructions. */
export function besideWatchedBytes(server: RunningServer, duration: number): Promise<number> {
  return server.withClient(async (client) => {
    await placeCode(client, STORING_LOOP);
    // Longer than the debug registers together, so that on every host the page is write-protected.
    const place = `2,${hex(WATCHED_PAGE + 0x10)},40`;
    await client.expectOk(`Z${place}`);
    try {
      return (await countsPerSecond(client, duration, 'rax')) * STORING_INSTRUCTIONS;
    } finally {
      await client.expectOk(`z${place}`);
    }
  });
}
