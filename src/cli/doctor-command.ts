/** `kvm-gdbserver doctor`: does KVM work here, and what does it offer a debugger? Exit status 0 if it works, else 1. */
import { capabilitiesTable } from '../debugger/monitor/info-machine.js';
import { probeThisHost } from '../debugger/probe-machine.js';
import { checkHost } from '../vmm/host/host-check.js';
import { readHostFacts } from '../vmm/host/host-facts.js';

/** `json`: `{ ok, lines: [{ step, ok, detail }], explanation?, capabilities? }` instead of text. */
export function runDoctor(json: boolean): number {
  const check = checkHost(readHostFacts);
  const write = (text: string): void => void (json || process.stdout.write(text));
  for (const { ok, detail } of check.lines) write(`${ok ? 'ok      ' : 'FAILED  '}${detail}\n`);
  if (check.explanation !== undefined) write(`\n${check.explanation}\n`);
  const capabilities = check.ok ? probeThisHost() : undefined;
  if (capabilities !== undefined) write(`\nWhat this host's KVM does for a debugger:\n${capabilitiesTable(capabilities)}`);
  if (json) process.stdout.write(`${JSON.stringify({ ...check, capabilities }, undefined, 2)}\n`);
  return check.ok ? 0 : 1;
}
