/** Finds the row for a packet, and lists what all rows offer. */
import type { CommandSpec } from './command-spec.js';
import { breakpointCommands } from './handlers/breakpoints.js';
import { lifecycleCommands } from './handlers/lifecycle.js';
import { lldbCommands } from './handlers/lldb.js';
import { memoryCommands } from './handlers/memory.js';
import { monitorCommands } from './handlers/monitor.js';
import { nonStopCommands } from './handlers/non-stop.js';
import { qemuCommands } from './handlers/qemu.js';
import { queryCommands } from './handlers/queries.js';
import { registerCommands } from './handlers/registers.js';
import { resumeCommands } from './handlers/resume.js';
import { searchCommands } from './handlers/search.js';
import { threadCommands } from './handlers/threads.js';
import { transferCommands } from './handlers/transfer.js';
import type { SessionState } from './session-state.js';

export const ALL_COMMANDS: readonly CommandSpec[] = [
  ...queryCommands,
  ...lifecycleCommands,
  ...resumeCommands,
  ...nonStopCommands,
  ...registerCommands,
  ...memoryCommands,
  ...breakpointCommands,
  ...threadCommands,
  ...transferCommands,
  ...monitorCommands,
  ...searchCommands,
  ...qemuCommands,
  ...lldbCommands,
];

/** By the code of their only character. */
const letters: (CommandSpec | undefined)[] = new Array<undefined>(256).fill(undefined);
const words = new Map<string, CommandSpec>();
for (const spec of ALL_COMMANDS) {
  if (spec.name.length === 1) letters[spec.name.charCodeAt(0)] = spec;
  else words.set(spec.name, spec);
}

/** First letters of the packets whose names are words. */
const WORD_LETTERS = new Set('bjqQv'.split('').map((letter) => letter.charCodeAt(0)));
const DELIMITERS = new Set(':;,='.split('').map((character) => character.charCodeAt(0)));

export interface FoundCommand {
  readonly spec: CommandSpec;
  readonly args: Buffer;
}

/** Undefined for a packet that is not known: it gets the empty reply. */
export function findCommand(payload: Buffer): FoundCommand | undefined {
  const first = payload[0];
  if (first === undefined) return undefined;
  const nameLength = WORD_LETTERS.has(first) ? wordLength(payload) : 1;
  const spec = nameLength === 1 ? letters[first] : words.get(payload.toString('latin1', 0, nameLength));
  return spec && { spec, args: payload.subarray(nameLength) };
}

function wordLength(payload: Buffer): number {
  let length = 1;
  while (length < payload.length && !DELIMITERS.has(payload[length])) length++;
  return length;
}

/** What `qSupported` names: the features of every row whose capability the target has. */
export function offeredFeatures(session: SessionState): string[] {
  return ALL_COMMANDS.filter((spec) => spec.available?.(session.target) !== false).flatMap(
    (spec) => spec.features?.(session) ?? [],
  );
}
