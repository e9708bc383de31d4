/**
 * What editors that speak gdb's machine interface send, in their order: a command and what its answer must be like. Where the answer
 * is `^running` the row's third entry is the stop that must follow. `main` is not in the example guests, so that cpptools'
 * own breakpoint there fails, as it does for most kernels; the editor goes on without.
 *
 * SUM is the line of kernel64's kernel_main that adds up the tree.
 */
import { GUESTS_FOLDER } from '../gdb/support/gdb-session.js';
import { lineOf } from './support/cdt.js';

/** Command; its answer; the stop after it, if it lets the guest run. */
export type MiRow = readonly [command: string, answer: RegExp, stop?: RegExp];

export interface MiSequence {
  readonly editor: string;
  /** Where the commands and their order are from. */
  readonly source: string;
  /** gdb's arguments. */
  readonly args: (address: string, program: string) => readonly string[];
  readonly rows: (address: string, program: string) => readonly MiRow[];
}

const KERNEL = `${GUESTS_FOLDER}/kernel64/kernel.c`;
const SUM = lineOf('kernel64/kernel.c', 'int sum = tree_sum(&root)');
const AT_SUM = new RegExp(`reason="breakpoint-hit".*func="kernel_main".*line="${SUM}"`);

/** Microsoft's MIEngine, the C/C++ extension of VS Code. */
const cpptools: MiSequence = {
  editor: 'cpptools',
  source: 'github.com/microsoft/MIEngine: DebuggedProcess.cs (Initialize, GetInitializeCommands, HandleBreakModeEvent), CommandFactories/gdb.cs',
  args: () => ['--interpreter=mi'],
  rows: (address, program) => [
    ['-gdb-set mi-async on', /^\^done/],
    ['-interpreter-exec console "set pagination off"', /^\^done/],
    [`-environment-cd ${GUESTS_FOLDER}`, /^\^done/],
    [`-file-exec-and-symbols ${program}`, /^\^done/],
    ['-interpreter-exec console "show architecture"', /^\^done/],
    ['-break-insert main', /^\^error,msg="Function \\"main\\" not defined\."/],
    // The connection ends in a stop without a reason, from which the editor goes on at once.
    [`-target-select remote ${address}`, /^\^connected/, /frame=\{addr="0x0*100000",func="_start".*thread-id="1",stopped-threads="all"/],
    ['-thread-info 1', /^\^done,threads=\[\{id="1".*state="stopped"/],
    ['-stack-list-frames 0 1000', /^\^done,stack=\[frame=\{level="0"/],
    [`-break-insert -f ${KERNEL}:${SUM}`, /^\^done,bkpt=\{number="1",type="breakpoint".*func="kernel_main"/],
    [`-symbol-list-lines ${KERNEL}`, /^\^done,lines=\[\{pc="0x/],
    ['-exec-continue', /^\^running/, AT_SUM],
    ['-thread-info', /^\^done,threads=\[.*name="cpu0"/],
    ['-stack-list-frames 0 1000', /func="kernel_main".*func="_start"/],
    ['-stack-list-arguments 0 0 1', /^\^done,stack-args=\[/],
    ['-interpreter-exec console "info sharedlibrary"', /^\^done/],
    ['-stack-list-variables 0', /^\^done,variables=\[\{name="sum"\}\]/],
    ['-var-create - * "sum"', /^\^done,name="var1",numchild="0"/],
    ['-var-create - * "root"', /^\^done,name="var2",numchild="4"/],
    ['-var-list-children --simple-values "var2" 0 1000', /exp="value",numchild="0",value="100"/],
    ['-var-show-attributes var1', /^\^done,(attr|status)="editable"/],
    ['-data-list-register-names', /"rax".*"mode".*"cr0"/],
    ['-data-list-register-values x', /^\^done,register-values=\[\{number="0",value="0x/],
    ['-data-evaluate-expression "$cr0"', /^\^done,value="\[ PE MP ET NE PG \]"/],
    ['-data-read-memory-bytes 0x100000 64', /contents="0f0115[0-9a-f]{122}"/],
    ['-data-disassemble -s 0x100000 -e 0x100010 -- 2', /inst="lgdt/],
    ['-break-watch *(int*)(&leaf_c.value)', /^\^done,wpt=\{number="2"/],
    ['-break-delete 2', /^\^done/],
    ['-exec-step', /^\^running/, /reason="end-stepping-range".*func="tree_sum"/],
    ['-exec-finish', /^\^running/, /reason="function-finished".*func="kernel_main".*return-value="117"/],
    ['-exec-next-instruction', /^\^running/, /reason="end-stepping-range"/],
    ['-exec-next', /^\^running/, /reason="end-stepping-range"/],
    ['-var-assign var1 "9"', /^\^done,value="9"/],
    ['-break-delete 1', /^\^done/],
    ['-interpreter-exec console "kill"', /^\^done/],
  ],
};

/** WebFreak's Native Debug for VS Code. */
const nativeDebug: MiSequence = {
  editor: 'native-debug',
  source: 'github.com/WebFreak001/code-debug: src/backend/mi2/mi2.ts (connect, initCommands, addBreakPoint, getStack, getStackVariables, getRegisters)',
  args: () => ['--interpreter=mi2'],
  rows: (address, program) => [
    ['-gdb-set target-async on', /^\^(done|error)/],
    ['-list-features', /^\^done,features=\[/],
    [`-environment-directory "${GUESTS_FOLDER}"`, /^\^done/],
    [`-file-exec-and-symbols "${program}"`, /^\^done/],
    ['-enable-pretty-printing', /^\^done/],
    [`-target-select remote ${address}`, /^\^connected/, /func="_start"/],
    [`-break-insert -f "${KERNEL}:${SUM}"`, /^\^done,bkpt=\{number="1"/],
    ['-break-condition 1 leaf_a.value == 1', /^\^done/],
    ['-exec-continue', /^\^running/, AT_SUM],
    ['-thread-info', /^\^done,threads=\[\{id="1",target-id="Thread 1\.1"/],
    ['-stack-info-depth --thread 1', /^\^done,depth="2"/],
    ['-stack-list-frames --thread 1 0 1', /func="kernel_main".*func="_start"/],
    ['-stack-list-variables --thread 1 --frame 0 --simple-values', /name="sum",type="int",value="/],
    ['-var-create --thread 1 --frame 0 - @ "root"', /^\^done,name="var1"/],
    ['-var-list-children --all-values var1', /exp="value"/],
    ['-var-update --all-values "*"', /^\^done,changelist=\[/],
    ['-data-list-register-names', /"rip"/],
    ['-data-list-register-values N', /^\^done,register-values=/],
    ['-data-read-memory-bytes 0x0 16', /^\^done,memory=\[/],
    ['-data-evaluate-expression --thread 1 --frame 0 leaf_b.value', /^\^done,value="2"/],
    ['-gdb-set var leaf_b.value=5', /^\^done/],
    ['-exec-step', /^\^running/, /func="tree_sum"/],
    ['-exec-finish', /^\^running/, /return-value="120"/],
    ['-exec-next', /^\^running/, /end-stepping-range/],
    [`-break-insert -t "${KERNEL}:${SUM}"`, /^\^done/],
    [`-exec-jump "${KERNEL}:${SUM}"`, /^\^running/, AT_SUM],
    ['-break-delete 1', /^\^done/],
    ['-target-detach', /^\^done/],
  ],
};

/**
 * CLion's driver is not public, but people have put its log into issues: how it begins is from there. `.gdbinit` is read before the
 * connection. The commands of a stop and of its windows are those of the gdb manual, "GDB/MI", for what the windows show.
 */
const clion: MiSequence = {
  editor: 'CLion',
  source: 'logs in github.com/intellij-rust/intellij-rust/pull/5014, koutheir/libcxx-pretty-printers/issues/9, satamas/fortran-plugin/issues/22, ' +
    'hth313/Calypsi-tool-chains/issues/8; the field "\'target remote\' args" of its Remote Debug',
  args: () => ['--interpreter=mi2'],
  rows: (address, program) => [
    ['-list-thread-groups', /^\^done,groups=\[\{id="i1",type="process"\}\]/],
    ['inferior 1', /^\^done/],
    ['-gdb-set print elements 1000', /^\^done/],
    ['-gdb-set print repeats 0', /^\^done/],
    ['python import sys; sys.path.insert(0, "/no/such/renderers")', /^\^done/],
    ['info pretty-printer', /^\^done/],
    [`-file-exec-and-symbols ${program}`, /^\^done/],
    [`-break-insert -f ${KERNEL}:${SUM}`, /^\^done,bkpt=\{number="1"/],
    [`target remote ${address}`, /^\^done/, /func="_start"/],
    ['-list-thread-groups', /^\^done,groups=\[\{id="i1",type="process",pid="1"/],
    ['-exec-continue', /^\^running/, AT_SUM],
    ['-thread-list-ids', /^\^done,thread-ids=\{thread-id="1"\},current-thread-id="1",number-of-threads="1"/],
    ['-thread-info', /name="cpu0"/],
    ['-stack-list-frames --thread 1 0 100', /func="kernel_main"/],
    ['-stack-list-variables --thread 1 --frame 0 --all-values', /name="sum"/],
    ['-var-create --thread 1 --frame 0 - * root', /^\^done,name="var1"/],
    ['-data-read-memory-bytes 0x100000 256', /contents="0f0115/],
    ['-gdb-set disassembly-flavor intel', /^\^done/],
    ['-data-disassemble -s 0x100000 -e 0x100020 -- 0', /inst="lgdt +.*\[rip/],
    ['-interpreter-exec console "info registers rip cr3"', /^\^done/],
    ['-exec-step --thread 1', /^\^running/, /func="tree_sum"/],
    ['-exec-finish --thread 1', /^\^running/, /function-finished/],
    ['-exec-until', /^\^running/, /end-stepping-range/],
    ['-target-disconnect', /^\^done/],
  ],
};

/** Eclipse CDT, GDB Hardware Debugging with the settings of examples/ide/eclipse: steps of its launch sequence, then what its views ask for. */
const eclipse: MiSequence = {
  editor: 'Eclipse CDT',
  source: 'github.com/eclipse-cdt/cdt: FinalLaunchSequence (getExecutionOrder), GDBJtagDSFFinalLaunchSequence and its _7_7, ' +
    'DefaultGDBJtagDeviceImpl, DefaultGDBJtagConnectionImpl; MIBreakpoints, MIStack, MIRunControl (org.eclipse.cdt.dsf.gdb)',
  args: () => ['--interpreter', 'mi2', '--nx'],
  rows: (address, program) => [
    ['-gdb-version', /^\^done/],
    ['-list-features', /^\^done/],
    [`-environment-cd ${GUESTS_FOLDER}`, /^\^done/],
    ['-gdb-set breakpoint pending on', /^\^done/],
    ['-gdb-set detach-on-fork on', /^\^done/],
    ['-enable-pretty-printing', /^\^done/],
    ['-gdb-set python print-stack none', /^\^done/],
    ['-gdb-set print object on', /^\^done/],
    ['-gdb-set print sevenbit-strings on', /^\^done/],
    ['-gdb-set charset ISO-8859-1', /^\^done/],
    ['-gdb-set dprintf-style gdb', /^\^done/],
    ['source .gdbinit', /^\^error,msg=".gdbinit: No such file/],
    ['-gdb-set mi-async on', /^\^done/],
    ['-gdb-set auto-solib-add on', /^\^done/],
    [`-file-exec-file ${program}`, /^\^done/],
    [`symbol-file ${program}`, /^\^done/],
    [`-target-select remote ${address}`, /^\^connected/, /func="_start"/],
    // Eclipse's own preset of the tab "Startup", which examples/ide/eclipse switches off.
    ['monitor reset', /^\^done/],
    ['monitor halt', /^\^done/],
    ['-list-thread-groups', /^\^done,groups=\[\{id="i1",type="process",pid="1"/],
    ['-list-thread-groups i1', /^\^done,threads=\[\{id="1"/],
    [`-break-insert -f ${KERNEL}:${SUM}`, /^\^done,bkpt=\{number="1"/],
    ['-exec-continue --thread 1', /^\^running/, AT_SUM],
    ['-thread-info 1', /^\^done/],
    ['-stack-info-depth --thread 1 11', /^\^done,depth="2"/],
    ['-stack-list-frames --thread 1 0 1', /^\^done,stack=/],
    ['-stack-list-locals --thread 1 --frame 0 1', /^\^done,locals=\[\{name="sum"/],
    ['-var-create --thread 1 --frame 0 - * sum', /^\^done,name="var1"/],
    ['-var-set-format var1 hexadecimal', /^\^done/],
    ['-data-list-register-names --thread 1', /"rip"/],
    ['-data-list-register-values --thread 1 --frame 0 x 16', /^\^done,register-values=\[\{number="16",value="0x/],
    ['-data-write-memory-bytes 0x9000 0102', /^\^done/],
    ['-data-read-memory-bytes 0x9000 2', /contents="0102"/],
    ['-data-evaluate-expression --thread 1 --frame 0 $efer', /LMA/],
    ['-exec-step --thread 1 1', /^\^running/, /func="tree_sum"/],
    ['-exec-finish --thread 1 --frame 0', /^\^running/, /function-finished/],
    ['-exec-next --thread 1 1', /^\^running/, /end-stepping-range/],
    ['-target-detach i1', /^\^(done|error)/],
  ],
};

export const miSequences: readonly MiSequence[] = [cpptools, nativeDebug, clion, eclipse];
