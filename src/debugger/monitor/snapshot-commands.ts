/** `monitor snapshot save|load|list|delete`: the whole machine, kept in memory under a name. */
import { TargetError } from '../../target.js';
import { formatBytes } from '../../vmm/memory-size.js';
import { MonitorError, type MonitorCommand, type MonitorContext, type Write } from './command.js';

const NEEDS_NAME = 'Say which snapshot: one word after "snapshot save", "load" or "delete".';

function command(action: string, parameters: string | undefined, help: string, run: (context: MonitorContext, name: string, write: Write) => void): MonitorCommand {
  return {
    name: `snapshot ${action}`,
    ...(parameters !== undefined && { parameters }),
    help,
    run(context, words, write) {
      if (parameters === undefined ? words.length > 0 : words.length !== 1) throw new MonitorError(parameters === undefined ? 'Say "monitor snapshot list".' : NEEDS_NAME);
      try {
        run(context, words[0] ?? '', write);
      } catch (error) {
        throw error instanceof TargetError ? new MonitorError(error.message) : error;
      }
    },
  };
}

const save = command('save', 'NAME', 'Keep the machine as it is now: CPUs, devices, disks, memory.', ({ snapshots, machine }, name, write) => {
  const { bytes, seconds, held } = snapshots.save(name);
  write(`Saved "${name}" in ${seconds.toFixed(3)} s: ${formatBytes(bytes)} of RAM copied, ${formatBytes(held)} in all snapshots.\n`);
  for (const disk of machine.disksWrittenThrough) write(`What the guest writes to ${disk} goes into the image and is not taken back by a load.\n`);
});

const load = command('load', 'NAME', 'Put the machine back to what it was then; it stays stopped.', ({ snapshots }, name, write) => {
  const { bytes, seconds } = snapshots.load(name);
  write(`Loaded "${name}" in ${seconds.toFixed(3)} s: ${formatBytes(bytes)} of RAM put back. Without the gdb helper, "maintenance flush register-cache" makes gdb show its registers.\n`);
});

const list = command('list', undefined, 'Show the snapshots, the oldest first.', ({ snapshots }, _name, write) => {
  const all = snapshots.list();
  if (all.length === 0) write('There are no snapshots.\n');
  for (const { name, taken, copied, where } of all) {
    write(`${name.padEnd(16)} ${taken.toTimeString().slice(0, 8)}  ${where.padEnd(28)} ${formatBytes(copied)} copied\n`);
  }
  if (all.length > 0) write(`${formatBytes(snapshots.held)} of RAM in all of them\n`);
});

const remove = command('delete', 'NAME', 'Forget a snapshot.', ({ snapshots }, name, write) => {
  snapshots.delete(name);
  write(`Deleted "${name}": ${formatBytes(snapshots.held)} of RAM in the others.\n`);
});

const other: MonitorCommand = {
  name: 'snapshot',
  help: 'What can be done with snapshots: save, load, list, delete.',
  run: () => { throw new MonitorError('Say "monitor snapshot save NAME", "load NAME", "list" or "delete NAME".'); },
};

/** The last one takes what the others do not. */
export const snapshotCommands: readonly MonitorCommand[] = [save, load, list, remove, other];
