/**
 * A PS/2 mouse that nobody moves: it answers every command of the IBM PS/2 Hardware Interface Technical Reference, "Mouse",
 * so that drivers find one, and reports no movement unless it is asked.
 */
import { savedNumber, type DeviceState } from '../device.js';

const ACK = 0xfa, SELF_TEST_PASSED = 0xaa, STANDARD_MOUSE = 0x00;
/** Status: enabled, scaling 2:1, remote mode. */
const ENABLED = 0x20, SCALING = 0x10, REMOTE = 0x40;
/** Sample rate in reports a second and resolution (4 counts/mm) after a reset. */
const DEFAULT_RATE = 100, DEFAULT_RESOLUTION = 2;
/** A report of no movement: bit 3 is always set. */
const STILL = [0x08, 0x00, 0x00];

export class Ps2Mouse {
  #answers: number[] = [];
  #status = 0;
  #resolution = DEFAULT_RESOLUTION;
  #rate = DEFAULT_RATE;
  #awaiting = 0;

  /** The next byte for the controller, if there is one. */
  next(): number | undefined {
    return this.#answers.shift();
  }

  /** A byte from the controller (command 0xD4). */
  receive(value: number): void {
    const command = this.#awaiting;
    this.#awaiting = 0;
    this.#answers.push(ACK);
    if (command === 0xe8) this.#resolution = value & 3;
    else if (command === 0xf3) this.#rate = value;
    else this.#command(value);
  }

  #command(value: number): void {
    switch (value) {
      case 0xe6: this.#status &= ~SCALING; break;
      case 0xe7: this.#status |= SCALING; break;
      case 0xe8: case 0xf3: this.#awaiting = value; break;
      case 0xe9: this.#answers.push(this.#status, this.#resolution, this.#rate); break;
      case 0xea: this.#status &= ~REMOTE; break;
      case 0xeb: this.#answers.push(...STILL); break;
      case 0xf0: this.#status |= REMOTE; break;
      case 0xf2: this.#answers.push(STANDARD_MOUSE); break;
      case 0xf4: this.#status |= ENABLED; break;
      case 0xf5: this.#status &= ~ENABLED; break;
      case 0xf6: this.#setDefaults(); break;
      case 0xff:
        this.#setDefaults();
        this.#answers.push(SELF_TEST_PASSED, STANDARD_MOUSE);
        break;
      default: break;
    }
  }

  #setDefaults(): void {
    this.#status = 0;
    this.#resolution = DEFAULT_RESOLUTION;
    this.#rate = DEFAULT_RATE;
  }

  reset(): void {
    this.#answers = [];
    this.#awaiting = 0;
    this.#setDefaults();
  }

  save(): DeviceState {
    return { answers: [...this.#answers], status: this.#status, resolution: this.#resolution, rate: this.#rate, awaiting: this.#awaiting };
  }

  restore(state: DeviceState): void {
    this.#answers = [...state['answers'] as number[]];
    this.#status = savedNumber(state, 'status');
    this.#resolution = savedNumber(state, 'resolution');
    this.#rate = savedNumber(state, 'rate');
    this.#awaiting = savedNumber(state, 'awaiting');
  }
}
