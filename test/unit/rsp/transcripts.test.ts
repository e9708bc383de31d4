/**
 * Golden conversations in test/transcripts: `<` lines are sent (payloads; `^C`, `+` and `-` stand bare), `>` lines must
 * come back in that order. Bytes outside printable ASCII, and `\`, are written `\xNN`.
 *
 * A conversation that differs is left beside its file as `.actual`; UPDATE_TRANSCRIPTS=1 accepts what comes back.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'tape';
import { PACKAGE_FOLDER } from '../../project-folders.js';
import { nextTurn, SessionClient } from './session-client.js';
import { frame, unframe } from './wire.js';

const FOLDER = join(PACKAGE_FOLDER, 'test', 'transcripts');
const INTERRUPT = '^C';

function toText(payload: string): string {
  return payload.replace(/[^\x20-\x7e]|\\/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function fromText(text: string): string {
  return text.replace(/\\x([0-9a-f]{2})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));
}

function toWire(line: string): string {
  if (line === INTERRUPT) return '\x03';
  return line === '+' || line === '-' ? line : frame(fromText(line));
}

/** The lines of `script` that are not answers, with the answers that come back. */
async function play(script: string): Promise<string> {
  const client = new SessionClient({ stops: 'at-once' });
  client.target.memory.set([0xeb, 0xfe], 0x7d00);
  const lines: string[] = [];
  for (const line of script.trimEnd().split('\n')) {
    if (line.startsWith('>')) continue;
    lines.push(line);
    if (!line.startsWith('< ')) continue;
    const atOnce = unframe(client.sendRaw(toWire(line.slice(2))));
    // An answer that was written at once is in both: what is taken later begins with it.
    await nextTurn();
    const all = client.take();
    if (atOnce.some((payload, i) => payload !== all[i])) throw new Error('the client lost an answer');
    for (const payload of all) lines.push(payload === '' ? '>' : `> ${toText(payload)}`);
  }
  return `${lines.join('\n')}\n`;
}

for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.txt'))) {
  test(`transcript ${name}`, async (t) => {
    const file = join(FOLDER, name);
    const expected = readFileSync(file, 'utf8');
    const actual = await play(expected);
    if (actual !== expected && process.env['UPDATE_TRANSCRIPTS'] === '1') {
      writeFileSync(file, actual);
      t.pass('accepted');
      return;
    }
    if (actual !== expected) writeFileSync(`${file}.actual`, actual);
    else rmSync(`${file}.actual`, { force: true });
    const wanted = expected.split('\n');
    const different = actual.split('\n').findIndex((line, i) => line !== wanted[i]);
    t.equal(actual, expected, different < 0 ? 'every line' : `line ${different + 1} differs; see ${name}.actual`);
    t.ok(/^> T05/m.test(expected), 'the conversation reaches a stop');
  });
}
