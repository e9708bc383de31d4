/** One client on stdin and stdout, as `target remote | kvm-gdbserver --listen stdio …` makes it. */
import type { Readable, Writable } from 'node:stream';
import type { Connection, Listener } from './connection.js';
import { withoutRepeatedPacket } from './repeated-packet.js';

/** The connection is handed on at once. Nothing else may write to `output`: it would be noise between packets. */
export function listenStdio(
  onConnection: (connection: Connection) => void,
  input: Readable = process.stdin,
  output: Writable = process.stdout,
): Listener {
  onConnection(connectionOverStreams(input, output));
  return { address: 'stdio', isPublic: false, close: () => Promise.resolve() };
}

function connectionOverStreams(input: Readable, output: Writable): Connection {
  let open = true;
  let report: () => void = () => undefined;
  const close = (): void => {
    if (!open) return;
    open = false;
    input.destroy();
    report();
  };
  // gdb ends its pipe by closing it: EPIPE on our side means the same as end of file.
  output.on('error', close);
  return {
    peer: 'stdio',
    start(onData, onClose) {
      report = onClose;
      let isFirst = true;
      input.on('data', (chunk: Buffer) => {
        if (!open) return;
        onData(isFirst ? withoutRepeatedPacket(chunk) : chunk);
        isFirst = false;
      });
      input.on('end', close);
      input.on('close', close);
      input.on('error', close);
    },
    write(bytes) {
      if (!open) return true;
      output.write(bytes);
      return output.writableLength === 0;
    },
    end: close,
  };
}
