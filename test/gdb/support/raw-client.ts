/** A client that says exactly the bytes a test wants, for what gdb would never send. */
import { createConnection, type Socket } from 'node:net';
import { patience } from '../../time-scale.js';

const ANSWER_MILLISECONDS = patience(10_000);

/** `$payload#xx`, the payload as latin1 and already escaped. */
export function frame(payload: string): string {
  const sum = [...Buffer.from(payload, 'latin1')].reduce((total, byte) => (total + byte) & 0xff, 0);
  return `$${payload}#${sum.toString(16).padStart(2, '0')}`;
}

export class RawClient {
  private received = '';
  private closed = false;

  private constructor(private readonly socket: Socket) {
    socket.setEncoding('latin1').on('data', (text) => { this.received += String(text); });
    socket.on('close', () => { this.closed = true; }).on('error', () => { this.closed = true; });
  }

  /** Connects to a unix socket. */
  static connect(path: string): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = createConnection(path);
      socket.once('error', reject).once('connect', () => resolve(new RawClient(socket)));
    });
  }

  get isClosed(): boolean {
    return this.closed;
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Everything up to and including what `pattern` matches; throws when it does not come. */
  async take(pattern: RegExp, milliseconds = ANSWER_MILLISECONDS): Promise<string> {
    const deadline = Date.now() + milliseconds;
    for (;;) {
      const match = pattern.exec(this.received);
      if (match !== null) {
        const end = match.index + match[0].length;
        const taken = this.received.slice(0, end);
        this.received = this.received.slice(end);
        return taken;
      }
      if (this.closed || Date.now() > deadline) {
        throw new Error(`${pattern} did not come${this.closed ? ', the connection is closed' : ''}: "${this.received.slice(0, 200)}"`);
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  /** Sends a packet and returns the payload of the reply. */
  async ask(payload: string): Promise<string> {
    this.send(frame(payload));
    const answer = await this.take(/\$[^#]*#[0-9a-f]{2}/);
    return answer.slice(answer.indexOf('$') + 1, -3);
  }

  /** Waits until the server has closed the connection. */
  async untilClosed(milliseconds = ANSWER_MILLISECONDS): Promise<void> {
    const deadline = Date.now() + milliseconds;
    while (!this.closed && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
    if (!this.closed) throw new Error('the server keeps the connection');
  }

  /** Tears the connection away. */
  end(): void {
    this.socket.destroy();
  }
}
