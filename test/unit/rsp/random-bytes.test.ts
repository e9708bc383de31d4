/**
 * Bytes at random from a client, the same in every run: how they are cut makes no difference, the packet behind them is
 * understood, and a session answers each packet once, with nothing thrown that is not meant for the client.
 */
import test from 'tape';
import { ALL_COMMANDS } from '../../../src/rsp/dispatch.js';
import { randomNumbers } from '../../random-numbers.js';
import { decodedEvents } from './decoded-events.js';
import { SessionClient } from './session-client.js';
import { frame } from './wire.js';

type Random = (below: number) => number;

const LIMIT = 48;
const STREAMS = 2000;
const PACKETS = 15_000;
/** Packets that one session gets; it may be over before. */
const SESSION_LENGTH = 100;

const oneOf = <T>(random: Random, choices: readonly T[]): T => choices[random(choices.length)];
const bytes = (random: Random, length: number): string => Buffer.from(Array.from({ length }, () => random(256))).toString('latin1');

/** What means something to a decoder, whole or torn, and anything else. */
function piece(random: Random): string {
  switch (random(6)) {
    case 0: return oneOf(random, ['$', '#', '}', '*', '+', '-', '\x03', '#0', '$#', '*"', '}\x03']);
    case 1: return frame(bytes(random, random(12)).replace(/[$#]/g, ''));
    case 2: return frame('m'.repeat(LIMIT - 3 + random(8)));
    case 3: return frame(`P0=${oneOf(random, ['0', '}', '*', ''])}*${String.fromCharCode(random(256))}`);
    case 4: return frame(`X${bytes(random, random(20))}`).slice(0, 4 + random(24));
    default: return bytes(random, 1 + random(5));
  }
}

/** `whole`, cut at up to seven places. */
function cut(random: Random, whole: Buffer): Buffer[] {
  const places = [0, ...Array.from({ length: random(8) }, () => random(whole.length + 1)).sort((a, b) => a - b), whole.length];
  return places.slice(1).map((end, index) => whole.subarray(places[index], end));
}

test('random bytes: a decoder makes the same of them however they are cut', (t) => {
  const random = randomNumbers(20_261_121);
  const seen = { packet: 0, refused: 0, interrupt: 0 };
  for (let stream = 0; stream < STREAMS; stream++) {
    // Two bytes end a checksum that was begun; the rest is a packet behind whatever was.
    const whole = Buffer.from(Array.from({ length: 1 + random(12) }, () => piece(random)).join('') + '\n\n' + frame('last'), 'latin1');
    const events = decodedEvents(LIMIT, [whole]);
    for (const event of events) for (const kind of ['packet', 'refused', 'interrupt'] as const) if (event.startsWith(kind)) seen[kind]++;
    if (events.at(-1) !== 'packet last') t.fail(`stream ${stream}: the last packet is not seen: ${JSON.stringify(whole.toString('latin1'))}`);
    for (const chunks of [[...whole].map((byte) => Buffer.from([byte])), cut(random, whole), cut(random, whole)]) {
      const pieces = decodedEvents(LIMIT, chunks);
      if (JSON.stringify(pieces) !== JSON.stringify(events)) {
        t.deepEqual(pieces, events, `stream ${stream}: ${JSON.stringify(chunks.map((chunk) => chunk.toString('latin1')))}`);
        return t.end();
      }
    }
  }
  t.ok(seen.packet > STREAMS && seen.refused > STREAMS && seen.interrupt > 100, `all kinds were met: ${JSON.stringify(seen)}`);
  t.end();
});

/** Arguments as packets have them, in an order that none has, or anything. */
function randomArguments(random: Random): string {
  if (random(4) === 0) return bytes(random, random(24));
  const parts = [',', ';', ':', '=', '-', '-1', '0', '1', 'p1.1', 'p-1.-1', '7c00', '20000', 'ffffffffffffffff', '10000000000000000', 'c', 's', 'r', 't', 'C05', '0,4', 'X3,220127', 'zz'];
  return Array.from({ length: random(8) }, () => oneOf(random, parts)).join('');
}

test('random packets: a session answers each with at most one packet, and its errors are sentences', (t) => {
  const random = randomNumbers(2026);
  const names = ALL_COMMANDS.map(({ name }) => name);
  const answers = new Map<string, number>();
  let client: SessionClient | undefined;
  for (let count = 0; count < PACKETS; count++) {
    if (client === undefined || count % SESSION_LENGTH === 0 || client.asked.length > 0) {
      client = new SessionClient({ memorySize: 0x9000, withAgentExpressions: random(2) === 0 }).connect(random(2) === 0 ? 'multiprocess+;error-message+' : '');
    }
    const name = oneOf(random, names);
    const delimiter = name.length > 1 && random(4) > 0 ? oneOf(random, [':', ';', ',']) : '';
    const payload = `${name}${delimiter}${randomArguments(random)}`.replace(/[$#}*]/g, '_');
    const before = client.log.length;
    // What runs is stopped by 0x03, so that few packets are refused for that alone.
    const replies = client.ask(payload).filter((reply) => !/^O[0-9a-f]/.test(reply));
    client.sendRaw('\x03');
    const fault = client.log.slice(before).find((line) => /\n\s+at /.test(line));
    if (fault !== undefined || replies.length > 1) {
      t.fail(`packet ${count}, ${JSON.stringify(payload)}: ${fault ?? JSON.stringify(replies)}`);
      return t.end();
    }
    const kind = replies[0] === undefined ? 'later' : replies[0] === '' ? 'unknown' : replies[0].startsWith('E') ? 'error' : 'answer';
    answers.set(kind, (answers.get(kind) ?? 0) + 1);
  }
  t.ok(['later', 'unknown', 'error', 'answer'].every((kind) => (answers.get(kind) ?? 0) > 100), `all kinds of answers: ${JSON.stringify([...answers])}`);
  t.end();
});
