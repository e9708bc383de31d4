/** `kvm-gdbserver gdb-script`: the path of the helper, for `gdb -x "$(kvm-gdbserver gdb-script)"`. */
import { gdbHelperPath } from './installation.js';

export function printGdbScriptPath(): void {
  process.stdout.write(`${gdbHelperPath()}\n`);
}
