/** `--serial SPEC`: makes the back end that a specification names. */
import { constants, fstatSync, openSync } from 'node:fs';
import { DescriptorBackend } from './descriptor-backend.js';
import { SerialError, type SerialBackend, type SerialContext } from './serial-backend.js';
import { SocketBackend } from './socket-backend.js';

/** A new pseudo-terminal: the master's descriptor (O_NONBLOCK) and the path of the side to open. */
export type OpenPty = () => { readonly master: number; readonly path: string };

export interface OpenSerialContext extends SerialContext {
  /** Absent when the binding cannot make pseudo-terminals. */
  readonly openPty?: OpenPty;
}

const FORMS = 'stdio, file:PATH, pty, tcp:HOST:PORT, unix:PATH or none';

/**
 * `stdio`, `file:PATH` (output only, truncated), `pty`, `tcp:[HOST:]PORT` (listens; 127.0.0.1 without a host),
 * `unix:PATH` (listens) or `none`. Throws SerialError with one sentence.
 */
export async function openSerial(spec: string, context: OpenSerialContext): Promise<SerialBackend> {
  const colon = spec.indexOf(':');
  const kind = colon < 0 ? spec : spec.slice(0, colon);
  const rest = colon < 0 ? '' : spec.slice(colon + 1);
  switch (kind) {
    case 'none': return NO_SERIAL;
    case 'stdio': return openStdio(context);
    case 'file': return openFile(required(spec, rest), context);
    case 'pty': return openPseudoTerminal(context);
    case 'tcp': {
      const { host, port } = parseTcp(spec, rest);
      if (!isLoopback(host)) context.log(`warning: the serial line tcp ${host}:${port} can be reached from other machines`);
      return SocketBackend.open({ host, port }, `tcp ${host}:${port}`, context);
    }
    case 'unix': return SocketBackend.open({ path: required(spec, rest) }, `unix ${rest}`, context);
    default: throw new SerialError(`"${spec}" is not a serial line; write ${FORMS}.`);
  }
}

/** Bytes go nowhere, none come. */
const NO_SERIAL: SerialBackend = {
  description: 'none',
  write: () => undefined,
  onInput: () => undefined,
  close: () => undefined,
};

function openStdio(context: SerialContext): SerialBackend {
  const output = reopenNonBlocking(1, constants.O_WRONLY);
  const input = reopenNonBlocking(0, constants.O_RDONLY);
  return new DescriptorBackend({
    description: 'stdio',
    output: output ?? 1,
    ...(input !== undefined && { input }),
    owned: [output, input].filter((descriptor) => descriptor !== undefined),
  }, context);
}

/**
 * A second open file for a terminal or pipe, so that O_NONBLOCK does not reach whoever shares ours. Undefined for
 * what needs none (a regular file never blocks) or cannot be opened again (a socket).
 */
function reopenNonBlocking(descriptor: number, access: number): number | undefined {
  try {
    const status = fstatSync(descriptor);
    if (!status.isFIFO() && !status.isCharacterDevice()) return undefined;
    return openSync(`/proc/self/fd/${descriptor}`, access | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return undefined;
  }
}

function openFile(path: string, context: SerialContext): SerialBackend {
  try {
    const output = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NONBLOCK, 0o666);
    return new DescriptorBackend({ description: `file ${path}`, output, owned: [output] }, context);
  } catch (error) {
    throw new SerialError(`The serial line cannot be written to ${path}: ${(error as Error).message}.`);
  }
}

function openPseudoTerminal(context: OpenSerialContext): SerialBackend {
  if (context.openPty === undefined) throw new SerialError('This build cannot make pseudo-terminals; use --serial unix:PATH or tcp:PORT.');
  const { master, path } = context.openPty();
  return new DescriptorBackend({ description: `pty ${path}`, output: master, input: master, owned: [master] }, context);
}

function parseTcp(spec: string, rest: string): { host: string; port: number } {
  const match = /^(?:(.*):)?(\d{1,5})$/.exec(rest);
  const port = Number(match?.[2]);
  if (match === null || port > 65535) throw new SerialError(`"${spec}" names no TCP port; write tcp:PORT or tcp:HOST:PORT with a port up to 65535.`);
  const host = (match[1] ?? '').replace(/^\[(.*)\]$/, '$1');
  return { host: host === '' ? '127.0.0.1' : host, port };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}

function required(spec: string, path: string): string {
  if (path === '') throw new SerialError(`"${spec}" names no path; write ${spec.replace(/:$/, '')}:PATH.`);
  return path;
}
