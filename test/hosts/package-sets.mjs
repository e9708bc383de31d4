// What the hosts are made of, all of it from Debian's archive.

/** Sets of packages by name: Debian suite and packages. The emulators are newer than Debian 12's, which lack what KVM needs. */
export const packageSets = {
  kernel: { suite: 'bookworm', packages: ['linux-image-cloud-amd64'], alone: true },
  tools: { suite: 'trixie', packages: ['busybox-static', 'genisoimage', 'isolinux', 'syslinux-common'] },
  programs: { suite: 'bookworm', packages: ['memtest86+', 'syslinux', 'mtools', 'dosfstools'], bare: true },
  qemu: { suite: 'trixie', packages: ['qemu-system-x86'] },
  // For the suite of editors: the first of Debian's that speaks the Debug Adapter Protocol itself.
  gdb: { suite: 'trixie', packages: ['gdb'] },
  bochs: { suite: 'trixie', packages: ['bochs', 'bochs-term', 'bochsbios', 'vgabios'] },
};
