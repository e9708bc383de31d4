// A host with kvm_amd: QEMU's own instruction emulator offers SVM (Debian 12's, version 7.2, without debug registers).
import { join } from 'node:path';
import { unpackedCommand } from './debian-packages.mjs';

/**
 * An emulator's command line; it puts what it needs into `work` and ends when its Linux powers off.
 * @param {{ work: string, emulator: string, tools: string, kernel: string, initramfs: string, append: string, disk: string,
 *   results: string, log: string }} boot paths: this run's folder; the unpacked packages of the emulator and of the tools;
 *   kernel, initramfs and the kernel's words; the disk's image, which stays as it is; where the first and the second
 *   serial port go
 * @returns {Promise<string[]>} program and arguments
 */
export function qemu(boot) {
  const share = join(boot.emulator, 'usr/share');
  return Promise.resolve([
    ...unpackedCommand(boot.emulator, 'usr/bin/qemu-system-x86_64'),
    '-L', join(share, 'qemu'), '-L', join(share, 'seabios'),
    '-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-machine', 'pc,usb=off',
    '-accel', 'tcg,tb-size=512', '-cpu', 'EPYC,+svm,+npt', '-m', '1024',
    '-kernel', boot.kernel, '-initrd', boot.initramfs, '-append', boot.append,
    '-drive', `file=${boot.disk},format=raw,if=virtio,snapshot=on`,
    '-serial', `file:${boot.results}`, '-serial', `file:${boot.log}`,
  ]);
}
