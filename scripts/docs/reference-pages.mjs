// Reference pages from the tables that the program itself goes by.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../root.mjs';
import { manualPage } from './manual-page.mjs';

const MADE = '<!-- Made by npm run docs; edit the tables in src/ instead. -->\n';
const compiled = (path) => import(join(root, 'dist/src', path));

/** `[path, text]` of each. */
export async function* referencePages() {
  const { COMMAND_TEXTS, OPTION_TEXTS, optionUsage } = await compiled('cli/option-texts.js');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  yield ['man/kvm-gdbserver.1', manualPage({ COMMAND_TEXTS, OPTION_TEXTS, optionUsage, version })];
  yield ['docs/reference/cli.md', commandLine({ COMMAND_TEXTS, OPTION_TEXTS, optionUsage })];
  const { MONITOR_COMMANDS } = await compiled('debugger/monitor/monitor.js');
  yield ['docs/reference/monitor.md', monitor(MONITOR_COMMANDS)];
  const { buildTargetDescription } = await compiled('x86/target-description.js');
  yield ['docs/reference/registers.md', registers(buildTargetDescription({ avx: true, avx512: true, pkru: true }))];
}

function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
  return line(head) + `|${'---|'.repeat(head.length)}\n` + rows.map(line).join('');
}

function commandLine({ COMMAND_TEXTS, OPTION_TEXTS, optionUsage }) {
  return `# The command line
${MADE}
\`kvm-gdbserver [options] GUEST\` boots GUEST and holds it at its first instruction. Messages go to stderr; stdout is the guest's serial
port. The exit status is the guest's, 0 when gdb ended it, 128 and the signal's number after a signal, 1 when it could not begin,
2 for a wrong command line. SIGINT, SIGTERM and SIGHUP end it within a second, whatever the guest does; SIGUSR2 has it say what every processor
does. \`--gdb\` starts the program that \`GDB\` in the environment names, else gdb. \`--help\` is the same on one screen, \`man kvm-gdbserver\` the same in a terminal.

${table(['command', 'what it does'], COMMAND_TEXTS.map(({ command, text }) => [`\`${command}\``, text]))}
${table(['option', 'what it does', 'values', 'default'], Object.entries(OPTION_TEXTS).map(([name, option]) =>
    [`\`${optionUsage(name, option)}\``, option.text, option.values?.map((value) => `\`${value}\``).join(' ') ?? '', option.default ?? '']))}`;
}

function monitor(commands) {
  return `# monitor
${MADE}
Typed in gdb as \`monitor COMMAND\`, in a program as \`machine.monitor('COMMAND')\`. \`info registers\`, \`info mem\`, \`xp\`, \`gva2gpa\` and
\`gpa2hva\` answer in QEMU's text form, which plugins of gdb read.

${table(['command', 'what it does'], commands.map(({ name, parameters, help }) => [`\`${name}${parameters === undefined ? '' : ` ${parameters}`}\``, help]))}`;
}

function registers({ registers: all, xml }) {
  const types = new Map([...xml.matchAll(/<reg name="(\w+)"[^>]*? type="(\w+)"/g)].map(([, name, type]) => [name, type]));
  const features = [...xml.matchAll(/<feature name="([^"]+)">([^]*?)<\/feature>/g)]
    .map(([, name, body]) => [name, [...body.matchAll(/<reg name="(\w+)"/g)].map(([, register]) => register)]);
  const sizes = new Map(all.map(({ name, size }) => [name, size]));
  const rows = features.flatMap(([feature, names]) => {
    const groups = groupBy(names, (name) => `${sizes.get(name)} ${types.get(name)}`);
    return [...groups.values()].map((group) =>
      [`\`${feature}\``, group.map((name) => `\`${name}\``).join(' '), String(sizes.get(group[0])), `\`${types.get(group[0])}\``]);
  });
  return `# Registers
${MADE}
What \`info all-registers\` has on a host with AVX-512, in the order of the \`g\` packet. The layout is the same in every CPU mode: \`eax\` to
\`edi\`, \`eip\` and \`esp\` are the low halves of the 64-bit registers, and \`rip\` is linear (CS.base + IP). \`mode\` and what hardware does not
let one write are read only; gdb is told why. \`--description\` chooses one architecture instead.

${table(['feature', 'registers', 'bytes', 'type'], rows)}`;
}

/** Map.groupBy came with Node 21. */
function groupBy(items, keyOf) {
  const groups = new Map();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}
