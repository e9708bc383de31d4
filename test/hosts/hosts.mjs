// The hosts that the suites run in. Each is a small Linux in an emulator, with one of KVM's real modules.
import { bochs, bochsKernelWords, bochsPreparation } from './bochs.mjs';
import { qemu } from './qemu.mjs';

const KVM = ['virt/lib/irqbypass.ko', 'arch/x86/kvm/kvm.ko'];
const VIRTIO_DISK = [
  'drivers/virtio/virtio_ring.ko', 'drivers/virtio/virtio.ko', 'drivers/virtio/virtio_pci_legacy_dev.ko',
  'drivers/virtio/virtio_pci_modern_dev.ko', 'drivers/virtio/virtio_pci.ko', 'drivers/block/virtio_blk.ko',
];
const ATA_DISK = [
  'drivers/scsi/scsi_common.ko', 'drivers/scsi/scsi_mod.ko', 'drivers/scsi/sd_mod.ko', 'drivers/ata/libata.ko',
  'drivers/ata/ata_piix.ko',
];

const CRASHING_DEBUG_REGISTER = 'QEMU\'s TCG crashes at a breakpoint in a debug register where CS has a base in real mode (docs/hosts.md)';

/**
 * By name: what a host is, the kernel modules it loads, in order (paths below the kernel's module folder; one that this
 * kernel has built in is passed over), the disk they find, and the emulator's function (see qemu.mjs).
 * `packages`: the emulator's set in package-sets.mjs. `timeScale`: a test file has this many times its usual seconds;
 * Bochs's are its own, QEMU's those of this machine, which others may use too.
 * `kernelWords`, `preparation`: more words for the kernel, and a script for its shell before the job.
 * `quickToo`: more files for the quick selection, where the emulator is fast enough. `spareModules`: for tests, in /modules, not
 * loaded. `sessionRules`: examples whose session the host survives in some ways only (values of --mechanisms), with which more options
 * of the server, and why. `filesLeftOut`: files of --all that are skipped, and why. `programsLeftOut`: those of test/hosts/programs that are not run there even by name, and why.
 */
export const hosts = {
  vmx: {
    title: 'kvm_intel in Bochs', module: 'kvm_intel', packages: 'bochs', emulator: bochs, disk: '/dev/sda', timeScale: 3,
    modules: [...ATA_DISK, ...KVM, 'arch/x86/kvm/kvm-intel.ko'], kernelWords: bochsKernelWords, preparation: bochsPreparation,
    quickToo: [], spareModules: [], sessionRules: [],
    programsLeftOut: [{ files: /\/(linux-shell|memtest|syslinux)\./, reason: 'it takes Bochs many minutes' }],
    filesLeftOut: [
      {
        files: /^test\/(gdb\/(cli\/|(bad-input|bad-packets|connect|extended-remote|files|helper|linux-symbols|plugins|program-control|server-options|source16|terminal|tui)\.)|kvm\/(cli\/|doctor\/trouble|library))/,
        reason: 'what is typed, framed and printed is the same on every host, and dozens of programs to start take hours in Bochs',
      },
      {
        files: /^test\/(gdb\/(programs\/|display\.|firmware\.)|kvm\/machine\/(bios|drives|example-screens|seabios|boot-order))/,
        reason: 'firmware and boot loaders that draw and read disks run on SVM; one of them would take Bochs the better part of an hour',
      },
    ],
  },
  svm: {
    title: 'kvm_amd in QEMU TCG', module: 'kvm_amd', packages: 'qemu', emulator: qemu, disk: '/dev/vda', timeScale: 10,
    modules: [...VIRTIO_DISK, ...KVM, 'arch/x86/kvm/kvm-amd.ko'], kernelWords: '', preparation: '',
    quickToo: ['test/kvm/debugger/stepping-handlers.test.ts', 'test/kvm/debugger/watchpoints.test.ts', 'test/hosts/kernel-refusals.test.ts'],
    spareModules: ['arch/x86/kernel/msr.ko'], filesLeftOut: [],
    programsLeftOut: [{ files: /\/ovmf\./, reason: 'QEMU\'s TCG ends in an assertion of its own on the way (docs/hosts.md)' }],
    sessionRules: [
      ...['bootsector', 'smp'].map((session) => (
        { session, ways: ['patch,step', 'patch,read-only,step', 'step'], options: [], reason: CRASHING_DEBUG_REGISTER })),
      // Where patches cannot be had in an interrupt handler, a step has a debug register there.
      ...['bios', 'reading'].map((session) => (
        { session, ways: ['patch,step', 'patch,read-only,step'], options: ['--irqchip', 'none'], reason: CRASHING_DEBUG_REGISTER })),
    ],
  },
};
