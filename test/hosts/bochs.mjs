// A host with kvm_intel: Bochs emulates VMX, EPT and all that KVM's guest debugging needs. It boots from a CD.
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runQuietly } from '../../scripts/run-quietly.mjs';
import { unpackedCommand } from './debian-packages.mjs';

/**
 * Run in the host before the job. Bochs looks whether a VMX guest may be interrupted when the guest's IF changes and not when
 * it is entered, so that one that is entered with IF clear and never exits would keep the host's timer out for ever. An NMI
 * makes it exit: the HPET's first timer (100 MHz, not used by this kernel any more) sends one every 50 ms through the
 * IOAPIC's pin 2. The kernel reports each as unknown on its console, which is therefore let go. Registers: HPET specification
 * 1.0a, 2.3; 82093AA, 3.2.
 */
export const bochsPreparation = `
echo N >/sys/class/tty/ttyS1/console
hpet() { devmem $((0xfed00000 + $1)) 32 $2; }
ioapic() { devmem 0xfec00000 32 $1; devmem 0xfec00010 32 $2; }
hpet 0x10 0
hpet 0xf0 0; hpet 0xf4 0
ioapic 0x15 0; ioapic 0x14 0x400
hpet 0x100 0x4c; hpet 0x108 5000000; hpet 0x108 5000000
hpet 0x10 1
`;
/** The kernel's word that lets devmem write there. */
export const bochsKernelWords = 'iomem=relaxed';

async function makeCd(boot, image) {
  const tree = join(boot.work, 'cd');
  const loader = join(tree, 'isolinux');
  mkdirSync(loader, { recursive: true });
  copyFileSync(join(boot.tools, 'usr/lib/ISOLINUX/isolinux.bin'), join(loader, 'isolinux.bin'));
  copyFileSync(join(boot.tools, 'usr/lib/syslinux/modules/bios/ldlinux.c32'), join(loader, 'ldlinux.c32'));
  copyFileSync(boot.kernel, join(tree, 'kernel'));
  copyFileSync(boot.initramfs, join(tree, 'initrd'));
  writeFileSync(join(loader, 'isolinux.cfg'), `default linux\nprompt 0\nlabel linux\nkernel /kernel\ninitrd /initrd\nappend ${boot.append}\n`);
  const [program, ...before] = unpackedCommand(boot.tools, 'usr/bin/genisoimage');
  await runQuietly('The CD that Bochs boots from could not be made.', program, [...before, '-quiet', '-J', '-R', '-o', image,
    '-b', 'isolinux/isolinux.bin', '-c', 'isolinux/boot.cat', '-no-emul-boot', '-boot-load-size', '4', '-boot-info-table', tree]);
}

/** As `qemu` in qemu.mjs. */
export async function bochs(boot) {
  const share = join(boot.emulator, 'usr/share');
  const cd = join(boot.work, 'boot.iso');
  await makeCd(boot, cd);
  // A volatile disk's changes are kept beside the image's name: a name in this run's folder.
  const disk = join(boot.work, 'disk.img');
  symlinkSync(boot.disk, disk);
  const settings = join(boot.work, 'bochsrc');
  writeFileSync(settings, `config_interface: textconfig
display_library: term
cpu: model=corei7_haswell_4770, count=1, ips=150000000, reset_on_triple_fault=0, ignore_bad_msrs=1
memory: guest=1024, host=1024
romimage: file=${join(share, 'bochs/BIOS-bochs-latest')}
vgaromimage: file=${join(share, 'vgabios/vgabios.bin')}
pci: enabled=1, chipset=i440fx
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=disk, path=${disk}, mode=volatile
ata1: enabled=1, ioaddr1=0x170, ioaddr2=0x370, irq=15
ata1-master: type=cdrom, path=${cd}, status=inserted
boot: cdrom
clock: sync=none, time0=utc
log: ${join(boot.work, 'bochs.log')}
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
com1: enabled=1, mode=file, dev=${boot.results}
com2: enabled=1, mode=file, dev=${boot.log}
`);
  // Debian's Bochs has its debugger built in: "c" sets it going. Its screen wants a terminal of 80 by 25.
  const commands = join(boot.work, 'debugger-commands');
  writeFileSync(commands, 'c\n');
  const words = [...unpackedCommand(boot.emulator, 'usr/bin/bochs-bin'), '-q', '-f', settings, '-rc', commands];
  const shell = `stty cols 80 rows 25; exec env TERM=vt100 LTDL_LIBRARY_PATH='${join(boot.emulator, 'usr/lib/x86_64-linux-gnu/bochs/plugins')}'`
    + ` BXSHARE='${join(share, 'bochs')}' ${words.map((word) => `'${word}'`).join(' ')}`;
  return ['script', '-qfec', shell, '/dev/null'];
}
