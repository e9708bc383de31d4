/**
 * A bare client of gdb's remote protocol, made for timing: no gdb in the loop, one request at a time, and it parses
 * only where a packet ends (gdb manual, "Overview" of the remote protocol).
 *
 * It asks for no-ack mode and never sends an ack. A server that does not know that mode (QEMU 7.2) takes the next
 * packet for the ack, so both servers see the same traffic.
 */
import { createConnection, type Socket } from 'node:net';

const DOLLAR = 0x24;
const HASH = 0x23;
const STAR = 0x2a;
const RECEIVE_SIZE = 1 << 18;
const ASSEMBLY_SIZE = 1 << 22;
/** A request without an answer for this long is an error. */
const REPLY_TIMEOUT_MS = 120_000;
const WATCHDOG_MS = 1_000;
const CLOSE_TIMEOUT_MS = 500;

/** What the server said in `qSupported`, and the packet sizes in bytes that follow from it. */
export interface ServerFeatures {
  readonly packetSize: number;
  readonly binaryUpload: boolean;
  readonly rangeStep: boolean;
}

/** Hexadecimal without a prefix, as packets spell addresses. */
export function hex(value: number): string {
  return value.toString(16);
}

/** `value` as `size` bytes of little-endian hexadecimal, as packets spell register values. */
export function littleEndianHex(value: number, size: number): string {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntLE(value, 0, Math.min(size, 6));
  return bytes.toString('hex');
}

export class RspClient {
  private readonly assembly = Buffer.allocUnsafe(ASSEMBLY_SIZE);
  private fill = 0;
  private settle: ((payload: Buffer) => void) | undefined;
  private fail: ((error: Error) => void) | undefined;
  private waitingSince = 0;
  private failure: Error | undefined;
  private readonly watchdog: NodeJS.Timeout;

  private constructor(private readonly socket: Socket) {
    this.watchdog = setInterval(() => {
      if (this.fail !== undefined && performance.now() - this.waitingSince > REPLY_TIMEOUT_MS) {
        this.abort(new Error(`the server did not answer within ${REPLY_TIMEOUT_MS / 1000} seconds`));
      }
    }, WATCHDOG_MS);
    this.watchdog.unref();
  }

  /** Connects once to 127.0.0.1:`port`; rejects when nobody listens there. */
  static connect(port: number): Promise<RspClient> {
    return new Promise((resolve, reject) => {
      // Node keeps this buffer and fills it again and again: no stream, no allocation per read.
      const receive = Buffer.allocUnsafe(RECEIVE_SIZE);
      let client: RspClient | undefined = undefined;
      const socket = createConnection({
        host: '127.0.0.1',
        port,
        noDelay: true,
        onread: {
          buffer: receive,
          callback: (length) => {
            client?.received(receive, length);
            return true;
          },
        },
      });
      socket.once('connect', () => {
        client = new RspClient(socket);
        resolve(client);
      });
      socket.on('error', (error) => {
        if (client === undefined) reject(error);
        else client.abort(error);
      });
      socket.on('close', () => client?.abort(new Error('the server closed the connection')));
    });
  }

  /** A packet ready to send: `$payload#checksum`. Make it once outside the timed loop. */
  frame(payload: string): Buffer {
    let sum = 0;
    for (let i = 0; i < payload.length; i++) sum += payload.charCodeAt(i);
    return Buffer.from(`$${payload}#${(sum & 0xff).toString(16).padStart(2, '0')}`, 'latin1');
  }

  /** Sends one framed packet. The reply's payload is raw and valid only until the next request. */
  request(packet: Buffer): Promise<Buffer> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      this.settle = resolve;
      this.fail = reject;
      this.waitingSince = performance.now();
      this.socket.write(packet);
    });
  }

  /** gdb's Ctrl-C, while a request that resumed the guest waits for its stop reply. */
  interrupt(): void {
    this.socket.write('\x03');
  }

  /** Sends a payload and returns the reply as text. */
  async ask(payload: string): Promise<string> {
    return (await this.request(this.frame(payload))).toString('latin1');
  }

  /** Sends a payload whose reply must be OK. */
  async expectOk(payload: string): Promise<void> {
    const reply = await this.ask(payload);
    if (reply === 'OK') return;
    const said = reply === '' ? 'the empty reply (not supported)' : reply;
    throw new Error(`the server answered ${said} to ${payload.slice(0, 40)}`);
  }

  /** What gdb would negotiate first; fetching target.xml is what makes QEMU accept `P`. */
  async handshake(): Promise<ServerFeatures> {
    const supported = (await this.ask('qSupported:swbreak+;hwbreak+;vContSupported+;binary-upload+;xmlRegisters=i386')).split(';');
    await this.ask('QStartNoAckMode');
    const resumeActions = (await this.ask('vCont?')).split(';');
    await this.ask('qXfer:features:read:target.xml:0,ffb');
    const size = supported.find((feature) => feature.startsWith('PacketSize='));
    const packetSize = Number.parseInt(size?.slice('PacketSize='.length) ?? '', 16);
    if (!(packetSize > 0)) throw new Error('the server named no PacketSize in its qSupported reply');
    return {
      packetSize: Math.min(packetSize, ASSEMBLY_SIZE / 2),
      binaryUpload: supported.includes('binary-upload+'),
      rangeStep: resumeActions.includes('r'),
    };
  }

  /** Undoes run-length encoding (gdb manual, "Overview"): `0*"` is 0 and then 5 more. */
  expandRunLengths(payload: Buffer): Buffer {
    if (!payload.includes(STAR)) return payload;
    const out: number[] = [];
    for (let i = 0; i < payload.length; i++) {
      const byte = payload[i] ?? 0;
      if (byte !== STAR) out.push(byte);
      else {
        const last = out[out.length - 1] ?? 0;
        for (let left = (payload[++i] ?? 0) - 29; left > 0; left--) out.push(last);
      }
    }
    return Buffer.from(out);
  }

  /** Ends the connection and waits until the server has seen that, so that it can take the next client. */
  close(): Promise<void> {
    clearInterval(this.watchdog);
    this.failure ??= new Error('the connection has been closed');
    if (this.socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      const force = setTimeout(() => this.socket.destroy(), CLOSE_TIMEOUT_MS);
      this.socket.once('close', () => {
        clearTimeout(force);
        resolve();
      });
      this.socket.end();
    });
  }

  private abort(error: Error): void {
    this.failure ??= error;
    const fail = this.fail;
    this.settle = this.fail = undefined;
    this.socket.destroy();
    clearInterval(this.watchdog);
    fail?.(this.failure);
  }

  private received(buffer: Buffer, length: number): void {
    if (this.fill === 0) {
      const rest = this.deliver(buffer, length);
      if (rest < length) this.fill = buffer.copy(this.assembly, 0, rest, length);
      return;
    }
    if (this.fill + length > this.assembly.length) {
      this.abort(new Error(`the server sent a packet longer than ${ASSEMBLY_SIZE} bytes`));
      return;
    }
    buffer.copy(this.assembly, this.fill, 0, length);
    this.fill += length;
    const rest = this.deliver(this.assembly, this.fill);
    if (rest > 0) {
      this.assembly.copyWithin(0, rest, this.fill);
      this.fill -= rest;
    }
  }

  /** Hands over the first reply in `bytes[0..length)`; returns where the bytes begin that are not used yet. */
  private deliver(bytes: Buffer, length: number): number {
    let at = 0;
    for (;;) {
      while (at < length && bytes[at] !== DOLLAR) at++;
      if (at === length) return length;
      // A packet never holds a bare '#', binary ones included.
      const hash = bytes.indexOf(HASH, at + 1);
      if (hash < 0 || hash + 2 >= length) return at;
      const start = at + 1;
      at = hash + 3;
      // Console text (`O` and hex) comes before the reply that ends a run.
      if (bytes[start] === 0x4f && bytes[start + 1] !== 0x4b) continue;
      const settle = this.settle;
      this.settle = this.fail = undefined;
      settle?.(bytes.subarray(start, hash));
      return at;
    }
  }
}
