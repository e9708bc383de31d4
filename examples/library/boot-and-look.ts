/** Boots a boot sector, runs it into long mode and looks around. After the build: node dist/examples/library/boot-and-look.js FILE */
import { Machine } from 'kvm-gdbserver';

const machine = Machine.boot(process.argv[2] ?? 'examples/guests/build/modes.img');
const stop = await machine.runTo(0x7cc9n); // put64, the first call in long mode
console.log(stop.reason.kind, `0x${machine.pc.toString(16)}`);
console.log('al =', String.fromCharCode(Number(machine.readRegister('rax') & 0xffn)));
console.log('efer = 0x' + machine.readRegister('efer').toString(16));
console.log('page directory:', Buffer.from(machine.readMemory(0x3000n, 8)).toString('hex'));
console.log(machine.monitor('info mem').trimEnd());
machine.close();
