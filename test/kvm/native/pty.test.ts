/** `--serial pty`: bytes pass both ways as they are. */
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'tape';
import { native } from '../../../src/vmm/native.js';
import { openSerial } from '../../../src/vmm/serial/open-serial.js';

test('pty: what the guest writes is read at the other side, and what is typed there reaches the guest', async (t) => {
  const serial = await openSerial('pty', { log: (text) => t.comment(text), openPty: () => native().openPty() });
  const path = /(\/dev\/pts\/\d+)/.exec(serial.description)?.[1];
  t.ok(path, serial.description);
  const terminal = openSync(path!, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  serial.write(Uint8Array.of(0x61, 0x0a, 0x00, 0xff));
  const buffer = new Uint8Array(16);
  t.deepEqual([...buffer.subarray(0, readSync(terminal, buffer))], [0x61, 0x0a, 0x00, 0xff], 'raw: no carriage return is added');

  const received: number[] = [];
  serial.onInput((bytes) => {
    received.push(...bytes);
    return bytes.length;
  });
  writeSync(terminal, Uint8Array.of(0x03, 0x0d, 0x7a));
  for (let i = 0; i < 100 && received.length < 3; i++) await sleep(10);
  t.deepEqual(received, [0x03, 0x0d, 0x7a], 'no signal, no newline made of it');
  closeSync(terminal);
  serial.close();
});
