/** `monitor` through gdb: every command, wrong ones, and the text forms of QEMU's monitor that plugins parse. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import test from 'tape';
import { checkAnswers, withAttachedGdb, withGdb } from './support/gdb-console.js';
import { buildGuests, PACKAGE_FOLDER } from './support/gdb-session.js';
import { withTinyGuest } from './support/tiny-guests.js';

buildGuests();

/** A part of what QEMU printed: `real`, `protected` or `long`. */
function qemuSaid(mode: string): string[] {
  const text = readFileSync(join(PACKAGE_FOLDER, 'test/gdb/support/qemu-monitor.txt'), 'utf8');
  const part = text.split(/^--- /m).find((section) => section.startsWith(`${mode}\n`));
  if (part === undefined) throw new Error(`qemu-monitor.txt has no part ${mode}`);
  return part.split('\n').slice(1).filter((line) => line !== '');
}

/** The form of a line: any hex digit is a digit, any flag letter a flag. */
function form(line: string): string {
  return line
    .replace(/\[[-DOSZAPC]{7}\]/, '[flags]')
    .replace(/\[[-CERWA]{3}\]/, '[rights]')
    .replace(/=([0-9a-f]{4,16})\b/g, (_all, digits: string) => `=${'h'.repeat(digits.length)}`)
    .replace(/\b([0-9a-f]{8}|[0-9a-f]{16})\b/g, (digits) => 'h'.repeat(digits.length))
    .replace(/DPL=\d/, 'DPL=n');
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

test('info registers and info mem have QEMU\'s form in every CPU mode', async (t) => {
  await withAttachedGdb(['build/modes.img'], async (gdb) => {
    for (const [mode, address] of [['real', undefined], ['protected', '0x7c96'], ['long', '0x7cc9']] as const) {
      if (address !== undefined) await gdb.runAll(`tbreak *${address}`, 'continue');
      const qemu = qemuSaid(mode);
      const end = qemu.findIndex((line) => line.startsWith('EFER=')) + 1;
      const ours = lines(await gdb.run('monitor info registers'));
      t.deepEqual(ours.map(form), qemu.slice(0, end).map(form), `${mode}: info registers`);
      t.equal(await gdb.run('monitor info mem'), `${qemu[end]}\n`, `${mode}: info mem, to the letter`);
      if (mode === 'real') continue;
      // What the guest itself has set up is the same under both.
      for (const name of ['GDT', 'CR0', 'EFER', 'CS ', 'ES ', 'SS ', 'DS ', mode === 'long' ? 'RIP' : 'EIP']) {
        const values = (all: readonly string[]): string | undefined =>
          all.find((line) => line.startsWith(`${name}=`))?.replace(/ (EFL|RFL).*$/, '');
        t.equal(values(ours), values(qemu), `${mode}: ${name}`);
      }
    }
  });
});

test('xp, gva2gpa, gpa2hva and info kvm have QEMU\'s form', async (t) => {
  await withAttachedGdb(['build/modes.img'], async (gdb) => {
    const real = qemuSaid('real');
    const same = async (command: string, index: RegExp): Promise<void> => {
      t.equal(await gdb.run(command), `${real.find((line) => index.test(line))}\n`, command);
    };
    await same('monitor xp /8xb 0x7c00', /: 0xfa /);
    await same('monitor xp/2xg 0x7c00', /: 0x[0-9a-f]{16}/);
    await same('monitor xp /2uw 0x7c00', /: 3224501498/);
    await same('monitor xp /4c 0x7c00', /: '/);
    await same('monitor xp /2ob 0x7c00', /: 03/);
    await same('monitor gva2gpa 0x7c00', /^gpa: /);
    const hostAddress = (line: string): string => line.replace(/is 0x[0-9a-f]+$/, 'is HVA');
    t.equal(hostAddress((await gdb.run('monitor gpa2hva 0x7c00')).trimEnd()), hostAddress(real.find((line) => line.startsWith('Host')) as string));
    await same('monitor gpa2hva 0xfffffffff0', /^No memory is mapped/);
    t.match(await gdb.run('monitor info kvm'), /^kvm support: enabled\n$/);
    await gdb.runAll('tbreak *0x7cc9', 'continue');
    t.match(await gdb.run('monitor xp /2xg 0x3000'), /^0000000000003000: 0x00000000000000[8-9a-e]3 0x0000000000000000\n$/);
    t.equal(await gdb.run('monitor gva2gpa 0x40000000'), 'Unmapped\n');
  });
});

test('gpa2hva is where the bytes really are', async (t) => {
  await withAttachedGdb(['build/modes.img'], async (gdb, server) => {
    const address = BigInt(/is (0x[0-9a-f]+)/.exec(await gdb.run('monitor gpa2hva 0x7c00'))?.[1] ?? '0');
    t.ok(address > 0n);
    const memory = readMemoryOf(server.process.pid as number, address, 4);
    t.deepEqual([...memory], [0xfa, 0xfc, 0x31, 0xc0], 'the boot sector\'s first bytes in the server\'s own memory');
  });
});

function readMemoryOf(pid: number, address: bigint, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const descriptor = openSync(`/proc/${pid}/mem`, 'r');
  try {
    readSync(descriptor, bytes, 0, length, address);
  } finally {
    closeSync(descriptor);
  }
  return bytes;
}

test('help lists each command, in gdbserver\'s layout, and each can be asked for', async (t) => {
  await withAttachedGdb(['build/modes.img'], async (gdb) => {
    const help = await gdb.run('monitor help');
    t.match(help, /^The following monitor commands are supported:\n(  \S.*\n    \S.*\n)+$/);
    const commands = [...help.matchAll(/^ {2}(\S[^[/A-Z\n]*)/gm)].map(([, name]) => (name).trim());
    for (const known of ['help', 'info registers', 'info mem', 'info cpus', 'info version', 'info kvm', 'info exits', 'info devices', 'info stop', 'info host', 'xp', 'gva2gpa', 'gpa2hva', 'reset', 'quit']) {
      t.ok(commands.includes(known), known);
      t.match(await gdb.run(`monitor help ${known}`), new RegExp(`^  ${known}`), `help ${known}`);
    }
    for (const command of commands.filter((name) => name.startsWith('info '))) {
      const answer = await gdb.run(`monitor ${command}`);
      t.notOk(answer === '' || /unknown command/.test(answer), `monitor ${command} says something`);
    }
  });
});

test('wrong commands and arguments are answered in words', async (t) => {
  await withAttachedGdb(['build/modes.img'], async (gdb) => {
    await checkAnswers(t, gdb, [
      ['monitor bogus thing', /^unknown command: 'bogus thing'\nThe following monitor commands/],
      ['monitor', /^The following monitor commands/],
      ['monitor info', /^unknown command: 'info'/],
      ['monitor info registers 9', /^There is no CPU 9; there are 1\.$/m],
      ['monitor xp', /must be a number such as 0x7c00/],
      ['monitor xp /99999x 0', /1 to 4096 units/],
      ['monitor xp /4z 0', /format "\/4z" is not known/],
      ['monitor xp /4xb 0xffffffffffffffffff', /does not fit in 64 bits/],
      ['monitor xp /2xb 0x7ffffff', /^0000000007ffffff: 0x00\nCannot access memory at guest-physical 0x8000000\n$/],
      ['monitor gva2gpa zork', /number such as 0x7c00, not "zork"/],
      ['monitor reset now', /Say "monitor reset" or "monitor reset halt"/],
      ['stepi', /0x0*7c01/],
    ]);
  });
});

test('info cpus, exits, devices, version and host tell what is', async (t) => {
  await withTinyGuest('flood', async (args) => {
    await withAttachedGdb(args, async (gdb) => {
      await gdb.runAll('tbreak *0x7c06', 'continue');
      await checkAnswers(t, gdb, [
        ['monitor info cpus', /^\* CPU #0: pc=0x0{12}7c06 real16 CPL=0 thread_id=1\n$/],
        ['monitor info exits', /^\S+ +\d+\n[^]*\nreason +new +per second +mean us +p99 us +max us\n/],
        ['monitor info devices', /port 0x03f8-0x03ff +serial0 \(16550A\)\n[^]*  RAM\n/],
        ['monitor info version', /^kvm-gdbserver \d+\.\d+\.\d+/],
        ['monitor info host', /single step +yes +yes +yes/],
        ['monitor info breakpoints', /^No breakpoints\.$/m],
      ]);
    });
  });
});

test('monitor reset, and monitor quit ends guest and server', async (t) => {
  await withGdb(['build/hello.img'], async (gdb, server) => {
    await gdb.run(`target remote ${server.address}`);
    await gdb.runAll('stepi 5', 'monitor reset');
    t.match(await gdb.run('stepi'), /0x0*7c01/, 'stepping goes on from the start');
    t.match(await gdb.run('monitor quit'), /The machine is gone/);
    t.equal((await server.ended()).status, 0);
  });
});
