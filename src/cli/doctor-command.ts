/** `kvm-gdbserver doctor`: does KVM work here, and what does it offer a debugger? Exit status 0 if it works, else 1. */
import { capabilitiesTable } from '../debugger/monitor/info-machine.js';
import { probeThisHost } from '../debugger/probe-machine.js';
import { checkHost } from '../vmm/host/host-check.js';
import { readHostFacts } from '../vmm/host/host-facts.js';

export function runDoctor(json: boolean): number {
  const check = checkHost(readHostFacts);
  const capabilities = check.ok ? probeThisHost() : undefined;
  process.stdout.write(json ? `${JSON.stringify({ ...check, capabilities }, undefined, 2)}\n` : '');
  if (json) return check.ok ? 0 : 1;
  for (const { ok, detail } of check.lines) process.stdout.write(`${ok ? 'ok      ' : 'FAILED  '}${detail}\n`);
  if (check.explanation !== undefined) process.stdout.write(`\n${check.explanation}\n`);
  if (capabilities !== undefined) process.stdout.write(`\nWhat this host's KVM does for a debugger:\n${capabilitiesTable(capabilities)}`);
  return check.ok ? 0 : 1;
}
