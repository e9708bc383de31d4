/** What one client has said so far, and what handlers may ask of the session. */
import { TargetError } from '../target.js';
import type { DebugTarget, ThreadId } from '../target.js';
import { textToHex } from './hex.js';
import type { Reply } from './packet-encoder.js';
import { hasEnded } from './stop-guest.js';
import type { StopNotifications } from './stop-notifications.js';
import { selects } from './thread-ids.js';
import type { ThreadSelector } from './thread-ids.js';

/**
 * Bytes of a packet's payload, and of what one `m`, `x` or `qXfer` answers before hex or escapes. gdb uses it for
 * memory transfers in both directions.
 */
export const PACKET_SIZE = 0x40000;

/** What the client offered in `qSupported` (gdb manual, "General Query Packets"). */
export interface ClientFeatures {
  multiprocess: boolean;
  swbreak: boolean;
  hwbreak: boolean;
  /** `E.text` is understood everywhere. */
  errorMessage: boolean;
}

/** What the client waits for: nothing; the stop after a resume, which console output may precede; or a bare stop reply. */
export type PendingReply = 'none' | 'resume' | 'attach';

export interface SessionHooks {
  /** The client asked for the guest's end (`k`, `vKill`), outside extended mode. Its reply is on the wire. */
  onKill(): void;
  /** The client let go of the guest (`D`). Its reply is on the wire. */
  onDetach(): void;
  /** Text that the client has no way to show now. */
  onUnshown?(text: string): void;
}

/** How long an interrupt that met a standing guest waits for a resume: a stepping loop's next packet is far sooner. */
const EARLY_INTERRUPT_MILLISECONDS = 1000;

/** Characters. */
const MOST_UNSHOWN = 0x4000;

export class SessionState {
  readonly client: ClientFeatures = { multiprocess: false, swbreak: false, hwbreak: false, errorMessage: false };
  noAckMode = false;
  /** `!`: the server outlives the guest, which `vRun` and `R` start again. */
  extended = false;
  /** In extended mode: the client has detached or killed, and there is nothing to debug until vRun or vAttach. */
  vacant = false;
  /** In extended mode: the client killed the guest and has not run it again. */
  wasKilled = false;
  pending: PendingReply = 'none';
  /** A `monitor` command is being carried out; it shows what is said meanwhile. */
  isMonitoring = false;
  /** `Hg`: whose registers and memory are meant. */
  generalThread: ThreadId;
  /** `Hc`: who obeys `c` and `s`. */
  resumeThreads: ThreadSelector = { process: -1, thread: -1 };
  /** Who was resumed last. */
  resumedThread: ThreadId = 0;
  /** vCPUs, in order; they do not change. */
  readonly threadIds: readonly ThreadId[];
  /** What `qSupported` offers; set by the session, which knows all families. */
  offeredFeatures: () => readonly string[] = () => [];
  /** Text that came in non-stop, where a client expects none but in a reply to `monitor`. */
  private unshown = '';
  private interruptedAt: number | undefined;
  private readonly laterActions: (() => void)[] = [];

  constructor(
    readonly target: DebugTarget,
    readonly hooks: SessionHooks,
    /** Puts one packet on the wire; for replies that come later than the handler's return, and `O`. */
    readonly send: (reply: Reply) => void,
    /** What non-stop has to tell. */
    readonly notifications: StopNotifications,
  ) {
    this.threadIds = target.threads().map((thread) => thread.id);
    this.generalThread = target.lastStop.thread;
  }

  /** Threads stop one by one. Set only while all stand. */
  get nonStop(): boolean {
    return this.target.nonStop?.enabled === true;
  }

  set nonStop(on: boolean) {
    if (this.target.nonStop !== undefined) this.target.nonStop.enabled = on;
    this.notifications.clear();
  }

  /** 0x03 and vCtrlC: all-stop stops all; in non-stop one thread does, the one that was resumed last. */
  interrupt(): void {
    const { target, threadIds } = this;
    if (this.vacant) return;
    if (!target.running) {
      if (!this.nonStop) this.keepInterrupt();
      return;
    }
    if (!this.nonStop) return target.interrupt();
    const running = threadIds.filter((thread) => target.nonStop?.isRunning(thread));
    const thread = running.find((id) => id === this.resumedThread) ?? running[0];
    target.nonStop?.stop([thread], 'interrupt');
  }

  /** True while there is no guest to debug: it has ended, or this client detached from it. */
  get isOver(): boolean {
    return this.vacant || hasEnded(this.target);
  }

  /**
   * Keeps an interrupt that came between two resumes of a loop in gdb (`stepi 1000`, `until`, a condition that gdb
   * evaluates): "queued and the program will be interrupted when it is resumed next time" (gdb manual, "Interrupts").
   * One that came after an interrupt was reported is a repeated Ctrl-C and is dropped.
   */
  keepInterrupt(): void {
    if (this.target.lastStop.reason.kind !== 'interrupt') this.interruptedAt = performance.now();
  }

  /** True, once, when an interrupt waits for this resume. */
  takeInterrupt(): boolean {
    const at = this.interruptedAt;
    this.interruptedAt = undefined;
    return at !== undefined && performance.now() - at < EARLY_INTERRUPT_MILLISECONDS;
  }

  /** `any` and `all` mean the thread that was meant before. Throws TargetError for a thread that is not there. */
  threadFor(selector: ThreadSelector): ThreadId {
    if (selector.thread <= 0 && selects(selector, this.generalThread)) return this.generalThread;
    const found = this.threadIds.find((id) => selects(selector, id));
    if (found === undefined) throw new TargetError('There is no such thread.');
    return found;
  }

  /** Shows text on the client's console (`O`), cut to packets the client can take. */
  sendConsole(text: string): void {
    const most = 0x2000;
    for (let at = 0; at < text.length; at += most) this.send(`O${textToHex(text.slice(at, at + most))}`);
  }

  /** Text that no packet can carry now: it waits for the next `monitor`, and is shown on the server's own console. */
  keepText(text: string): void {
    this.hooks.onUnshown?.(text);
    this.unshown = `${this.unshown}${text}`.slice(-MOST_UNSHOWN);
  }

  takeUnshown(): string {
    const text = this.unshown;
    this.unshown = '';
    return text;
  }

  /** Runs `action` once the reply to the packet at hand is on the wire. */
  afterReply(action: () => void): void {
    this.laterActions.push(action);
  }

  runLaterActions(): void {
    for (let action = this.laterActions.shift(); action !== undefined; action = this.laterActions.shift()) action();
  }
}
