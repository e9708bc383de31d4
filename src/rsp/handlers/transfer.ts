/** `qXfer`: objects that are read in pieces (gdb manual, "General Query Packets", qXfer). One row per object. */
import { TargetError } from '../../target.js';
import type { DebugTarget } from '../../target.js';
import type { CommandSpec } from '../command-spec.js';
import { parseTransfer } from '../command-parser.js';
import type { BinaryReply } from '../packet-encoder.js';
import { PACKET_SIZE } from '../session-state.js';
import type { SessionState } from '../session-state.js';
import { formatThreadId } from '../thread-ids.js';

interface TransferObject {
  readonly name: string;
  available?(target: DebugTarget): boolean;
  /** The whole object; undefined for an annex it does not have. */
  read(session: SessionState, annex: string): string | undefined;
}

const OBJECTS: readonly TransferObject[] = [
  {
    name: 'features',
    read: ({ target }, annex) => (annex === 'target.xml' ? target.description.xml : undefined),
  },
  { name: 'threads', read: (session, annex) => (annex === '' ? threadsXml(session) : undefined) },
  {
    // The annex is the process; there is one.
    name: 'exec-file',
    available: (target) => target.executable !== undefined,
    read: ({ target }) => target.executable,
  },
];

function threadsXml(session: SessionState): string {
  const rows = session.isOver
    ? []
    : session.target.threads().map((thread) => {
        const id = formatThreadId(thread.id, session.client.multiprocess);
        return `<thread id="${id}" name="${escapeXml(thread.name)}">${escapeXml(thread.state)}</thread>\n`;
      });
  return `<?xml version="1.0"?>\n<threads>\n${rows.join('')}</threads>\n`;
}

const XML_ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => XML_ENTITIES[character]);
}

function transfer(session: SessionState, args: Buffer): BinaryReply | string {
  const { object, operation, annex, offset, length } = parseTransfer(args.subarray(1));
  const found = OBJECTS.find(({ name }) => name === object);
  if (found === undefined || found.available?.(session.target) === false) return '';
  if (operation !== 'read') return '';
  const text = found.read(session, annex);
  // E00: "The request was malformed, or annex was invalid."
  if (text === undefined) return 'E00';
  const bytes = Buffer.from(text, 'utf8');
  if (offset > bytes.length) throw new TargetError(`The object ends before offset ${offset}.`);
  const end = offset + Math.min(length, PACKET_SIZE);
  return { prefix: end < bytes.length ? 'm' : 'l', bytes: bytes.subarray(offset, end) };
}

export const transferCommands: readonly CommandSpec[] = [
  {
    name: 'qXfer',
    handle: transfer,
    features: ({ target }) =>
      OBJECTS.filter((object) => object.available?.(target) !== false).map(({ name }) => `qXfer:${name}:read+`),
    whileRunning: true,
  },
];
