/** What the server asks of a transport, and what a listener gives it. */

/** One client. Nothing is read before `start`. */
export interface Connection {
  /** For logs: `127.0.0.1:40312`, `unix socket`, `stdio`. */
  readonly peer: string;
  /** Begins to read. `onClose` is called once, whoever closed. A chunk is valid only during the call. */
  start(onData: (chunk: Buffer) => void, onClose: () => void): void;
  /** True when `bytes` are with the operating system and their buffer may be reused at once. */
  write(bytes: Buffer): boolean;
  /** Sends what is still to be sent and closes. Idempotent. */
  end(): void;
}

export interface Listener {
  /** What a user types after `target remote`: `127.0.0.1:1234`, `/tmp/g.sock`, or `stdio`. */
  readonly address: string;
  /** True when other machines may be able to connect: whoever connects owns the guest. */
  readonly isPublic: boolean;
  /** Stops listening; connections that are there stay. Idempotent. */
  close(): Promise<void>;
}
