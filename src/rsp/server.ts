/**
 * One target, one client at a time, for as long as the guest lives. Decides what becomes of the guest when a client
 * comes, leaves, detaches or kills; a new client always finds it stopped and without breakpoints.
 */
import type { DebugTarget, Disposable } from '../target.js';
import type { PacketLog } from './packet-log.js';
import { refuseClient } from './refuse-client.js';
import { Session } from './session.js';
import { StayAwake } from './stay-awake.js';
import { hasEnded, letRun, whenAtRest } from './stop-guest.js';
import type { Connection } from './transports/connection.js';

/** A connection that breaks or closes without a detach: hold the guest, let it run, or end it. */
export type DisconnectPolicy = 'stop' | 'continue' | 'kill';
/** gdb's `kill`, lldb's quit: end guest and server, hold the guest for the next client, or hold it reset. */
export type KillPolicy = 'exit' | 'keep' | 'reset';

export type ServerEnd =
  | { readonly reason: 'exited'; /** 0..255 */ readonly status: number }
  | { readonly reason: 'killed' };

export interface ServerOptions {
  readonly target: DebugTarget;
  /** Default `stop`. */
  readonly onDisconnect?: DisconnectPolicy;
  /** Default `exit`. */
  readonly onKill?: KillPolicy;
  /** Absent: packets are not logged, at no cost. */
  readonly log?: PacketLog;
  readonly events?: ServerEvents;
  /** Lets the threads run that wait for this CPU (sched_yield(2)), which node cannot do by itself. */
  readonly yieldCpu?: () => void;
}

export interface ServerEvents {
  connected?(peer: string): void;
  disconnected?(peer: string): void;
  /** A second client came while one was there. */
  refused?(peer: string): void;
  /** Text of the guest's stops that the client cannot show (non-stop), for the server's own console. */
  unshown?(text: string): void;
  /** The guest has ended and the client, if any, has been told. Called once; the server takes no more clients. */
  ended?(end: ServerEnd): void;
}

interface CurrentClient {
  readonly connection: Connection;
  session?: Session;
  /** The client said what is to become of the guest, so the disconnect policy does not apply. */
  hasSettled: boolean;
}

/** How long the end of an old connection may take to arrive after the beginning of the next. */
const RECONNECT_MILLISECONDS = 50;

/** Takes one client at a time and says when the guest is over. Throws nothing: what goes wrong ends a connection. */
export class Server {
  private readonly target: DebugTarget;
  private readonly subscription: Disposable;
  private readonly stayAwake: StayAwake;
  private current: CurrentClient | undefined;
  private closed = false;

  constructor(private readonly options: ServerOptions) {
    this.target = options.target;
    this.stayAwake = new StayAwake(options.yieldCpu ?? ((): void => undefined));
    this.subscription = this.target.onStop(() => {
      // The session, which listens too, writes the stop reply first.
      if (hasEnded(this.target)) queueMicrotask(() => this.noticeEnd());
    });
  }

  /**
   * Takes a client that a listener accepted, or refuses it in words. One that comes while another is there is kept
   * waiting for a moment first: a gdb that reconnects is often here before the end of its old connection.
   */
  accept(connection: Connection): void {
    if (this.closed || this.current === undefined) {
      this.takeOrRefuse(connection);
      return;
    }
    // The immediate lets the event loop look at the sockets once more, however long it was held up.
    setTimeout(() => setImmediate(() => this.takeOrRefuse(connection)), RECONNECT_MILLISECONDS);
  }

  private takeOrRefuse(connection: Connection): void {
    const { events } = this.options;
    if (this.closed || this.current !== undefined) {
      events?.refused?.(connection.peer);
      refuseClient(connection);
      return;
    }
    const client: CurrentClient = { connection, hasSettled: false };
    this.current = client;
    events?.connected?.(connection.peer);
    whenAtRest(this.target, () => this.startSession(client));
  }

  /** Disconnects the client and takes no more; the guest is left as it is, in all-stop if it stands. Idempotent. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    if (!this.target.running && this.target.nonStop !== undefined) this.target.nonStop.enabled = false;
    this.subscription.dispose();
    const client = this.current;
    this.current = undefined;
    client?.session?.close();
    client?.connection.end();
  }

  private startSession(client: CurrentClient): void {
    if (this.closed) return;
    const { connection } = client;
    const hooks = {
      onKill: () => this.kill(client), onDetach: () => this.detach(client), onUnshown: (text: string) => this.options.events?.unshown?.(text),
    };
    const session = new Session(this.target, (bytes) => connection.write(bytes), hooks, this.options.log);
    client.session = session;
    connection.start(
      (chunk) => {
        session.receive(chunk);
        this.stayAwake.begin();
      },
      () => this.dismiss(client),
    );
  }

  private detach(client: CurrentClient): void {
    client.hasSettled = true;
    whenAtRest(this.target, () => letRun(this.target));
    this.dismiss(client);
  }

  private kill(client: CurrentClient): void {
    client.hasSettled = true;
    const policy = this.options.onKill ?? 'exit';
    if (policy === 'exit') {
      this.endGuest();
      return;
    }
    whenAtRest(this.target, () => {
      if (policy === 'reset') this.target.reset();
      this.dismiss(client);
    });
  }

  /** The client is gone, or is sent away: applies the disconnect policy unless the client settled the matter. */
  private dismiss(client: CurrentClient): void {
    if (this.current !== client) return;
    this.current = undefined;
    const killedIt = client.session?.state.wasKilled === true;
    client.session?.close();
    client.connection.end();
    this.options.events?.disconnected?.(client.connection.peer);
    if (hasEnded(this.target)) this.noticeEnd();
    else if (killedIt && (this.options.onKill ?? 'exit') === 'exit') this.endGuest();
    else if (!client.hasSettled) this.applyDisconnectPolicy();
  }

  private applyDisconnectPolicy(): void {
    const policy = this.options.onDisconnect ?? 'stop';
    if (policy === 'kill') this.endGuest();
    else if (policy === 'continue') whenAtRest(this.target, () => letRun(this.target));
    else whenAtRest(this.target);
  }

  private endGuest(): void {
    this.target.kill();
    this.finish({ reason: 'killed' });
  }

  /** The machine has ended. A guest that exited leaves an extended client the server: it may run the guest again. */
  private noticeEnd(): void {
    if (!hasEnded(this.target)) return;
    const { reason } = this.target.lastStop;
    const state = this.current?.session?.state;
    if (reason.kind === 'exited' && state?.extended === true) return;
    const finish = (): void => {
      // Unless it was reset meanwhile.
      if (hasEnded(this.target)) this.finish(reason.kind === 'exited' ? { reason: 'exited', status: reason.status } : { reason: 'killed' });
    };
    if (state?.nonStop === true) state.notifications.whenTold(() => queueMicrotask(finish));
    else finish();
  }

  private finish(end: ServerEnd): void {
    if (this.closed) return;
    this.close();
    this.options.events?.ended?.(end);
  }
}
