/** Sessions of cdt-gdb-adapter, the debug adapter of Eclipse CDT Cloud ("CDT GDB Debugger" in VS Code), with stock gdb. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { buildGuests, GUESTS_FOLDER, startServer, type Server } from '../../gdb/support/gdb-session.js';
import { DapSession } from './dap-session.js';

const ADAPTER = createRequire(import.meta.url).resolve('cdt-gdb-adapter/dist/debugTargetAdapter.js');

/** Path of a source file of the example guests. */
export function source(path: string): string {
  return join(GUESTS_FOLDER, path);
}

/** Number of the first line of a source file that has the text. */
export function lineOf(path: string, text: string): number {
  const index = readFileSync(source(path), 'utf8').split('\n').findIndex((line) => line.includes(text));
  if (index < 0) throw new Error(`${path} has no line with "${text}".`);
  return index + 1;
}

export interface CdtOptions {
  /** ELF file with the guest's symbols, in examples/guests. */
  readonly program?: string;
  readonly initCommands?: readonly string[];
  readonly customResetCommands?: readonly string[];
  readonly auxiliaryGdb?: boolean;
}

/** Starts the adapter; it is not attached. */
export async function startCdt(): Promise<DapSession> {
  return (await DapSession.start({ runtime: process.execPath, argument: ADAPTER, type: 'gdbtarget' })).session;
}

/** As an editor attaches: returns when the adapter is ready for breakpoints. `configurationDone` then lets the guest run. */
export async function attach(session: DapSession, address: string, options: CdtOptions): Promise<void> {
  const { program, ...others } = options;
  await session.client.attachRequest({
    gdb: 'gdb', gdbArguments: ['-nx'], cwd: GUESTS_FOLDER, ...(program !== undefined && { program: source(program) }),
    target: { type: 'remote', parameters: [address] }, ...others,
  } as DebugProtocol.AttachRequestArguments);
  await session.take('initialized');
}

/** A server, and the adapter attached to it, for the length of `work`; both are gone afterwards, whatever happened. */
export async function withCdt(
  serverArguments: readonly string[], options: CdtOptions, work: (session: DapSession, server: Server) => Promise<void>,
): Promise<void> {
  buildGuests();
  const server = await startServer(serverArguments);
  const session = await startCdt();
  try {
    await attach(session, server.address, options);
    await work(session, server);
  } finally {
    await session.close();
    await server.stop();
  }
}
