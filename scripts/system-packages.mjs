// The Debian packages that building and testing need, and how they get installed.
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { StepError, runQuietly } from './run-quietly.mjs';

/** Command, or file, that must be found → package that has it. */
const NEEDED = new Map([
  ['gcc', 'gcc'],
  ['g++', 'g++'],
  ['make', 'make'],
  ['as', 'binutils'],
  ['ld', 'binutils'],
  ['gdb', 'gdb'],
  // For test/package, which runs the shipped binary on musl.
  ['musl-gcc', 'musl-tools'],
  ['python3', 'python3'],
  ['nasm', 'nasm'],
  ['yasm', 'yasm'],
  ['/usr/share/seabios/bios-256k.bin', 'seabios'],
  ['/usr/lib/grub/i386-pc/boot.img', 'grub-pc-bin'],
  ['grub-mkrescue', 'grub-common'],
  ['xorriso', 'xorriso'],
  ['mformat', 'mtools'],
  ['/usr/lib/syslinux/mbr/mbr.bin', 'syslinux-common'],
  ['/usr/lib/u-boot/qemu-x86/u-boot.rom', 'u-boot-qemu'],
  ['/usr/lib/ipxe/ipxe.lkrn', 'ipxe'],
  ['/usr/share/bochs/BIOS-bochs-legacy', 'bochsbios'],
  ['/usr/share/OVMF/OVMF_CODE_4M.fd', 'ovmf'],
  ['iasl', 'acpica-tools'],
  // For the completion script and the manual page.
  ['zsh', 'zsh'],
  ['groff', 'groff-base'],
]);

/** What only the suite of editors uses: its tests skip themselves, in words, where it is missing. */
const FOR_EDITORS = new Map([
  ['lldb', 'lldb'],
  ['lua5.4', 'lua5.4'],
  ['emacs', 'emacs-nox'],
]);

function isInstalled(command) {
  if (isAbsolute(command)) return existsSync(command);
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Names of the packages that are missing, each once. */
export function missingPackages(isPresent = isInstalled, wanted = NEEDED) {
  return [...new Set([...wanted].filter(([command]) => !isPresent(command)).map(([, name]) => name))];
}

/** True on Debian and what is made from it, where the package names above hold. */
function isDebian() {
  try {
    return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false;
  }
}

/**
 * Installs what is missing when that needs nobody's leave (root on Debian or Ubuntu).
 * @throws {StepError} with the command to type otherwise; nothing has been changed then.
 */
export async function ensureSystemPackages(announce) {
  const missing = missingPackages();
  if (missing.length === 0) return;
  const command = `apt-get update && apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (!isDebian()) {
    throw new StepError(`These are needed and missing: ${missing.join(', ')}. Install them with your package manager ` +
      `(on Debian or Ubuntu: ${command}) and try again.`);
  }
  if (process.getuid() !== 0) {
    throw new StepError(`Debian packages are missing. Install them and try again:\n  sudo sh -c '${command}'`);
  }
  await install(missing, command, announce);
}

/** Installs what the suite of editors uses where that needs nobody's leave; what cannot be had stays away. */
export async function addEditorPackages(announce) {
  const missing = missingPackages(isInstalled, FOR_EDITORS);
  if (missing.length === 0 || !isDebian() || process.getuid() !== 0) return;
  try {
    await install(missing, `apt-get install ${missing.join(' ')}`, announce);
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    announce(`${missing.join(', ')} cannot be installed, and some tests are left out`);
  }
}

async function install(missing, command, announce) {
  announce(`installing ${missing.join(', ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const failure = `Installing the Debian packages failed; try it by hand: ${command}`;
  await runQuietly(failure, 'apt-get', ['update'], { env });
  await runQuietly(failure, 'apt-get', ['install', '-y', '--no-install-recommends', ...missing], { env });
}
