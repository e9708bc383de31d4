/** docs/hosts.md says of this host what doctor says (its tables: npm run test:hosts -- --doctor --table). */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'tape';
import { PACKAGE_FOLDER, script } from '../project-folders.js';
import { SERVER_MAIN } from '../server-command.js';

interface Column {
  readonly name: string;
  readonly facts: ReadonlyMap<string, string>;
  readonly capabilities: ReadonlyMap<string, string>;
}

interface DoctorTable {
  readonly columnOf: (text: string) => Column;
  readonly columnInDocument: (document: string, name: string) => ReadonlyMap<string, string>;
}

test('docs/hosts.md: the column of this host', async (t) => {
  const { columnOf, columnInDocument } = await script<DoctorTable>('test/hosts/doctor-table.mjs');
  const doctor = spawnSync(process.execPath, [SERVER_MAIN, 'doctor'], { encoding: 'utf8', timeout: 120_000 });
  t.equal(doctor.status, 0, doctor.stderr);
  const { name, facts, capabilities } = columnOf(doctor.stdout);
  const documented = columnInDocument(readFileSync(join(PACKAGE_FOLDER, 'docs/hosts.md'), 'utf8'), name);
  const modules = facts.get('KVM modules');
  if (documented.get('KVM modules') !== modules || (process.env['HOST_NAME'] === 'local' && name !== 'software')) {
    // Another machine's KVM, perhaps on a processor that the document has not met.
    t.comment(`not compared: docs/hosts.md has no column for ${modules} on this machine`);
    t.ok(capabilities.size > 10, 'doctor says what it found');
    return;
  }
  for (const [label, cell] of capabilities) t.equal(documented.get(label), cell, label);
});
