// Boots an emulated host until all of its files have run. One that dies or hangs is started once more with what is left; the file
// that it is lost in a second time has failed, and the rest goes on without it.

/**
 * @param {string[]} files
 * @param {(files: string[], boot: number, report: (result: { file: string }) => void) => Promise<{ kind: string, text: string } |
 *   undefined>} bootOnce one boot with these files, in their order: `boot` of boot.mjs; `boot` counts from 0
 * @param {{ file: Function, again: Function, lost: Function, notReached: Function }} told what has happened, as Report's methods
 *   without the host
 */
export async function bootUntilDone(files, bootOnce, told) {
  let left = files;
  let lostIn;
  for (let boot = 0; left.length > 0; boot++) {
    const trouble = await bootOnce(left, boot, (result) => {
      left = left.filter((file) => file !== result.file);
      told.file(result);
    });
    if (trouble === undefined) return;
    if (trouble.kind === 'out of time') return told.notReached(left);
    const [file] = left;
    const isSecond = file === lostIn;
    if (trouble.kind === 'without KVM' || (trouble.kind === 'not started' && isSecond)) return told.lost(trouble.text, left);
    lostIn = file;
    if (isSecond) {
      told.lost(trouble.text, [file]);
      left = left.slice(1);
    }
    if (left.length > 0) told.again(isSecond ? `It was lost twice in ${file}.` : trouble.text, left);
  }
}
