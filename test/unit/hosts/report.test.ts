/** What `npm run test:hosts` prints, and the tables it makes of doctor's text. */
import test from 'tape';
import { script } from '../../project-folders.js';

interface HostReport {
  readonly name: string;
  readonly results: ReadonlyMap<string, object>;
}

interface Report {
  begin(name: string, title: string): HostReport;
  file(host: HostReport, result: object): void;
  leftOut(host: HostReport, file: string, reason: string): void;
  unavailable(host: HostReport, reason: string): void;
  lost(host: HostReport, trouble: string, missing: readonly string[]): void;
  again(host: HostReport, trouble: string, files: readonly string[]): void;
  notReached(host: HostReport, seconds: number, files: readonly string[]): void;
  readonly hosts: readonly object[];
  end(): void;
  readonly status: number;
}

interface Column {
  readonly name: string;
  readonly capabilities: ReadonlyMap<string, string>;
}

interface DoctorTable {
  readonly tables: (texts: readonly string[]) => string;
  readonly columnOf: (text: string) => Column;
  readonly columnInDocument: (document: string, name: string) => ReadonlyMap<string, string>;
}

type Results = Readonly<Record<string, Readonly<Record<string, object>>>>;
type FilesOf = (name: string) => readonly string[];

interface FullRecord {
  readonly recorded: (record: Results, hosts: readonly object[], filesOf: FilesOf, commit: string) => Results;
  readonly withTable: (document: string, record: Results, names: readonly string[], filesOf: FilesOf) => string;
}

interface RunRecord {
  readonly recordOf: (hosts: readonly object[], run: { commit: string; date: string }) => string;
  readonly withRecord: (document: string, record: string) => string;
}

const RESULT = { file: 'a.test.ts', passed: 3, failed: 0, skipped: 0, seconds: 1, details: '', reasons: [] };

async function newReport(): Promise<{ report: Report; lines: string[] }> {
  const { Report: Class } = await script<{ Report: new (write: (line: string) => void) => Report }>('test/hosts/report.mjs');
  const lines: string[] = [];
  return { report: new Class((line) => lines.push(line)), lines };
}

test('report: a file that is left out is skipped, with its reason', async (t) => {
  const { report, lines } = await newReport();
  const svm = report.begin('svm', 'kvm_amd in QEMU TCG');
  report.leftOut(svm, 'a.test.ts', 'too slow there');
  report.end();
  t.ok(svm.results.has('a.test.ts'), 'it is on record');
  t.ok(lines.includes('svm skipped: too slow there'));
  t.equal(lines.at(-1), '0 passed, 0 failed, 1 skipped');
});

test('report: hosts in a table, reasons for what was skipped, the sum last', async (t) => {
  const { report, lines } = await newReport();
  const local = report.begin('local', 'kvm_x of this machine');
  const svm = report.begin('svm', 'kvm_amd in QEMU TCG');
  report.file(local, RESULT);
  report.file(svm, { ...RESULT, skipped: 1, reasons: ['no such thing there'] });
  report.file(svm, { ...RESULT, skipped: 1, reasons: ['no such thing there'] });
  report.end();
  t.deepEqual(lines.filter((line) => line.startsWith('|')).map((line) => line.replace(/ +/g, ' ')), [
    '| host | | passed | failed | skipped | seconds |', '|---|---|---:|---:|---:|---:|',
    '| local | kvm_x of this machine | 3 | 0 | 0 | 0 |', '| svm | kvm_amd in QEMU TCG | 6 | 0 | 2 | 0 |',
  ]);
  t.deepEqual(lines.filter((line) => line.includes('no such thing')), ['svm skipped: no such thing there'], 'once');
  t.equal(lines.at(-1), '9 passed, 0 failed, 2 skipped');
  t.equal(report.status, 0);
});

test('report: a host that cannot be had is skipped; a lost one fails with all that it owed', async (t) => {
  const { report, lines } = await newReport();
  report.unavailable(report.begin('vmx', 'x'), 'apt-get does not run here.');
  t.equal(report.status, 0);
  const svm = report.begin('svm', 'y');
  report.file(svm, { ...RESULT, failed: 1, details: 'not ok 4', problem: 'the file ended before all its tests did' });
  report.lost(svm, 'The host was lost.', ['b.test.ts', 'c.test.ts']);
  report.end();
  t.ok(lines.includes('vmx: skipped: apt-get does not run here.') && lines.includes('svm c.test.ts has no result') && lines.includes('not ok 4'));
  t.deepEqual([...svm.results.keys()], ['a.test.ts', 'b.test.ts', 'c.test.ts'], 'and is recorded so');
  t.equal(lines.at(-1), '3 passed, 3 failed, 1 skipped');
  t.equal(report.status, 1);
});

test('report: a host that is started once more, and one whose time is up, in words; the record of it', async (t) => {
  const { report, lines } = await newReport();
  const svm = report.begin('svm', 'kvm_amd in QEMU TCG');
  report.file(svm, RESULT);
  report.again(svm, 'The host was lost.', ['b.test.ts', 'c.test.ts']);
  t.equal(lines.at(-1), 'svm: The host was lost.\nsvm: it is started once more, with 2 files from b.test.ts on');
  report.notReached(svm, 90, ['c.test.ts']);
  report.end();
  t.ok(lines.includes('svm skipped: not reached in 90 seconds: c.test.ts') && lines.includes('svm was lost and started once more'));
  t.equal(lines.at(-1), '3 passed, 0 failed, 1 skipped');
  t.equal(report.status, 0);

  const { recordOf, withRecord } = await script<RunRecord>('test/hosts/run-record.mjs');
  const run = { commit: 'commit 1234', date: '2026-11-21' };
  const record = recordOf(report.hosts, run);
  t.match(record, /in one run at commit 1234, 2026-11-21:\n\n.*\n.*\n\| svm \| kvm_amd in QEMU TCG \| 3 \| 0 \| 1 \|\n\n- svm skipped: not reached/);
  t.match(record, /\n- svm was lost and started once more\n/);
  const document = `before\n${recordOf([], run)}\nafter\n`;
  t.equal(withRecord(document, record), `before\n${record}\nafter\n`, 'in the place of the one before');
  t.throws(() => withRecord('a document', record), /has no record/);
});

test('the record of everything: by file, made in parts, and its table by folder', async (t) => {
  const { recorded, withTable } = await script<FullRecord>('test/hosts/full-record.mjs');
  const files = ['test/a/one.test.ts', 'test/a/two.test.ts', 'test/b/three.test.ts'];
  const filesOf = (name: string): string[] => (name === 'svm' ? files : files.slice(0, 2));
  const { report } = await newReport();
  const svm = report.begin('svm', 'kvm_amd');
  report.file(svm, { ...RESULT, file: files[0], skipped: 1, reasons: ['it crashes'] });
  report.file(svm, { ...RESULT, file: files[2], failed: 2 });
  const first = recorded({ svm: { gone: {} } }, report.hosts, filesOf, 'c1');
  t.deepEqual(Object.keys(first['svm'] ?? {}), [files[0], files[2]], 'what is gone is left out');
  const { report: later } = await newReport();
  later.file(later.begin('svm', 'kvm_amd'), { ...RESULT, file: files[1] });
  const local = later.begin('local', 'here');
  for (const file of filesOf('local')) later.file(local, { ...RESULT, file });
  const both = recorded(first, later.hosts, filesOf, 'c2');
  const table = (record: Results): string => withTable('before\n<!-- made by: npm run test:hosts -- --all --record -->\nold\n<!-- end of the record -->\nafter', record, ['local', 'svm'], filesOf);
  t.ok(table(first).includes('| test/a | not run yet | 3 passed, 1 skipped, 1 of 2 files not run yet (c1) |\n| test/b |  | 3 passed, 2 FAILED (c1) |\n'), table(first));
  t.ok(table(both).includes('| test/a | 6 passed (c2) | 6 passed, 1 skipped (c1, c2) |'), table(both));
  t.match(table(both), /^before\n<!-- made[^]*\n- svm skipped: it crashes\n<!-- end of the record -->\nafter$/);
  t.throws(() => withTable('a document', both, [], filesOf), /has no record/);
});

test('reasons: on either side of SKIP', async (t) => {
  const { reasonsOf } = await script<{ reasonsOf: (output: string) => string[] }>('test/hosts/run-job.mjs');
  t.deepEqual(reasonsOf('ok 1 fine\nok 3 a session: it crashes # SKIP\n# SKIP the library cannot be built\nok 4 a session: it crashes # SKIP\nok 5 # SKIP\n'),
    ['a session: it crashes', 'the library cannot be built']);
});

const doctor = (virtualization: string, int3: string): string => `ok      /dev/kvm opens

This host:
kernel            6.1.0-42-cloud-amd64
processor         Some Processor (amd)
virtualization    ${virtualization}
KVM modules       kvm kvm_x

What this host's KVM does for a debugger:
                            real       protected  long
single step                 yes        yes        yes
int3 patch stops            ${int3}
a faulting step             runs the handler freely (its entry is trapped)

What is therefore used:
software breakpoint         debug register; a fifth: hlt patch

Speed: a step takes 1 µs, an exit to a device and back 2 µs.
`;

test('tables: made of doctor\'s text, and read back', async (t) => {
  const { tables, columnOf, columnInDocument } = await script<DoctorTable>('test/hosts/doctor-table.mjs');
  const texts = [doctor('software: KVM works without VMX or SVM', 'no         yes        no'), doctor('SVM npt', 'no         no         no')];
  const made = tables(texts);
  t.ok(made.includes('| kernel | 6.1 | 6.1 |') && made.includes('|  | software | SVM |'), made);
  t.ok(made.includes('| int3 patch stops | real: no, protected: yes, long: no | no |'));
  for (const text of texts) {
    const { name, capabilities } = columnOf(text);
    t.equal(capabilities.size, 4);
    const documented = columnInDocument(`before\n| x | y |\n${made}\n| single step | wrong | wrong |\n`, name);
    for (const [label, cell] of capabilities) t.equal(documented.get(label), cell, `${name}: ${label}`);
  }
  t.equal(columnInDocument(made, 'VMX').size, 0, 'no such column');
  t.equal(columnInDocument('a document without tables', 'SVM').size, 0);
  t.throws(() => columnOf('FAILED  There is no /dev/kvm'), /has no part "This host"/);
});
