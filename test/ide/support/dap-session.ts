/**
 * A debug adapter driven as an editor drives it (Debug Adapter Protocol), without the editor. Every event is kept until a
 * test takes it, so that none is missed between two requests, and every wait has an end: the error then has all events.
 */
import type { Readable, Writable } from 'node:stream';
import { DebugClient } from '@vscode/debugadapter-testsupport';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { patience } from '../../time-scale.js';

const EVENT_MILLISECONDS = patience(20_000);
const KEPT = ['initialized', 'stopped', 'terminated', 'exited', 'output', 'breakpoint'] as const;

type Kept = (typeof KEPT)[number];
type Stopped = DebugProtocol.StoppedEvent['body'];

/** What is started: `runtime` with one argument, as DebugClient does it. */
export interface AdapterCommand {
  readonly runtime: string;
  readonly argument: string;
  /** `adapterID` of the initialize request. */
  readonly type: string;
  /** Where it runs: the example guests name their sources from examples/guests. */
  readonly cwd?: string;
}

/** Where a stopped thread is, as the editor shows it. */
export interface Place {
  readonly name: string;
  /** The file's last part; undefined where there is no source. */
  readonly file: string | undefined;
  readonly line: number;
  readonly frameId: number;
  /** Of the program counter. */
  readonly address: bigint;
}

/** A client whose adapter may be gone: what is written to it then is lost, and the request has its time limit. */
class AdapterClient extends DebugClient {
  protected override connect(readable: Readable, writable: Writable): void {
    // Node would end the whole test file with an EPIPE that nobody listens to.
    writable.on('error', () => undefined);
    super.connect(readable, writable);
  }
}

export class DapSession {
  private readonly events: { readonly kind: Kept; readonly body: unknown }[] = [];
  private thread = 1;
  private closed: Promise<void> | undefined;

  private constructor(readonly client: DebugClient) {
    client.defaultTimeout = EVENT_MILLISECONDS;
    for (const kind of KEPT) {
      client.on(kind, (event: DebugProtocol.Event) => {
        if (kind === 'stopped') this.thread = (event.body as Stopped).threadId ?? this.thread;
        this.events.push({ kind, body: event.body });
      });
    }
  }

  /** Starts the adapter and says hello; its capabilities come with it. */
  static async start(command: AdapterCommand): Promise<{ session: DapSession; capabilities: DebugProtocol.Capabilities }> {
    const client = new AdapterClient(command.runtime, command.argument, command.type, { cwd: command.cwd });
    await client.start();
    const session = new DapSession(client);
    const { body } = await client.initializeRequest();
    return { session, capabilities: body ?? {} };
  }

  /** Of the last stop. */
  get stoppedThread(): number {
    return this.thread;
  }

  /** What the adapter, gdb and the server have printed so far. */
  get output(): string {
    return this.events.filter(({ kind }) => kind === 'output')
      .map(({ body }) => (body as DebugProtocol.OutputEvent['body']).output).join('');
  }

  /** The oldest event of a kind that was not taken yet; waits for one that has not come. */
  async take(kind: Exclude<Kept, 'output'>, milliseconds = EVENT_MILLISECONDS): Promise<unknown> {
    const deadline = Date.now() + milliseconds;
    for (;;) {
      const index = this.events.findIndex((event) => event.kind === kind);
      if (index >= 0) return this.events.splice(index, 1)[0]?.body;
      if (Date.now() > deadline) throw new Error(`No ${kind} event within ${milliseconds} ms; there were: ${JSON.stringify(this.events)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Waits until what was printed matches. */
  async printed(pattern: RegExp): Promise<void> {
    const deadline = Date.now() + EVENT_MILLISECONDS;
    while (!pattern.test(this.output)) {
      if (Date.now() > deadline) throw new Error(`${pattern} was not printed within ${EVENT_MILLISECONDS} ms: ${this.output}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** True if an event of the kind has come that was not taken. */
  has(kind: Kept): boolean {
    return this.events.some((event) => event.kind === kind);
  }

  /** The next stop and where it is. */
  async stop(): Promise<{ reason: string; thread: number; place: Place }> {
    const body = await this.take('stopped') as Stopped;
    const thread = body.threadId ?? this.thread;
    return { reason: body.reason, thread, place: await this.place(thread) };
  }

  async frames(threadId = this.thread): Promise<DebugProtocol.StackFrame[]> {
    return (await this.client.stackTraceRequest({ threadId })).body.stackFrames;
  }

  async place(threadId = this.thread): Promise<Place> {
    const [frame] = (await this.client.stackTraceRequest({ threadId, startFrame: 0, levels: 1 })).body.stackFrames;
    if (frame === undefined) throw new Error(`Thread ${threadId} has no frame.`);
    return {
      name: frame.name, file: frame.source?.path?.split('/').pop(), line: frame.line, frameId: frame.id,
      address: BigInt(frame.instructionPointerReference ?? 0),
    };
  }

  async continue(): Promise<void> {
    await this.client.continueRequest({ threadId: this.thread });
  }

  async next(granularity: DebugProtocol.SteppingGranularity = 'line'): Promise<Place> {
    await this.client.nextRequest({ threadId: this.thread, granularity });
    return (await this.stop()).place;
  }

  async stepIn(granularity: DebugProtocol.SteppingGranularity = 'line'): Promise<Place> {
    await this.client.stepInRequest({ threadId: this.thread, granularity });
    return (await this.stop()).place;
  }

  async stepOut(): Promise<Place> {
    await this.client.stepOutRequest({ threadId: this.thread });
    return (await this.stop()).place;
  }

  /** The scope whose name matches (`Local`, `Registers`), as its variables by name. */
  async scope(frameId: number, name: RegExp): Promise<{ reference: number; variables: Map<string, DebugProtocol.Variable> }> {
    const { body: { scopes } } = await this.client.scopesRequest({ frameId });
    const scope = scopes.find((candidate) => name.test(candidate.name));
    if (scope === undefined) throw new Error(`No scope ${name} among ${scopes.map((candidate) => candidate.name).join(', ')}.`);
    return { reference: scope.variablesReference, variables: await this.variables(scope.variablesReference) };
  }

  async variables(variablesReference: number): Promise<Map<string, DebugProtocol.Variable>> {
    const { body: { variables } } = await this.client.variablesRequest({ variablesReference });
    return new Map(variables.map((variable) => [variable.name, variable]));
  }

  async evaluate(expression: string, frameId: number, context = 'watch'): Promise<string> {
    return (await this.client.evaluateRequest({ expression, frameId, context })).body.result;
  }

  async readMemory(memoryReference: string, count: number): Promise<Buffer> {
    const { body } = await this.client.customRequest('readMemory', { memoryReference, count }) as { body?: DebugProtocol.ReadMemoryResponse['body'] };
    return Buffer.from(body?.data ?? '', 'base64');
  }

  async disassemble(memoryReference: string, instructionCount: number): Promise<DebugProtocol.DisassembledInstruction[]> {
    return (await this.client.disassembleRequest({ memoryReference, instructionCount })).body?.instructions ?? [];
  }

  /** Sets the breakpoints of one file; all others of this file go. */
  async breakpoints(path: string, breakpoints: readonly DebugProtocol.SourceBreakpoint[]): Promise<DebugProtocol.Breakpoint[]> {
    const answer = await this.client.setBreakpointsRequest({ source: { path }, breakpoints: [...breakpoints] });
    return answer.body.breakpoints;
  }

  /** Ends the adapter, whatever it is doing. Safe to call twice. */
  close(): Promise<void> {
    return (this.closed ??= this.endAdapter());
  }

  private async endAdapter(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => { timer = setTimeout(resolve, 3000); });
    await Promise.race([this.client.stop(), timeout]);
    clearTimeout(timer);
  }
}
