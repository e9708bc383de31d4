/** `kvm-gdbserver doctor`: does KVM work here, and what does it offer a debugger? Exit status 0 if it works, else 1. */
import { capabilitiesTable } from '../debugger/monitor/info-machine.js';
import { mechanismsText, plannedMechanisms } from '../debugger/planned-mechanisms.js';
import { probeThisHost } from '../debugger/probe-machine.js';
import { checkHost } from '../vmm/host/host-check.js';
import { describeHost, hostText } from '../vmm/host/host-description.js';
import { readHostFacts } from '../vmm/host/host-facts.js';
import { measureHostSpeed } from '../vmm/host/host-speed.js';
import { tscCanBeSet } from '../vmm/host/tsc-control.js';

/**
 * `json`: `{ ok, lines: [{ step, ok, detail }], explanation?, host, capabilities?, planned?, speed?, tscCanBeSet? }` instead of text;
 * the last four where KVM works.
 */
export function runDoctor(json: boolean): number {
  const facts = readHostFacts();
  const host = describeHost(facts);
  const check = checkHost(() => facts);
  const write = (text: string): void => void (json || process.stdout.write(text));
  for (const { ok, detail } of check.lines) write(`${ok ? 'ok      ' : 'FAILED  '}${detail}\n`);
  if (check.explanation !== undefined) write(`\n${check.explanation}\n`);
  write(`\nThis host:\n${hostText(host, check.ok)}`);
  const offer = check.ok ? whatItOffers() : undefined;
  if (offer !== undefined) {
    const { capabilities, planned, speed, tscCanBeSet: tscStands } = offer;
    write(`\nWhat this host's KVM does for a debugger:\n${capabilitiesTable(capabilities)}`);
    write(`\nWhat is therefore used:\n${mechanismsText(planned)}`);
    write(`\nTime: while a guest is stopped its clocks stand (--clock pause)${tscStands ? ', its TSC too' : ', but its TSC goes on: this KVM lets nobody set it'}.\n`);
    write(`\nSpeed: a step takes ${speed.stepMicroseconds} µs, an exit to a device and back ${speed.exitMicroseconds} µs.\n`);
  }
  if (json) process.stdout.write(`${JSON.stringify({ ...check, host, ...offer }, undefined, 2)}\n`);
  return check.ok ? 0 : 1;
}

function whatItOffers() {
  const capabilities = probeThisHost();
  return { capabilities, planned: plannedMechanisms(capabilities), speed: measureHostSpeed(), tscCanBeSet: tscCanBeSet() };
}
