/**
 * Real programs under stock gdb, each as far as its prompt, screen or shell. They use what a software KVM cannot run (IRET in
 * protected mode, 32-bit paging, x87), so that they are for hosts with VMX or SVM. HOST_PROGRAMS in the environment is the
 * folder of test/hosts/programs.mjs.
 */
import { connect, type Socket } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type Test } from 'tape';
import { withAttachedGdb, type GdbConsole } from '../../gdb/support/gdb-console.js';
import { GDB_HELPER } from '../../gdb/support/gdb-session.js';
import { patience } from '../../time-scale.js';

const PROGRAMS = process.env['HOST_PROGRAMS'];
const PATIENCE_MS = patience(18_000);
/** What moves the cursor: a console that follows a screen has it between any two letters. */
const CURSOR_MOVES = /\x1b\[[\d;?]*[A-Za-z]|\r(?!\n)/g;

/** The guest's serial port, as a person at a terminal has it. */
class SerialLine {
  private received = '';

  constructor(private readonly socket: Socket) {
    socket.setEncoding('latin1').on('data', (text: string) => { this.received += text; });
  }

  /** All that has come, without what moves the cursor. */
  get text(): string {
    return this.received.replace(CURSOR_MOVES, '');
  }

  type(text: string): void {
    this.socket.write(text);
  }

  /** Waits until the pattern has come. Throws with the last that did when it does not. */
  async waitFor(pattern: RegExp, milliseconds = PATIENCE_MS): Promise<string> {
    const deadline = Date.now() + milliseconds;
    while (!pattern.test(this.text)) {
      if (Date.now() > deadline) throw new Error(`${String(pattern)} did not come in ${milliseconds} ms; the serial port's last words:\n${this.text.slice(-1500)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return this.text;
  }

  close(): void {
    this.socket.destroy();
  }
}

/** A program's machine: gdb, attached and with the helper, and the serial port. */
export interface Bench {
  readonly gdb: GdbConsole;
  readonly serial: SerialLine;
  /** Lets the guest run until `ready` is fulfilled, then interrupts it. */
  readonly runUntil: (ready: () => Promise<unknown>) => Promise<void>;
}

/** Starts `args` and calls `body` with gdb attached; both are gone afterwards. */
export async function withProgram(t: Test, args: readonly string[], body: (bench: Bench) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-serial-'));
  const path = join(folder, 'serial');
  try {
    await withAttachedGdb(['--serial', `unix:${path}`, ...args], async (gdb) => {
      const serial = new SerialLine(connect(path));
      // The first command that lets the guest run waits for the probe of the host, which takes seconds there.
      await gdb.runAll(`source ${GDB_HELPER}`, 'set remotetimeout 60');
      try {
        await body({
          gdb, serial,
          runUntil: async (ready) => {
            gdb.begin('continue');
            await ready();
            gdb.interrupt();
            t.match(await gdb.answer(), /SIGINT/, 'interrupted');
          },
        });
      } finally {
        serial.close();
      }
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A test of a program that is made of `files` in the folder; without the folder it is skipped in words. */
export function program(name: string, files: readonly string[], body: (t: Test, paths: readonly string[]) => Promise<void>): void {
  test(name, async (t) => {
    if (PROGRAMS === undefined) t.skip(`${name}: HOST_PROGRAMS names no folder`);
    else await body(t, files.map((file) => join(PROGRAMS, file)));
  });
}
