/**
 * What the server says, all of it on stderr, for stdout is the guest's or the packets': sentences for a person, or with
 * `--log-format json` one JSON object a line for a program. Each object has `time` (ISO 8601, UTC) and `event`; a sentence is its
 * `message`.
 */

export const LOG_FORMATS = ['text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** What a program may wait for. */
export type ReportedEvent = 'listening' | 'ready' | 'connected' | 'disconnected' | 'ended';

export interface Reporter {
  /** For the person at the console; `message` in JSON. */
  readonly say: (sentence: string) => void;
  /** A line of `--log LAYER`. */
  log(layer: string, line: string): void;
  /** Something that happened. As text only its sentences are told. */
  event(name: ReportedEvent, fields: Readonly<Record<string, string | number>>, ...sentences: readonly string[]): void;
  /** Why the program ends; the lines of `more` are for people only. */
  error(message: string, ...more: readonly string[]): void;
}

/** `write` gets whole lines. */
export function makeReporter(format: LogFormat, write = (text: string): void => void process.stderr.write(text)): Reporter {
  if (format === 'text') {
    const say = (sentence: string): void => write(`${sentence}\n`);
    return {
      say,
      log: (layer, line) => say(`${layer} ${line}`),
      event: (_name, _fields, ...sentences) => sentences.forEach(say),
      error: (message, ...more) => [`kvm-gdbserver: ${message}`, ...more].forEach(say),
    };
  }
  const tell = (event: string, fields: object): void => write(`${JSON.stringify({ time: new Date().toISOString(), event, ...fields })}\n`);
  return {
    say: (message) => tell('message', { message }),
    log: (layer, message) => tell('log', { layer, message }),
    event: (name, fields) => tell(name, fields),
    error: (message) => tell('error', { message }),
  };
}

/** The format that a command line asks for, whatever else may be wrong with it. */
export function formatOf(words: readonly string[]): LogFormat {
  return words.some((word, at) => word === '--log-format=json' || (word === '--log-format' && words[at + 1] === 'json')) ? 'json' : 'text';
}
