/**
 * `--trace-exits`: every exit as an event of the Chrome trace-event format, which Perfetto and chrome://tracing open:
 * one track per vCPU, on it a bar for each exit from the moment it came until the guest was entered again (or the stop
 * was reported). The gaps are the guest's own time.
 *
 * The array form of the format ("JSON Array Format": the closing bracket may be missing) is written, so that what is
 * in the file can be opened whenever the server is killed; only SIGKILL in the middle of a write tears the last line, for the
 * kernel then stops at a page. Text is collected in chunks of bounded size; a chunk is written whole when it is full, half
 * a second after it was begun, and at the end.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { Exit } from '../vmm/exit.js';
import { exitLine, type ServedExit } from './debug-log.js';

/** Characters. */
const CHUNK_LENGTH = 64 * 1024;
const LONGEST_WAIT_MILLISECONDS = 500;
/** Of the trace; it has one process, the machine. */
const PROCESS = 1;

export class ExitTrace {
  readonly #write: (text: string) => void;
  readonly #finish: () => void;
  readonly #onError: (sentence: string) => void;
  /** Microseconds in the trace count from here. */
  readonly #origin: number;
  #chunk = '';
  #timer: NodeJS.Timeout | undefined;
  #isOpen = true;

  /**
   * `write` takes text that goes to the end of the file and may throw: the trace ends then, and `onError` is told once.
   * `origin`: the time 0 of the trace, as of `performance.now()`.
   */
  constructor(cpus: number, write: (text: string) => void, onError: (sentence: string) => void, finish: () => void = () => undefined,
    origin = performance.now()) {
    this.#write = write;
    this.#finish = finish;
    this.#onError = onError;
    this.#origin = origin;
    const names = [
      { name: 'process_name', ph: 'M', pid: PROCESS, tid: 0, args: { name: 'guest' } },
      ...Array.from({ length: cpus }, (_, cpu) => cpu).flatMap((cpu) => [
        { name: 'thread_name', ph: 'M', pid: PROCESS, tid: cpu + 1, args: { name: `cpu${cpu}` } },
        // Viewers sort tracks by name: cpu10 would come before cpu2.
        { name: 'thread_sort_index', ph: 'M', pid: PROCESS, tid: cpu + 1, args: { sort_index: cpu } },
      ]),
    ];
    this.#chunk = `[\n${names.map((event) => JSON.stringify(event)).join(',\n')}`;
    this.#flush();
  }

  /** Makes or empties the file. Throws an Error with one sentence when that cannot be done. */
  static open(path: string, cpus: number, onError: (sentence: string) => void): ExitTrace {
    let descriptor: number;
    try {
      descriptor = openSync(path, 'w');
    } catch (error) {
      throw new Error(`Cannot write the trace of exits to ${path}: ${(error as Error).message}.`, { cause: error });
    }
    const write = (text: string): void => {
      // A disk that is nearly full takes a part.
      for (let bytes = Buffer.from(text); bytes.length > 0;) bytes = bytes.subarray(writeSync(descriptor, bytes));
    };
    const failed = (sentence: string): void => onError(`The trace in ${path} ends here: ${sentence}.`);
    return new ExitTrace(cpus, write, failed, () => closeSync(descriptor));
  }

  /** Adds one exit; nothing after the end. */
  add(served: ServedExit): void {
    if (!this.#isOpen) return;
    this.#chunk += `,\n${JSON.stringify(traceEvent(served, this.#origin))}`;
    if (this.#chunk.length >= CHUNK_LENGTH) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), LONGEST_WAIT_MILLISECONDS).unref();
  }

  /** Writes what is left and ends the file. Idempotent. */
  close(): void {
    if (!this.#isOpen) return;
    this.#chunk += '\n]\n';
    this.#flush();
    this.#end();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const text = this.#chunk;
    this.#chunk = '';
    if (!this.#isOpen) return;
    try {
      this.#write(text);
    } catch (error) {
      this.#end();
      this.#onError((error as Error).message);
    }
  }

  #end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#finish();
  }
}

/** A complete event ("ph": "X"); its times are in microseconds. */
function traceEvent({ cpu, exit, pc, began, ended }: ServedExit, origin: number): object {
  return {
    name: eventName(exit),
    // Two categories: a viewer can show all exits, or those of one reason.
    cat: `exit,${exit.reason}`,
    ph: 'X',
    ts: microseconds(began - origin),
    dur: microseconds(ended - began),
    pid: PROCESS,
    tid: cpu + 1,
    args: { reason: exit.reason, pc: hex(pc), ...eventArguments(cpu, exit) },
  };
}

/** Exits of one name get one colour: `out 0x3f8`, `read 0xfec00000`, `debug`. */
function eventName(exit: Exit): string {
  if (exit.reason === 'io') return `${exit.direction} ${hex(exit.port)}`;
  if (exit.reason === 'mmio') return `${exit.isWrite ? 'write' : 'read'} ${hex(exit.address & ~0xfffn)}`;
  return exit.reason;
}

function eventArguments(cpu: number, exit: Exit): object {
  switch (exit.reason) {
    case 'io': return { direction: exit.direction, port: hex(exit.port), size: exit.size, count: exit.count };
    case 'mmio': return { direction: exit.isWrite ? 'write' : 'read', address: hex(exit.address), size: exit.data.length };
    default: return { text: exitLine(cpu, exit) };
  }
}

const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

/** With nanoseconds. */
const microseconds = (milliseconds: number): number => Math.round(milliseconds * 1e6) / 1e3;
