/** A serial line that one client at a time reaches over TCP or a unix socket. */
import { createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { OutputQueue } from './output-queue.js';
import { SerialError, type SerialBackend, type SerialContext } from './serial-backend.js';

/** Bytes given to the socket before ours is told to wait for it. */
const SOCKET_LIMIT = 64 * 1024;
const INPUT_RETRY_MILLISECONDS = 20;

export class SocketBackend implements SerialBackend {
  readonly description: string;
  readonly #server: Server;
  readonly #queue: OutputQueue;
  #client: Socket | undefined;
  #receive: (bytes: Uint8Array) => number = (bytes) => bytes.length;

  /** Listens; what the guest writes before a client comes waits for it. Rejects with SerialError. */
  static open(options: ListenOptions, description: string, context: SerialContext): Promise<SocketBackend> {
    return new Promise((resolve, reject) => {
      const server = createServer();
      server.once('error', (error: NodeJS.ErrnoException) => reject(new SerialError(explain(description, error))));
      server.listen(options, () => {
        server.removeAllListeners('error');
        server.on('error', (error) => context.log(`serial line ${description}: ${error.message}`));
        server.unref();
        resolve(new SocketBackend(server, description, context));
      });
    });
  }

  private constructor(server: Server, description: string, { log }: SerialContext) {
    this.#server = server;
    this.description = description;
    this.#queue = new OutputQueue(
      (bytes) => this.#tryWrite(bytes),
      () => log(`serial output to ${description} is not read fast enough; its oldest bytes are dropped`),
    );
    server.on('connection', (socket) => this.#accept(socket));
  }

  /** Port of a TCP line (useful when 0 was asked for), undefined for a unix socket. */
  get port(): number | undefined {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : undefined;
  }

  write(bytes: Uint8Array): void {
    this.#queue.write(bytes);
  }

  onInput(receive: (bytes: Uint8Array) => number): void {
    this.#receive = receive;
  }

  close(): void {
    this.#queue.flush();
    this.#client?.end();
    this.#client?.unref();
    this.#client = undefined;
    this.#server.close();
  }

  #accept(socket: Socket): void {
    if (this.#client !== undefined) {
      socket.end('This serial line is taken by another client.\r\n');
      return;
    }
    this.#client = socket;
    socket.on('drain', () => this.#queue.flush());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => { if (this.#client === socket) this.#client = undefined; });
    socket.on('data', (bytes) => this.#offer(socket, bytes));
    this.#queue.flush();
  }

  /** Takes no more from the client until the guest has room. */
  #offer(socket: Socket, bytes: Uint8Array): void {
    const rest = bytes.subarray(this.#receive(bytes));
    if (rest.length === 0) return void socket.resume();
    socket.pause();
    setTimeout(() => { if (!socket.destroyed) this.#offer(socket, rest); }, INPUT_RETRY_MILLISECONDS).unref();
  }

  #tryWrite(bytes: Uint8Array): number {
    const client = this.#client;
    if (client === undefined || client.destroyed || client.writableLength > SOCKET_LIMIT) return 0;
    client.write(Uint8Array.from(bytes));
    return bytes.length;
  }
}

function explain(description: string, error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'EADDRINUSE': return `The serial line ${description} cannot be opened: the address is in use; choose another.`;
    case 'EACCES': return `The serial line ${description} cannot be opened: permission denied.`;
    case 'EADDRNOTAVAIL': case 'ENOTFOUND': return `The serial line ${description} cannot be opened: this machine has no such address.`;
    default: return `The serial line ${description} cannot be opened: ${error.message}.`;
  }
}
