// The first file system of a host: busybox, the kernel modules up to the disk and KVM, the run's job, and an init that
// loads the modules and goes over to the disk.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Unavailable } from './debian-packages.mjs';

/** Kernel and module folder of an unpacked kernel package. */
export function kernelIn(top) {
  const image = readdirSync(join(top, 'boot')).find((name) => name.startsWith('vmlinuz-'));
  const version = image?.slice('vmlinuz-'.length) ?? '';
  const modules = ['lib', 'usr/lib'].map((folder) => join(top, folder, 'modules', version, 'kernel')).find((path) => existsSync(path));
  if (image === undefined || modules === undefined) throw new Unavailable(`No kernel was found in ${top}; remove that folder and try again.`);
  return { image: join(top, 'boot', image), modules, version };
}

/** One entry of a cpio archive in the "newc" form (kernel documentation, initramfs buffer format). Mode as in stat. */
export function cpioEntry(name, mode, content = Buffer.alloc(0)) {
  const fields = [0, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length + 1, 0];
  const head = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`);
  const padded = (part) => Buffer.concat([part, Buffer.alloc(-part.length & 3)]);
  return Buffer.concat([padded(head), padded(content)]);
}

const initScript = (disk) => `#!/bin/busybox sh
b=/bin/busybox
fail() { $b echo "the host did not start: $*"; $b sleep 1; $b poweroff -f; }
$b mount -t proc p /proc; $b mount -t sysfs s /sys; $b mount -t devtmpfs d /dev
# KVM takes the speed of the TSC when it is loaded; one that the kernel corrects by more than 250 ppm later reads as standing
# still where TSCs cannot be scaled (Linux 6.1, kvm_set_tsc_khz).
corrected() { i=0; while [ "$($b cat /sys/devices/system/clocksource/clocksource0/current_clocksource)" = tsc-early ] && [ $i -lt 50 ]; do i=$((i + 1)); $b usleep 100000; done; }
for m in /modules/[0-9]*; do
  case $m in *kvm*) corrected;; esac
  $b insmod $m || fail "insmod $m"
done
i=0; while [ ! -b ${disk} ]; do i=$((i + 1)); [ $i -gt 100 ] && fail "no ${disk}"; $b usleep 100000; done
$b mount -t ext4 -o noatime,barrier=0 ${disk} /root || fail "mount ${disk}"
$b cp -r /job.json /preparation /modules /root/
for f in proc sys dev; do $b mount --move /$f /root/$f; done
exec $b switch_root /root /bin/busybox sh /start
`;

/**
 * @param {{ busybox: string, kernelModules: string, modules: string[], spareModules: string[], disk: string,
 *   preparation: string, job: object }} parts `modules`: paths below the folder `kernelModules`, in the order to load them;
 *   those that are not there are built in. `spareModules` are not loaded; all of them are in /modules for the tests
 * @returns {Buffer} the archive, compressed
 */
export function initramfs({ busybox, kernelModules, modules, spareModules, disk, preparation, job }) {
  const folder = 0o040755;
  const program = 0o100755;
  const entries = ['bin', 'proc', 'sys', 'dev', 'modules', 'root'].map((name) => cpioEntry(name, folder));
  entries.push(cpioEntry('bin/busybox', program, readFileSync(busybox)));
  entries.push(cpioEntry('init', program, Buffer.from(initScript(disk))));
  entries.push(cpioEntry('job.json', 0o100644, Buffer.from(JSON.stringify(job))));
  entries.push(cpioEntry('preparation', 0o100644, Buffer.from(preparation)));
  const present = (paths) => paths.filter((path) => existsSync(join(kernelModules, path)));
  const names = new Map([
    ...present(modules).map((path, index) => [path, `${String(index).padStart(2, '0')}-${basename(path)}`]),
    ...present(spareModules).map((path) => [path, basename(path)]),
  ]);
  for (const [path, name] of names) entries.push(cpioEntry(`modules/${name}`, 0o100644, readFileSync(join(kernelModules, path))));
  entries.push(cpioEntry('TRAILER!!!', 0));
  return gzipSync(Buffer.concat(entries), { level: 1 });
}
