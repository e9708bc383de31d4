/** `kvm-gdbserver GUEST`: a machine, a target, a server and a serial line, until the guest, gdb or the user ends it. */
import type { ServedExit } from '../debugger/debug-log.js';
import { ExitTrace } from '../debugger/exit-trace.js';
import { MachineTarget } from '../debugger/machine-target.js';
import { probeThisHost } from '../debugger/probe-machine.js';
import { Server, type ServerEnd } from '../rsp/server.js';
import type { Listener } from '../rsp/transports/connection.js';
import { listen, type ListenAddress } from '../rsp/transports/listen-address.js';
import { explainStartError } from '../vmm/host/host-check.js';
import { readHostFacts } from '../vmm/host/host-facts.js';
import { emulatedIsaWarning } from '../vmm/host/isa-probe.js';
import { native } from '../vmm/native.js';
import { openSerial } from '../vmm/serial/open-serial.js';
import { cpuStates } from './cpu-states.js';
import { createMachine, type CreatedMachine } from './create-machine.js';
import { gdbLine } from './gdb-line.js';
import { PrivateSocket, startGdb } from './gdb-session.js';
import { gdbHelperPath, version } from './installation.js';
import { removeStaleReadyFile, writeReadyFile, type ReadyFile } from './ready-file.js';
import { makeReporter, type Reporter } from './reporter.js';
import type { RunOptions } from './run-options.js';
import { watchSignals, type SignalWatch } from './signals.js';
import { runTo, stopAddress } from './stop-at.js';
import { TerminalDisplay } from './terminal-display.js';

/** Who sits before the server: the screen in this terminal, if that is wanted, signals, and when its user has had enough. */
interface Console {
  readonly display: TerminalDisplay | undefined;
  readonly signals: SignalWatch;
  /** Resolves with the status to end with. */
  readonly leaving: Promise<number>;
}

/** Serves the guest. Resolves with the exit status of the process; rejects with one sentence when it cannot begin. */
export async function runGuest(options: RunOptions): Promise<number> {
  const leaving = withResolvers<number>();
  const display = options.display === 'text' ? TerminalDisplay.open(() => leaving.resolve(0)) : undefined;
  const reporter = makeReporter(options.logFormat, display === undefined ? undefined : (text) => display.say(text));
  const { say } = reporter;
  const signals = watchSignals(leaving.resolve, say);
  try {
    const status = await start(options, reporter, { display, signals, leaving: leaving.promise });
    reporter.event('ended', { status });
    return status;
  } finally {
    signals.dispose();
  }
}

/** Opens what the machine is made of, in order, and closes it again. */
async function start(options: RunOptions, reporter: Reporter, user: Console): Promise<number> {
  const { say } = reporter;
  if (options.readyFile !== undefined) removeStaleReadyFile(options.readyFile);
  const serial = await openSerial(options.serial, { log: say, openPty: () => native().openPty() });
  if (options.serial === 'pty') say(`serial line: ${serial.description}`);
  try {
    const created = orExplain(() => createMachine(options, serial, say));
    const { machine, title, close } = created;
    try {
      const warning = machine.guest === undefined ? undefined : emulatedIsaWarning(machine.guest, title);
      if (warning !== undefined) say(warning);
      const trace = options.traceExits === undefined ? undefined : ExitTrace.open(options.traceExits, machine.vcpus.length, say);
      try {
        return await serve(options, created, reporter, trace, user);
      } finally {
        trace?.close();
      }
    } finally {
      close();
    }
  } finally {
    serial.close();
  }
}

/** What `doctor` would say, where it is the host's KVM that fails. */
function orExplain<T>(begin: () => T): T {
  try {
    return begin();
  } catch (error) {
    const cause = explainStartError(error, readHostFacts);
    throw cause === undefined ? error : new Error(cause, { cause: error });
  }
}

async function serve(options: RunOptions, created: CreatedMachine, reporter: Reporter, trace: ExitTrace | undefined, { display, signals, leaving }: Console): Promise<number> {
  const { say } = reporter;
  const { machine, executable } = created;
  const ending = withResolvers<number>();
  void leaving.then(ending.resolve);
  // A gdb in this terminal outlives the guest: it goes when its user says so.
  let guestStatus = 0;
  const guestEnded = (status: number): void => {
    guestStatus = status;
    if (!options.gdb) ending.resolve(status);
  };
  const target = new MachineTarget(machine, {
    description: options.description,
    capabilities: probeThisHost,
    version: version(),
    ...(executable !== undefined && { executable }),
    ...(options.mechanisms !== undefined && { mechanisms: options.mechanisms }),
    log: {
      ...(options.log.has('exit') && { exit: (line: string) => reporter.log('exit', line) }),
      ...(options.log.has('bp') && { breakpoint: (line: string) => reporter.log('bp', line) }),
      ...(trace !== undefined && { served: (exit: ServedExit) => trace.add(exit) }),
    },
    onQuit: () => setImmediate(() => {
      server.close();
      guestEnded(0);
    }),
  });
  let clients = 0;
  target.onStop(({ text }) => {
    if (clients === 0 && text !== undefined) say(text);
  });
  const server = new Server({
    target,
    onDisconnect: options.onDisconnect,
    onKill: options.onKill,
    yieldCpu: () => native().yieldCpu(),
    ...(options.log.has('rsp') && { log: (line: string) => reporter.log('rsp', line) }),
    events: {
      connected: (peer) => {
        clients++;
        reporter.event('connected', { peer });
      },
      disconnected: (peer) => {
        clients--;
        reporter.event('disconnected', { peer });
        // Later than the end of the guest, which may be why the client went.
        if (options.once) setImmediate(() => guestEnded(0));
      },
      unshown: (text) => say(text.trimEnd()),
      refused: (peer) => say(`A second client (${peer}) was refused; one gdb at a time.`),
      ended: (end) => guestEnded(exitStatus(end)),
    },
  });
  const stop = options.stopAt === undefined ? undefined : stopAddress(options.stopAt, { ...created, guest: machine.guest });
  signals.describe = () => cpuStates(target);
  if (stop !== undefined && !await runTo(target, stop, { say, leaving })) return leaving;
  if (options.keys !== undefined) machine.keys(options.keys);
  const socket = options.gdb ? new PrivateSocket() : undefined;
  const address: ListenAddress = socket === undefined ? options.listen : { kind: 'unix', path: socket.path };
  let listener: Listener | undefined;
  let ready: ReadyFile | undefined;
  try {
    listener = await listen(address, (connection) => server.accept(connection));
    if (listener.isPublic) say(`Warning: other machines can reach ${listener.address}, and whoever connects owns the guest.`);
    if (socket === undefined && address.kind !== 'stdio') announce(options, listener.address, created, reporter);
    if (options.readyFile !== undefined) ready = writeReadyFile(options.readyFile, listener.address);
    display?.start(machine);
    if (!options.hold) target.resume(target.threads().map(({ id }) => ({ kind: 'continue', thread: id })));
    if (socket !== undefined) {
      signals.gdbHasTerminal = true;
      const gdb = startGdb({ address: socket.path, helper: gdbHelperPath(), extra: options.gdbArguments, ...(executable !== undefined && { executable }) });
      void gdb.ended.then((status) => ending.resolve(status === 0 ? guestStatus : status), ending.reject);
      try {
        return await ending.promise;
      } finally {
        await gdb.end();
      }
    }
    return await ending.promise;
  } finally {
    display?.stop();
    ready?.remove();
    server.close();
    await listener?.close();
    socket?.remove();
  }
}

/** How the guest was started, what was left out, where it listens, and what to type. */
function announce(options: RunOptions, address: string, created: CreatedMachine, reporter: Reporter): void {
  const { machine: { guest, firmware }, title, executable } = created;
  const notes = guest?.notes ?? firmware?.notes;
  if (options.choice !== undefined) reporter.say(options.choice);
  if (notes !== undefined) reporter.say(`${title}: ${notes.join('; ')}.`);
  reporter.event('listening', { address }, `Listening on ${address}`);
  const state = !options.hold ? 'is running' : options.stopAt === undefined ? 'is held at its first instruction' : 'is held';
  const line = gdbLine({ address, helper: gdbHelperPath(), ...(executable !== undefined && { executable }) });
  reporter.event('ready', { guest: title, state: options.hold ? 'held' : 'running', gdb: line },
    `${title} ${state}. Type in another terminal:`, `  ${line}`);
}

/** As QEMU ends: with the status the guest chose, or 0 when gdb killed it. */
function exitStatus(end: ServerEnd): number {
  return end.reason === 'exited' ? end.status : 0;
}

interface Resolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

function withResolvers<T>(): Resolvers<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((res, rej) => {
    resolve = res;
    reject = rej;
  });
  return { promise, resolve, reject };
}
