/** What stands at the pc of an exit: a patch of ours, for whichever vCPU it was planted, or code of the guest's. */
import type { ClassifyInput } from '../breakpoints/classify.js';
import { decode, LONGEST_INSTRUCTION } from '../x86/instruction-decode.js';
import type { CpuView } from './cpu-view.js';
import type { Planting } from './planting.js';

export function codeAtExit(view: CpuView, planting: Planting): Pick<ClassifyInput, 'pc' | 'patchAt' | 'byteAt' | 'isOtherCodeAt'> {
  return {
    pc: view.pc,
    patchAt: (linear) => planting.patchAt(view, linear),
    byteAt: (linear) => view.memory.peek(linear, 1)[0],
    isOtherCodeAt: (linear) => {
      const instruction = decode(view.memory.peek(linear, LONGEST_INSTRUCTION), view.mode.operandBits, linear);
      return instruction !== undefined && instruction.mnemonic !== 'int3';
    },
  };
}
