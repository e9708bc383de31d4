// The hosts' root disk: this machine's node, gdb, bash and make with what they load, busybox for the rest, and the built
// project at the very path it has here, so that debug information finds its sources.
import { cpSync, existsSync, mkdirSync, readdirSync, realpathSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { root } from '../../scripts/root.mjs';
import { capture, runQuietly } from '../../scripts/run-quietly.mjs';
import { Unavailable } from './debian-packages.mjs';
import { PROGRAMS_FOLDER } from './programs.mjs';

/** Those from `script` on can do more than busybox's, whose sh would take its own before them. */
const PROGRAMS = ['node', 'gdb', 'sh', 'bash', 'make', 'python3', 'script', 'unshare', 'setpriv', 'prlimit'];
/** gdb's data, its terminal's, the C library's iconv tables, without which gdb warns about the character set, and what guests boot. */
const DATA = [
  '/usr/share/gdb', '/usr/lib/terminfo', '/lib/terminfo', '/usr/lib/x86_64-linux-gnu/gconv', '/usr/share/seabios',
  '/usr/lib/syslinux/mbr', '/usr/lib/u-boot/qemu-x86', '/usr/lib/ipxe/ipxe.lkrn', '/usr/share/OVMF/OVMF_CODE_4M.fd',
];
/** What of the project the suites use, and what of its modules they do not. */
const PROJECT = [
  'package.json', 'bin', 'scripts', 'native', 'test', 'examples', 'gdb', 'docs/hosts.md', 'dist', 'build/Release/kvm.node', 'build/test-guests', 'node_modules',
  ...['fail-kvm-call.so', 'unreachable-memory.so', 'refuse', 'refuse.so', 'without-kvm'].map((name) => join('build/native-test', name)),
];
const TOOLS_ONLY = /^(typescript|typescript-eslint|@typescript-eslint|eslint|@eslint|@esbuild|esbuild|@types|node-gyp|undici-types)$/;
const FREE_MIB = 256;
/** Where the disk has the kernel that tests boot as a guest. */
export const GUEST_KERNEL = '/linux';

const START = `mount -t tmpfs t /run; mkdir -p /dev/pts /dev/shm; mount -t devpts p /dev/pts; mount -t tmpfs t /dev/shm
ln -sfn /proc/self/fd /dev/fd; ln -sf fd/0 /dev/stdin; ln -sf fd/1 /dev/stdout; ln -sf fd/2 /dev/stderr
ip link set lo up; hostname host
stty -F /dev/ttyS0 raw -echo 115200
export PATH=/usr/bin:/usr/sbin HOME=/root TERM=dumb LANG=C.UTF-8
. /preparation >/dev/ttyS1 2>&1
cd "$(cat /project-folder)" && node test/hosts/in-host.mjs </dev/null >/dev/ttyS0 2>/dev/ttyS1
sync; usleep 300000; poweroff -f
`;

async function pathOf(program) {
  const result = await capture('sh', ['-c', 'command -v "$1"', 'sh', program]);
  if (result.status !== 0) throw new Unavailable(`${program} is missing here, and the hosts borrow it.`);
  return realpathSync(result.stdout.trim());
}

/** Shared libraries and loader of a program, as ldd names them. */
async function librariesOf(program) {
  const listing = await capture('ldd', [program]);
  return [...listing.stdout.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1]);
}

/** Copies a file or folder to the same path under `tree`; a link's target stands in its place. */
function borrow(tree, path) {
  const place = join(tree, path);
  if (!existsSync(path) || existsSync(place)) return;
  mkdirSync(dirname(place), { recursive: true });
  cpSync(path, place, { recursive: true, dereference: true, preserveTimestamps: true });
}

async function borrowPrograms(tree) {
  for (const name of PROGRAMS) {
    const path = await pathOf(name);
    borrow(tree, path);
    const libraries = await librariesOf(path);
    for (const library of libraries) borrow(tree, library);
    const python = libraries.map((library) => /libpython(3\.\d+)/.exec(library)?.[1]).find((version) => version !== undefined);
    if (python !== undefined) borrow(tree, `/usr/lib/python${python}`);
    const link = join(tree, 'usr/bin', name);
    if (!existsSync(link)) symlinkSync(path, link);
  }
  for (const path of DATA) borrow(tree, path);
}

async function addBusybox(tree, busybox) {
  cpSync(busybox, join(tree, 'usr/bin/busybox'), { dereference: true });
  const names = await runQuietly('busybox does not run here.', busybox, ['--list']);
  for (const name of names.trim().split('\n')) {
    const link = join(tree, 'usr/bin', name);
    if (!existsSync(link)) symlinkSync('busybox', link);
  }
}

function addProject(tree) {
  for (const path of PROJECT) {
    if (path !== 'node_modules') borrow(tree, join(root, path));
    else for (const name of readdirSync(join(root, path))) if (!TOOLS_ONLY.test(name)) borrow(tree, join(root, path, name));
  }
  writeFileSync(join(tree, 'project-folder'), root);
}

/**
 * Makes the disk's image, an ext4 file system of 1 MiB steps.
 * @param {string} work a folder for the image and for what goes on it
 * @param {string} busybox a busybox without shared libraries
 * @param {string} kernel a Linux bzImage
 * @param {string} [programs] a folder of makePrograms
 * @returns {Promise<string>} the image's path
 * @throws {Unavailable} where a program is missing
 */
export async function makeDisk(work, busybox, kernel, programs) {
  const mkfs = ['/usr/sbin/mkfs.ext4', '/sbin/mkfs.ext4'].find((path) => existsSync(path));
  if (mkfs === undefined) throw new Unavailable('mkfs.ext4 is missing; the Debian package e2fsprogs has it.');
  const tree = join(work, 'tree');
  for (const name of ['usr/bin', 'usr/sbin', 'usr/lib', 'usr/lib64', 'etc', 'proc', 'sys', 'dev', 'tmp', 'root', 'run', 'mnt', 'var/tmp']) {
    mkdirSync(join(tree, name), { recursive: true });
  }
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(tree, name));
  await borrowPrograms(tree);
  await addBusybox(tree, busybox);
  addProject(tree);
  cpSync(kernel, join(tree, GUEST_KERNEL));
  if (programs !== undefined) cpSync(programs, join(tree, PROGRAMS_FOLDER), { recursive: true });
  writeFileSync(join(tree, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n');
  writeFileSync(join(tree, 'etc/group'), 'root:x:0:\ntty:x:5:\n');
  writeFileSync(join(tree, 'etc/hosts'), '127.0.0.1 localhost host\n');
  writeFileSync(join(tree, 'start'), START);
  const used = Number.parseInt(await runQuietly('du failed.', 'du', ['-sm', tree]), 10);
  const image = join(work, `${basename(root)}.ext4`);
  writeFileSync(image, '');
  truncateSync(image, (Math.ceil(used * 1.25) + FREE_MIB) * 1024 * 1024);
  await runQuietly('The hosts\' disk could not be made.', mkfs, ['-q', '-F', '-O', '^has_journal', '-m', '0', '-d', tree, image]);
  return image;
}
