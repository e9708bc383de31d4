/**
 * The rows that one connection can measure: each takes a running server, does its work for about `duration`
 * milliseconds after a warm-up, proves that the work was done, and returns a rate.
 */
import { COUNTDOWN, LOOP_START, expectLoopSteps, expectState, hasProgramCounter, placeGuest, programCounterBytes } from './loop-guest.js';
import type { RspClient } from './rsp-client.js';
import { hex } from './rsp-client.js';
import type { RunningServer } from './servers.js';

/** Operations between two looks at the clock. */
const BATCH = 32;
const WARM_UP_SHARE = 0.25;

/** Runs `operation` for a warm-up and then for `duration` ms. Returns operations a second, and how many were made in all. */
async function rate(duration: number, operation: () => Promise<void>): Promise<{ perSecond: number; total: number }> {
  let total = 0;
  const run = async (milliseconds: number): Promise<number> => {
    const begin = performance.now();
    for (let made = 0; ; ) {
      for (let i = 0; i < BATCH; i++) await operation();
      made += BATCH;
      total += BATCH;
      const elapsed = performance.now() - begin;
      if (elapsed >= milliseconds) return (made / elapsed) * 1000;
    }
  };
  await run(duration * WARM_UP_SHARE);
  return { perSecond: await run(duration), total };
}

/** Throws unless a stop reply says SIGTRAP. */
function expectTrap(reply: Buffer): void {
  // 'T05' or 'S05'
  if ((reply[0] === 0x54 || reply[0] === 0x53) && reply[1] === 0x30 && reply[2] === 0x35) return;
  throw new Error(`expected a SIGTRAP stop reply and got '${reply.toString('latin1', 0, 60)}'`);
}

/** `vCont;s` to stop reply, steps a second. */
export function steps(server: RunningServer, duration: number): Promise<number> {
  return server.withClient(async (client) => {
    await placeGuest(client, LOOP_START);
    const step = client.frame('vCont;s:1');
    const { perSecond, total } = await rate(duration, async () => expectTrap(await client.request(step)));
    await expectLoopSteps(client, total);
    return perSecond;
  });
}

/** A step and then `g`, pairs a second. */
export function stepsWithRegisters(server: RunningServer, duration: number): Promise<number> {
  return server.withClient(async (client) => {
    await placeGuest(client, LOOP_START);
    const step = client.frame('vCont;s:1');
    const registers = client.frame('g');
    const { perSecond, total } = await rate(duration, async () => {
      expectTrap(await client.request(step));
      await client.request(registers);
    });
    await expectLoopSteps(client, total);
    return perSecond;
  });
}

/** `g`, replies a second. */
export function registerReads(server: RunningServer, duration: number): Promise<number> {
  return server.withClient(async (client) => {
    await placeGuest(client, LOOP_START);
    const registers = client.frame('g');
    const here = programCounterBytes(LOOP_START);
    const { perSecond } = await rate(duration, async () => {
      if (!hasProgramCounter(await client.request(registers), here)) throw new Error('g does not show the pc that was set');
    });
    return perSecond;
  });
}

/**
 * What gdb does at a breakpoint that it goes on from: plant, continue, hit, `g`, lift, step; cycles a second.
 * `kind` is the packet's digit: 0 software, 1 hardware.
 */
export function breakpointCycles(server: RunningServer, duration: number, kind: 0 | 1): Promise<number> {
  return server.withClient(async (client) => {
    // One instruction past the breakpoint, as after each cycle.
    await placeGuest(client, LOOP_START + 1);
    const where = `${kind},${hex(LOOP_START)},1`;
    const plant = client.frame(`Z${where}`);
    const lift = client.frame(`z${where}`);
    const proceed = client.frame('vCont;c:1');
    const step = client.frame('vCont;s:1');
    const registers = client.frame('g');
    const here = programCounterBytes(LOOP_START);
    await client.expectOk(`Z${where}`);
    const { perSecond, total } = await rate(duration, async () => {
      expectTrap(await client.request(proceed));
      if (!hasProgramCounter(await client.request(registers), here)) throw new Error('stopped somewhere else than at the breakpoint');
      await client.request(lift);
      expectTrap(await client.request(step));
      await client.request(plant);
    });
    await client.expectOk(`z${where}`);
    await expectState(client, LOOP_START + 1, total, `${total} breakpoint cycles`);
    return perSecond;
  });
}

/** One `vCont;r` over a loop of `count` rounds; instructions stepped a second, nothing if the server has no range step. */
export function rangeSteps(server: RunningServer, count: number): Promise<number | undefined> {
  return server.withClient(async (client, features) => {
    if (!features.rangeStep) return undefined;
    const run = async (rounds: number): Promise<number> => {
      await placeGuest(client, COUNTDOWN.start, rounds);
      const range = client.frame(`vCont;r${hex(COUNTDOWN.start)},${hex(COUNTDOWN.end)}:1`);
      const begin = performance.now();
      const reply = await client.request(range);
      const elapsed = performance.now() - begin;
      expectTrap(reply);
      await expectCountdownEnd(client);
      return ((2 * rounds) / elapsed) * 1000;
    };
    await run(Math.ceil(count / 10));
    return run(count);
  });
}

async function expectCountdownEnd(client: RspClient): Promise<void> {
  await expectState(client, COUNTDOWN.end, 0, 'the range step');
  const g = client.expandRunLengths(await client.request(client.frame('g')));
  // CX, the third register of 16 hex digits.
  if (g.toString('latin1', 32, 36) !== '0000') throw new Error('the range step ended before the loop did');
}
