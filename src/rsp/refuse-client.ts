/** Turning a second client away in words: gdb shows an error reply to its first packet as a warning. */
import { encodedSize, encodePacket, plainText } from './packet-encoder.js';
import type { Connection } from './transports/connection.js';

const REFUSAL = 'Another debugger is attached to this guest; detach it first, then connect again.';

/** A client that says nothing is not kept longer than this. */
const PATIENCE_MILLISECONDS = 1000;

/** Answers whatever the client says first with the refusal, and closes. */
export function refuseClient(connection: Connection): void {
  const reply = `E.${plainText(REFUSAL)}`;
  const packet = encodePacket(reply, Buffer.alloc(encodedSize(reply)));
  let answered = false;
  const timer = setTimeout(() => connection.end(), PATIENCE_MILLISECONDS);
  timer.unref();
  connection.start(
    (chunk) => {
      if (answered || !chunk.includes('$')) return;
      answered = true;
      connection.write(Buffer.concat([Buffer.from('+', 'latin1'), packet]));
      connection.end();
    },
    () => clearTimeout(timer),
  );
}
