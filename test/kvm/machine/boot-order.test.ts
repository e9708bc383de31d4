/** SeaBIOS boots what --boot-order names, by its menu if that is wanted: a CD-ROM, a disk, a kernel that fw_cfg has. */
import test from 'tape';
import { parseBootOrder } from '../../../src/vmm/boot/boot-order.js';
import { chooseDrives } from '../../../src/vmm/storage/disk-choice.js';
import { bootableIso } from './el-torito.js';
import { kernel } from './printing-kernel.js';
import { board, ramDisk } from './seabios-board.js';

/** Prints a letter on the debug console, and leaves the boot to the next device: mov al, LETTER; out e9h, al; int 18h. */
const passOn = (letter: string): number[] => [0xb0, letter.charCodeAt(0), 0xe6, 0xe9, 0xcd, 0x18];

test('boot order: the menu shows it, a choice comes first, then the order; the kernel is started with its command line and initrd', async (t) => {
  const disk = new Uint8Array(64 * 512);
  disk.set(passOn('D'));
  disk.set([0x55, 0xaa], 510);
  const images = { disk: ramDisk(disk), cdrom: { ...ramDisk(bootableIso(Uint8Array.from(passOn('C')), 64, new Map())), readOnly: true } };
  const places = chooseDrives({ disk: ['disk'], cdrom: 'iso' });
  let printed = '';
  const { machine, output, until } = board(
    { drives: places.map((place) => ({ ...place, image: images[place.kind] })), debugConsole: { write: (bytes) => { printed += Buffer.from(bytes).toString('latin1'); } } },
    {
      bootOrder: parseBootOrder('menu,cdrom,disk,kernel', places, true),
      kernel: { name: 'k', bytes: kernel({}), commandLine: 'console=ttyS0 ', modules: [{ text: 'i.gz', bytes: new TextEncoder().encode('<initrd>') }] },
    },
  );
  try {
    await until(() => output.serial.includes(' for boot menu'));
    t.equal(printed, '', 'it waits for a key');
    machine.keys(`<${/Press (\w+) for boot menu/.exec(output.serial)?.[1]?.toLowerCase() ?? ''}>`);
    await until(() => output.serial.includes('3. Linux kernel'));
    t.match(output.serial, /1\. DVD\/CD [^]*2\. ata0-0: [^]*3\. Linux kernel/, 'the menu has the order');
    machine.keys('2');
    const event = await until(() => false);
    t.equal(printed, 'DC', 'the chosen disk, then the order from its beginning');
    t.match(output.serial, /Booting from ROM\.\.\.\s+Rconsole=ttyS0 <initrd>0$/, 'and the kernel, by its setup code');
    t.ok(event?.kind === 'power-off' && event.status === 65, 'which ends the guest');
  } finally {
    machine.close();
  }
});
