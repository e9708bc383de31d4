import test from 'tape';
import { GuestError } from '../../../../src/vmm/boot/boot-options.js';
import { chooseDrives, parseDisk, type DriveArguments } from '../../../../src/vmm/storage/disk-choice.js';

test('--disk FILE[,MODE]', (t) => {
  for (const [text, path, mode] of [
    ['a.img', 'a.img', 'snapshot'],
    ['a.img,readonly', 'a.img', 'readonly'],
    ['a.img,write', 'a.img', 'write'],
    ['a.img,snapshot', 'a.img', 'snapshot'],
    ['a,b.img', 'a,b.img', 'snapshot'],
    ['a,write,readonly', 'a,write', 'readonly'],
    ['a,b,snapshot', 'a,b', 'snapshot'],
    ['/x, y/1.0', '/x, y/1.0', 'snapshot'],
  ] as const) {
    t.deepEqual(parseDisk(text), { path, mode }, text);
  }
  t.end();
});

test('--disk that means nothing is refused in words', (t) => {
  for (const [text, sentence] of [
    ['', /no file was given/],
    [',write', /names no file; write FILE,write/],
    ['a.img,', /"" is not a way to open a disk; write readonly, snapshot or write/],
    ['a.img,readonyl', /"readonyl" is not a way to open a disk.*a\.img,readonyl,snapshot/],
    ['a.img,WRITE', /"WRITE" is not a way/],
  ] as const) {
    t.throws(() => parseDisk(text), (error: Error) => error instanceof GuestError && sentence.test(error.message), text);
  }
  t.end();
});

test('drives get their places on the two channels', (t) => {
  const placed = (choice: DriveArguments): string =>
    chooseDrives(choice).map(({ channel, unit, kind, path, mode }) => `${channel}.${unit} ${kind} ${path} ${mode}`).join('; ');
  t.equal(placed({}), '');
  t.equal(placed({ disk: ['a'] }), '0.0 disk a snapshot');
  t.equal(placed({ disk: ['a', 'b,readonly', 'c', 'd,write'] }),
    '0.0 disk a snapshot; 0.1 disk b readonly; 1.0 disk c snapshot; 1.1 disk d write');
  t.equal(placed({ cdrom: 'x.iso' }), '1.0 cdrom x.iso readonly');
  t.equal(placed({ disk: ['a', 'b', 'c'], cdrom: 'x.iso' }),
    '0.0 disk a snapshot; 0.1 disk b snapshot; 1.0 cdrom x.iso readonly; 1.1 disk c snapshot');
  t.end();
});

test('drives that cannot be are refused in words', (t) => {
  for (const [choice, sentence] of [
    [{ disk: ['a', 'b', 'c', 'd', 'e'] }, /^5 disks are too many: the two IDE channels have four places\.$/],
    [{ disk: ['a', 'b', 'c', 'd'], cdrom: 'x' }, /^4 disks and a CD-ROM are too many/],
    [{ disk: ['a', './a,readonly'] }, /^\.\/a is given twice; a file can be only one drive\.$/],
    [{ disk: ['a'], cdrom: 'a' }, /^a is given twice/],
    [{ cdrom: '' }, /^--cdrom takes FILE/],
    [{ floppy: 'f.img' }, /^--floppy f\.img: there is no floppy controller; give the image as --disk f\.img/],
  ] as const) {
    t.throws(() => chooseDrives(choice), (error: Error) => error instanceof GuestError && sentence.test(error.message), JSON.stringify(choice));
  }
  t.end();
});
