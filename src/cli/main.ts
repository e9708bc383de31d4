/** The command line: exit status 2 for a wrong one, 1 when what it asks for cannot be done. */
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { version } from './installation.js';
import { formatOf, makeReporter, type Reporter } from './reporter.js';
import { readRunOptions, RUN_OPTIONS, type ParsedArguments } from './run-options.js';
import { unknownArgument } from './unknown-argument.js';
import { UsageError } from './usage-error.js';
import { USAGE } from './usage.js';

/** Commands are loaded when they are called: a server's start is not to wait for `doctor`. */
async function main(words: readonly string[]): Promise<number> {
  let status = 0;
  await yargs([...words])
    .scriptName('kvm-gdbserver')
    .parserConfiguration({
      'boolean-negation': false, 'camel-case-expansion': false, 'dot-notation': false, 'greedy-arrays': false,
      'parse-numbers': false, 'parse-positional-numbers': false, 'populate--': true,
    })
    .help(false)
    .version(false)
    .option('help', { type: 'boolean', alias: 'h' })
    .option('version', { type: 'boolean', alias: 'V' })
    .command(['run [guest]', '$0 [guest]'], 'serve a guest', (command) =>
      command.positional('guest', { type: 'string' }).options(RUN_OPTIONS), async (argv: ParsedArguments) => {
      if (answeredByItself(argv)) return;
      const options = readRunOptions(argv);
      const { runGuest } = await import('./run-command.js');
      status = await runGuest(options);
    })
    .command('doctor', 'say whether KVM works', { json: { type: 'boolean' } }, async (argv) => {
      if (answeredByItself(argv)) return;
      const { runDoctor } = await import('./doctor-command.js');
      status = runDoctor(argv.json === true);
    })
    .command('gdb-script', 'print the path of the gdb helper', {}, async (argv) => {
      if (answeredByItself(argv)) return;
      const { printGdbScriptPath } = await import('./gdb-script-command.js');
      printGdbScriptPath();
    })
    .command('completion', 'print a script for bash or zsh', {}, async (argv) => {
      if (answeredByItself(argv)) return;
      const { completionScript } = await import('./completion-script.js');
      process.stdout.write(completionScript());
    })
    .strict()
    .exitProcess(false)
    .fail((message: string | undefined, error: Error | undefined) => {
      // yargs reports what it cannot parse as a message or as an error of its own, ours pass through.
      if (error !== undefined && error.name !== 'YError') throw error;
      const unknown = /^Unknown arguments?: ([^,]+)/.exec(message ?? '')?.[1];
      if (unknown !== undefined) throw new UsageError(unknownArgument(unknown, words, [...Object.keys(RUN_OPTIONS), 'initrd', 'help', 'version']));
      throw new UsageError(`${(message ?? error?.message ?? 'The command line is wrong').replace(/\s*\n\s*/g, ' ')}.`);
    })
    .parseAsync();
  return status;
}

/** --help and --version, which every command has. */
function answeredByItself(argv: ParsedArguments): boolean {
  if (argv['help'] === true) process.stdout.write(USAGE);
  else if (argv['version'] === true) process.stdout.write(`kvm-gdbserver ${version()}\n`);
  else return false;
  return true;
}

/** Errors that are sentences for the user; anything else is a fault of ours and shows where it came from. */
function report(error: unknown, reporter: Reporter): number {
  const isOurFault = error instanceof TypeError || error instanceof ReferenceError || !(error instanceof Error);
  const text = !(error instanceof Error) ? String(error) : isOurFault ? (error.stack ?? error.message) : error.message;
  const isUsage = error instanceof UsageError;
  reporter.error(text, ...(isUsage ? ['Try kvm-gdbserver --help.'] : []));
  return isUsage ? 2 : 1;
}

// Whoever reads may go before us: a script that waited for one line, `head`. The guest and its debugger do not end for that.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
const words = hideBin(process.argv);
// process.exit, because an open stdin or a client that lingers must not keep a server alive that has ended.
main(words).catch((error: unknown) => report(error, makeReporter(formatOf(words)))).then((status) => process.exit(status), () => process.exit(1));
