/** The server as a process, for tests of what it prints, writes and leaves behind. */
import { spawn, type ChildProcess } from 'node:child_process';
import { patience } from '../../../time-scale.js';
import { SERVER_MAIN } from '../../../server-command.js';

export const PATIENCE_MS = patience(15_000);

/** Machine code, real mode, for `--boot flat`. */
export const SPIN = Uint8Array.from([0xfb, 0xeb, 0xfe]); // sti; jmp $
export const HALT = Uint8Array.from([0xfa, 0xf4, 0xeb, 0xfd]); // cli; hlt; jmp -3
export const FLOOD = Uint8Array.from([0xba, 0xf8, 0x03, 0xb0, 0x78, 0xee, 0xeb, 0xfd]); // mov dx, 3f8; mov al, 'x'; out dx, al; jmp -3

/** Prints `text` on COM1, then writes `value` to the debug-exit port: QEMU's status is 2 * value + 1. */
export function guestThatExits(text: string, value: number): Uint8Array {
  const print = [...Buffer.from(text)].flatMap((byte) => [0xb0, byte, 0xee]);
  return Uint8Array.from([0xba, 0xf8, 0x03, ...print, 0xba, 0xf4, 0x00, 0xb0, value, 0xee, 0xf4]);
}

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ServerProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Waits for a text on stderr, and returns what is there. */
  until(text: string | RegExp): Promise<string>;
}

/** Starts it; it is killed when its time is up. */
export function start(args: readonly string[]): ServerProcess {
  const child = spawn(process.execPath, [SERVER_MAIN, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('latin1').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  const ended = new Promise<Ended>((resolve) => child.on('close', (status, signal) => {
    clearTimeout(timer);
    resolve({ status, signal, stdout, stderr });
  }));
  const until = async (text: string | RegExp): Promise<string> => {
    while (stderr.search(text) < 0) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`ended without "${text}": ${stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return stderr;
  };
  return { child, ended, until };
}

/** Framed for the wire. */
export function packet(payload: string): string {
  const sum = [...Buffer.from(payload, 'latin1')].reduce((total, byte) => total + byte, 0) & 0xff;
  return `$${payload}#${sum.toString(16).padStart(2, '0')}`;
}
