/** `monitor catch` with the interrupt controllers in the kernel: HLT does not leave KVM, interrupts come, CPUs are several. */
import test from 'tape';
import { MachineTarget } from '../../../src/debugger/machine-target.js';
import type { ResumeAction, StopEvent } from '../../../src/target.js';
import { Machine } from '../../../src/vmm/machine.js';
import { hostCapabilities, type TestMode } from './guest-under-debug.js';

const NOP = 0x90;
const HLT = 0xf4;
const SPIN = [0xeb, 0xfe];

class IrqchipGuest {
  readonly machine: Machine;
  readonly target: MachineTarget;
  readonly console: string[] = [];

  constructor(mode: TestMode, code: readonly number[], cpus = 1) {
    this.machine = Machine.create({ memory: 4 << 20, irqchip: 'kernel', cpus, guest: { bytes: Uint8Array.from(code), name: 'test', boot: 'flat', mode } });
    this.target = new MachineTarget(this.machine, { capabilities: hostCapabilities });
    this.target.onConsole((text) => this.console.push(text));
  }

  monitor(command: string): string {
    let text = '';
    this.target.monitor.execute(command, (part) => { text += part; });
    return text;
  }

  /** Resumes all CPUs; interrupts them when nothing has stopped them after so many milliseconds. */
  run(milliseconds: number, kind: 'continue' | 'step' = 'continue'): Promise<StopEvent> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.target.interrupt(), milliseconds);
      const listening = this.target.onStop((stop) => {
        clearTimeout(timer);
        listening.dispose();
        resolve(stop);
      });
      const actions = this.target.threads().map(({ id }): ResumeAction => ({ kind, thread: id }));
      this.target.resume(kind === 'step' ? actions.slice(0, 1) : actions);
    });
  }
}

test('catch hlt with the irqchip in the kernel is found by stepping', async (t) => {
  for (const mode of ['real', 'protected', 'long'] as const) {
    const guest = new IrqchipGuest(mode, [NOP, 0xfa, HLT, NOP, ...SPIN]);
    t.match(guest.monitor('catch hlt'), /^Catchpoint 1: hlt\nKVM has no exit for it, so the guest is stepped/);
    const stop = await guest.run(5000);
    t.match(stop.text ?? '', /^cpu0: HLT at 0x[0-9a-f]+ \(\w+\), with interrupts disabled\.$/, mode);
    guest.machine.close();
  }
});

/** mov al,value; out port,al */
const out = (port: number, value: number): number[] => [0xb0, value, 0xe6, port];

test('catch exception all: the timer\'s interrupts go on', async (t) => {
  const code = [
    // PIC from vector 8, IRQ 0 open; PIT channel 0 at 2331 Hz; its handler at 7d00
    0xfa, ...out(0x20, 0x11), ...out(0x21, 0x08), ...out(0x21, 0x04), ...out(0x21, 0x01), ...out(0x21, 0xfe),
    ...out(0x43, 0x34), ...out(0x40, 0x00), ...out(0x40, 0x02),
    0xc7, 0x06, 0x20, 0x00, 0x00, 0x7d, 0xc7, 0x06, 0x22, 0x00, 0x00, 0x00,
    0xfb, ...SPIN,
  ];
  // inc byte [0x600]; push ax; EOI; pop ax; iret
  const handler = [0xfe, 0x06, 0x00, 0x06, 0x50, ...out(0x20, 0x20), 0x58, 0xcf];
  const guest = new IrqchipGuest('real', [...code, ...Array<number>(0x100 - code.length).fill(0), ...handler]);
  guest.monitor('catch exception all');
  t.equal((await guest.run(300)).reason.kind, 'interrupt', 'no stop');
  t.ok(guest.machine.memory.read(0x600, 1)[0] > 2, 'and the handler ran');
  guest.machine.close();
});

test('catch io and exceptions on another CPU: the stop is that CPU\'s', async (t) => {
  // mov dword [fee00300],c4500 (INIT to the others); mov dword [fee00300],c4608 (SIPI, page 8); spin
  const code = [0xc7, 0x05, 0, 3, 0xe0, 0xfe, 0, 0x45, 0x0c, 0, 0xc7, 0x05, 0, 3, 0xe0, 0xfe, 8, 0x46, 0x0c, 0, ...SPIN];
  const guest = new IrqchipGuest('protected', code, 2);
  // out e9,al; xor cx,cx; div cx
  guest.machine.memory.write(0x8000, Uint8Array.from([0xe6, 0xe9, 0x31, 0xc9, 0xf7, 0xf1]));
  // Real-mode vector 0 is 0000:8100: nop; spin
  guest.machine.memory.write(0, Uint8Array.from([0x00, 0x81, 0, 0]));
  guest.machine.memory.write(0x8100, Uint8Array.from([NOP, ...SPIN]));
  guest.monitor('catch io 0xe9');
  guest.monitor('catch exception #DE');
  const io = await guest.run(5000);
  t.equal(io.thread, 2);
  t.match(io.text ?? '', /^cpu1 wrote 0x[0-9a-f]+, 1 byte, to port 0xe9/);
  const exception = await guest.run(5000);
  t.equal(exception.thread, 2);
  t.match(exception.text ?? '', /^cpu1: #DE \(divide error\), raised at 0x8004 \(real16\)\.$/);
  t.equal((await guest.run(200)).reason.kind, 'interrupt', 'it is not caught twice');
  guest.machine.close();
});
