import test from 'tape';
import { readRunOptions, RUN_OPTIONS } from '../../../src/cli/run-options.js';
import { USAGE } from '../../../src/cli/usage.js';
import { refusedInOneSentence } from './usage-errors.js';

test('run options: defaults', (t) => {
  t.deepEqual(readRunOptions({ guest: 'a.img' }), {
    guest: 'a.img', builtinBios: false, drives: [], listen: { kind: 'tcp', host: '127.0.0.1', port: 1234 }, gdb: false, gdbArguments: [], cpus: 1, clock: 'pause',
    modules: [], serial: 'stdio', display: 'none', hold: true, once: false, onDisconnect: 'stop', onKill: 'exit', description: 'superset', log: new Set(), logFormat: 'text',
  });
  t.end();
});

test('run options: everything given', (t) => {
  t.deepEqual(readRunOptions({
    guest: 'k.elf', listen: 'unix:/tmp/s', memory: '64M', cpus: '2', cpu: 'base,+avx,-nx', irqchip: 'kernel', clock: 'run', boot: 'flat', load: '0x8000', entry: '32769',
    mode: 'long', append: 'a b', symbols: 'k.debug', module: ['m one', 'n'], serial: 'none', display: 'none', run: true, 'on-disconnect': 'kill', 'on-kill': 'reset',
    description: 'i8086', log: 'rsp,bp', 'trace-exits': 'trace.json', 'ready-file': '/tmp/r', 'log-format': 'json',
  }), {
    guest: 'k.elf', builtinBios: false, drives: [], listen: { kind: 'unix', path: '/tmp/s' }, gdb: false, gdbArguments: [], memory: 64 * 1024 ** 2, cpus: 2,
    cpu: { model: 'base', add: ['avx'], remove: ['nx'] },
    irqchip: 'kernel', clock: 'run', boot: 'flat', load: 0x8000, entry: 0x8001n, mode: 'long', commandLine: 'a b', symbols: 'k.debug', modules: ['m one', 'n'],
    serial: 'none', display: 'none', hold: false, onDisconnect: 'kill', onKill: 'reset', description: 'i8086', log: new Set(['rsp', 'bp']),
    traceExits: 'trace.json', once: false, readyFile: '/tmp/r', logFormat: 'json',
  });
  t.end();
});

test('run options: with packets on stdout the serial line is silent unless asked for', (t) => {
  t.equal(readRunOptions({ guest: 'a', listen: 'stdio' }).serial, 'none');
  t.equal(readRunOptions({ guest: 'a', listen: 'stdio', serial: 'file:/tmp/x' }).serial, 'file:/tmp/x');
  t.throws(() => readRunOptions({ guest: 'a', listen: 'stdio', serial: 'stdio' }), /--serial stdio/, 'both on stdout');
  t.deepEqual([readRunOptions({ guest: 'a', display: 'text' })].map(({ display, serial }) => [display, serial]), [['text', 'none']], 'the screen has stdout');
  t.equal(readRunOptions({ guest: 'a', display: 'text', serial: 'pty' }).serial, 'pty');
  t.throws(() => readRunOptions({ guest: 'a', display: 'text', serial: 'stdio' }), /--display text and --serial stdio would share/);
  t.throws(() => readRunOptions({ guest: 'a', display: 'text', gdb: true }), /--display text and --gdb would share/);
  t.throws(() => readRunOptions({ guest: 'a', display: 'text', listen: 'stdio' }), /--display text and --listen stdio would share/);
  t.throws(() => readRunOptions({ guest: 'a', display: 'window' }), /--display is one of none, text/);
  t.end();
});

test('run options: what is wrong is said in one sentence', (t) => {
  const wrong: readonly [Record<string, unknown>, RegExp][] = [
    [{}, /^Which guest\?/],
    [{ guest: '' }, /^Which guest\?/],
    [{ guest: 'a', memory: 'lots' }, /"lots" is not a memory size/],
    [{ guest: 'a', memory: ['1M', '2M'] }, /--memory is given more than once/],
    [{ guest: 'a', cpus: '1.5' }, /--cpus takes a whole number, not "1\.5"/],
    [{ guest: 'a', cpus: '-1' }, /--cpus takes a whole number/],
    [{ guest: 'a', cpu: '-avx3' }, /--cpu does not know the feature "avx3"/],
    [{ guest: 'a', cpu: 'qemu64' }, /--cpu takes host or base/],
    [{ guest: 'a', listen: 'here' }, /Cannot listen on "here"/],
    [{ guest: 'a', boot: 'floppy' }, /--boot is one of auto, .*, not "floppy"/],
    [{ guest: 'a', mode: 'virtual' }, /--mode is one of real, protected, long/],
    [{ guest: 'a', load: '7c00h' }, /--load takes an address such as 0x7c00, not "7c00h"/],
    [{ guest: 'a', load: '0x10000000000' }, /--load .* is above the 4 GiB/],
    [{ guest: 'a', entry: '0x11112222333344445' }, /--entry takes an address/],
    [{ guest: 'a', entry: '99999999999999999999' }, /--entry takes an address/],
    [{ guest: 'a', entry: '18446744073709551616' }, /--entry takes an address/],
    [{ guest: 'a', log: 'rsp,all' }, /--log takes rsp, exit, bp, firmware .* not "all"/],
    [{ guest: 'a', 'trace-exits': '' }, /--trace-exits takes the file/],
    [{ guest: 'a', clock: 'stop' }, /--clock is one of pause, run, not "stop"/],
    [{ guest: 'a', 'ready-file': '' }, /--ready-file takes the file/],
    [{ guest: 'a', 'log-format': 'xml' }, /--log-format is one of text, json, not "xml"/],
    [{ guest: 'a', once: true, gdb: true }, /leave out --once/],
    [{ guest: 'a', once: true, 'on-disconnect': 'continue' }, /--once ends the guest .* leave out --on-disconnect/],
    [{ guest: 'a', once: true, 'on-kill': 'keep' }, /--once ends the guest .* leave out --on-kill/],
    [{ guest: 'a', description: 'superset' }, /--description is one of auto, x86-64, i386, i8086/],
    [{ guest: 'a', gdb: true, listen: ':1' }, /--gdb has a connection of its own/],
    [{ guest: 'a', '--': ['-ex', 'q'] }, /add --gdb/],
    [{ guest: 'a', 'stop-at': 'main' }, /--stop-at is reset, boot-sector, entry or an address such as 0x7c00, not "main"/],
    [{ guest: 'a', 'stop-at': '0x1ffffffffffffffff' }, /--stop-at is reset, boot-sector, entry or an address/],
    [{ guest: 'a', 'stop-at': 'entry', run: true }, /--run does not hold the guest anywhere/],
    [{ guest: 'a', keys: '' }, /--keys takes what is to be typed/],
    [{ guest: 'a', keys: 'ä' }, /There is no key for "ä" on a US keyboard/],
    [{ firmware: 'seabios', disk: ['a'], keys: 'a' }, /Firmware drops what was typed before it begins; say by --stop-at where/],
  ];
  refusedInOneSentence(t, wrong);
  t.end();
});

test('run options: keys are typed at --stop-at, with --run too', (t) => {
  const { keys, hold, stopAt } = readRunOptions({ firmware: 'seabios', disk: ['a'], 'stop-at': 'boot-sector', run: true, keys: 'help\\n<f1>' });
  t.deepEqual([keys, hold, stopAt], ['help\n<f1>', false, 'boot-sector']);
  t.equal(readRunOptions({ guest: 'a', boot: 'flat', keys: 'ctrl-alt-del' }).keys, '<ctrl-alt-del>');
  t.end();
});

test('help: fits a screen of 100 columns and 30 lines and names every option', (t) => {
  const lines = USAGE.trimEnd().split('\n');
  t.ok(lines.length <= 29, `${lines.length} lines and a prompt`);
  t.deepEqual(lines.filter((line) => line.length > 100), []);
  t.deepEqual([...Object.keys(RUN_OPTIONS), 'json', 'help', 'version', 'initrd'].filter((name) => !USAGE.includes(`--${name}`)), []);
  t.end();
});
