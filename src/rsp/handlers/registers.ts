/** `g G p P`: registers of the thread that `Hg` chose (gdb manual, "Packets"). */
import { TargetError } from '../../target.js';
import type { RegisterInfo } from '../../target.js';
import type { CommandSpec } from '../command-spec.js';
import { parseRegisterNumber, parseRegisterWrite } from '../command-parser.js';
import { fromHex } from '../hex.js';
import type { SessionState } from '../session-state.js';

function findRegister(session: SessionState, regnum: number): RegisterInfo {
  const register = session.target.description.registers[regnum];
  if (register === undefined) throw new TargetError(`There is no register ${regnum}.`);
  return register;
}

function writeAll(session: SessionState, args: Buffer): string {
  const block = fromHex(args);
  const { size } = session.target.description;
  if (block === undefined || block.length !== size) {
    throw new TargetError(`A G packet carries ${size} bytes in hex; this one does not.`);
  }
  session.target.writeRegisters(session.generalThread, block);
  return 'OK';
}

function writeOne(session: SessionState, args: Buffer): string {
  const { regnum, value } = parseRegisterWrite(args);
  const register = findRegister(session, regnum);
  if (value.length !== register.size) {
    throw new TargetError(`Register ${register.name} has ${register.size} bytes, the packet ${value.length}.`);
  }
  session.target.writeRegister(session.generalThread, regnum, value);
  return 'OK';
}

export const registerCommands: readonly CommandSpec[] = [
  { name: 'g', whileOthersRun: true, handle: (session) => ({ hex: session.target.readRegisters(session.generalThread) }) },
  { name: 'G', whileOthersRun: true, handle: writeAll },
  {
    name: 'p',
    whileOthersRun: true,
    handle: (session, args) => {
      const { regnum } = findRegister(session, parseRegisterNumber(args));
      return { hex: session.target.readRegister(session.generalThread, regnum) };
    },
  },
  { name: 'P', whileOthersRun: true, handle: writeOne, explains: true },
];
