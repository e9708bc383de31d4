// Says whether something built is older than what it is built from.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Modification time in milliseconds of the newest file in `paths` (folders are walked), 0 if there is none. */
export function newest(paths, accept = () => true) {
  let time = 0;
  for (const path of paths) {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    if (stat.isDirectory()) {
      // The folder's own time counts too: it moves when a file in it is deleted.
      time = Math.max(time, stat.mtimeMs, newest(readdirSync(path).map((name) => join(path, name)), accept));
    } else if (accept(path)) {
      time = Math.max(time, stat.mtimeMs);
    }
  }
  return time;
}

/** True if `product` is there and nothing in `sources` is newer. */
export function isUpToDate(product, sources, accept) {
  const stat = statSync(product, { throwIfNoEntry: false });
  return stat !== undefined && stat.mtimeMs >= newest(sources, accept);
}
