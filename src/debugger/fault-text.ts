/**
 * The exits after which a machine cannot go on, each as a signal for gdb and one plain sentence
 * (KVM api.rst, "The kvm_run structure"; SDM vol. 3, 28.8 for failed VM entries).
 */
import type { FaultSignal } from '../target.js';
import type { Exit } from '../vmm/exit.js';
import { instructionKind } from './emulator-limits.js';

/** `errno` of KVM_RUN for memory that it cannot reach (errno(3)). */
const EFAULT = 14;

export interface Fault {
  readonly signal: FaultSignal;
  readonly text: string;
}

/** What the sentence may say about the place: `cpu0`, and the pc as text. */
export interface FaultPlace {
  readonly cpu: string;
  /** `0x7c10 in 16-bit real mode` */
  readonly where: string;
  /** The host lost the registers at the triple fault (SVM), and the last known ones were put back. */
  readonly registersRestored: boolean;
  /** Whether guest memory is at the pc. */
  readonly hasMemory: boolean;
}

/** The fault that an exit means, or undefined for an exit that is none. */
export function describeFault(exit: Exit, place: FaultPlace): Fault | undefined {
  const { cpu, where } = place;
  switch (exit.reason) {
    case 'shutdown':
      return {
        signal: 'SIGSEGV',
        text: `Triple fault on ${cpu} at ${where}: an exception could not be delivered, nor the exceptions that followed from it` +
          (place.registersRestored
            ? '. This host (SVM) resets the processor at a triple fault; the registers shown are those of the last exit before it.'
            : '. The registers are those of the faulting instruction; "monitor reset halt" starts over.'),
      };
    case 'fail-entry':
      return {
        signal: 'SIGABRT',
        text: `The processor refused to enter the guest on ${cpu} at ${where} (hardware reason 0x${exit.hardwareReason.toString(16)}): its control registers, segments or descriptor tables are in a state that hardware does not allow.`,
      };
    case 'internal-error':
      if (exit.suberror === 1 && !place.hasMemory) {
        return { signal: 'SIGSEGV', text: `${cpu} went to ${where}, where the guest has no memory: there is nothing to execute.` };
      }
      return { signal: 'SIGILL', text: internalErrorText(exit.suberror, exit.instruction, place) };
    case 'run-error':
      return { signal: exit.errno === EFAULT ? 'SIGBUS' : 'SIGABRT', text: `${cpu} stopped at ${where}: ${exit.message}.` };
    case 'memory-fault':
      return { signal: 'SIGBUS', text: `${cpu} stopped at ${where}: KVM could not use host memory behind guest-physical 0x${exit.address.toString(16)}.` };
    case 'exception':
      return { signal: 'SIGTRAP', text: `${cpu} stopped at ${where}: exception ${exit.exception} left the guest.` };
    case 'hypercall':
      return { signal: 'SIGTRAP', text: `${cpu} made hypercall ${exit.nr} at ${where}, which this machine does not offer.` };
    case 'notify':
      return { signal: 'SIGABRT', text: `${cpu} made no progress in the guest at ${where} (KVM notify window).` };
    case 'unsupported':
      return { signal: 'SIGABRT', text: `${cpu} left the guest at ${where} with KVM exit ${exit.number}, which this version does not know.` };
    case 'rdmsr':
    case 'wrmsr':
    case 'tpr-access':
    case 'set-tpr':
    case 'ioapic-eoi':
    case 'irq-window-open':
    case 'nmi':
    case 'bus-lock':
      return { signal: 'SIGTRAP', text: `${cpu} left the guest at ${where} (${exit.reason}), which this machine did not ask for.` };
    default:
      return undefined;
  }
}

function internalErrorText(suberror: number, instruction: Uint8Array | undefined, { cpu, where }: FaultPlace): string {
  switch (suberror) {
    case 1: {
      const bytes = instruction === undefined || instruction.length === 0 ? '' : ` (${hexBytes(instruction)})`;
      const kind = (instruction === undefined ? undefined : instructionKind(instruction)) ?? 'it';
      return `KVM on this host cannot emulate the instruction${bytes} at ${where} on ${cpu}: ${kind} is not in KVM's instruction emulator, in which ` +
        'a software KVM runs all kernel code; on a host with VMX or SVM the processor itself runs what reaches no device or missing memory (docs/hosts.md).';
    }
    case 2:
      return `KVM met two exceptions at once on ${cpu} at ${where} and could not go on.`;
    case 3:
      return `KVM could not deliver an event to ${cpu} at ${where}: the guest's interrupt table or stack cannot be reached.`;
    default:
      return `KVM reported internal error ${suberror} on ${cpu} at ${where}.`;
  }
}

function hexBytes(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
