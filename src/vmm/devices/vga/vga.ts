/**
 * A VGA's ports, 3B0h–3BBh and 3C0h–3DFh (IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem"). Port 3B0h
 * is offset 0. The CRT controller and status register 1 are at 3Bxh or 3Dxh, as bit 0 of miscellaneous output says.
 */
import { savedNumber, type AccessSize, type DeviceState, type PortDevice } from '../../device.js';
import type { Dac } from './dac.js';
import { retraceStatus } from './retrace.js';
import { CRTC, type RegisterBank, type VgaRegisters } from './vga-registers.js';

const ATTRIBUTE = 0x3c0, ATTRIBUTE_READ = 0x3c1, MISCELLANEOUS_WRITE = 0x3c2, SUBSYSTEM_ENABLE = 0x3c3, SEQUENCER = 0x3c4, DAC_MASK = 0x3c6, DAC_READ = 0x3c7,
  DAC_WRITE = 0x3c8, DAC_DATA = 0x3c9, FEATURE_READ = 0x3ca, MISCELLANEOUS_READ = 0x3cc, GRAPHICS = 0x3ce;
/** At 3B0h or 3D0h. */
const CRT = 0x4, STATUS_1 = 0xa;
const FIRST_PORT = 0x3b0, COLOUR = 0x3d0;
/** Vertical retrace end: CRTC registers 0–7 cannot be written, but for bit 4 of the overflow register. */
const PROTECT = 0x80, LINE_COMPARE_8 = 0x10;
/** Attribute index: the palette belongs to the screen, not to the processor. */
const PALETTE_ON = 0x20;

export interface VgaWiring {
  readonly registers: VgaRegisters;
  readonly dac: Dac;
  /** A register has changed that may say where video memory is. */
  readonly memoryChanged: () => void;
  /** To the state in which a BIOS leaves it, or before any: called at reset, with the registers at 0. */
  readonly powerOn: (vga: Vga) => void;
  /** Nanoseconds. */
  readonly now?: () => bigint;
}

export class Vga implements PortDevice {
  readonly portWidth = 1 as const;
  readonly name = 'VGA';
  readonly registers: VgaRegisters;
  readonly dac: Dac;
  readonly #wiring: VgaWiring;
  #sequencerIndex = 0;
  #graphicsIndex = 0;
  #crtcIndex = 0;
  #attributeIndex = 0;
  /** The next write to 3C0h is an index. */
  #attributeTakesIndex = true;
  #feature = 0;

  /** To be reset before it is used. */
  constructor(wiring: VgaWiring) {
    this.#wiring = wiring;
    this.registers = wiring.registers;
    this.dac = wiring.dac;
  }

  /** Whether anything is shown at all. */
  get isOn(): boolean {
    return (this.#attributeIndex & PALETTE_ON) !== 0;
  }

  readPort(offset: number, _size: AccessSize): number {
    const port = FIRST_PORT + offset;
    const { sequencer, graphics, crtc, attribute, miscellaneous } = this.registers;
    switch (port) {
      case ATTRIBUTE: return this.#attributeIndex;
      case ATTRIBUTE_READ: return attribute.read(this.#attributeIndex & 0x1f);
      // Status 0: a colour display answers the sense.
      case MISCELLANEOUS_WRITE: return 0x10;
      case SUBSYSTEM_ENABLE: return 1;
      case SEQUENCER: return this.#sequencerIndex;
      case SEQUENCER + 1: return sequencer.read(this.#sequencerIndex);
      case DAC_MASK: return this.dac.pixelMask;
      case DAC_READ: return this.dac.state;
      case DAC_WRITE: return this.dac.writeIndex;
      case DAC_DATA: return this.dac.readData();
      case FEATURE_READ: return this.#feature;
      case MISCELLANEOUS_READ: return miscellaneous;
      case GRAPHICS: return this.#graphicsIndex;
      case GRAPHICS + 1: return graphics.read(this.#graphicsIndex);
      default:
    }
    switch (this.#crtOffset(port)) {
      case CRT: return this.#crtcIndex;
      case CRT + 1: return crtc.read(this.#crtcIndex);
      case STATUS_1:
        this.#attributeTakesIndex = true;
        return retraceStatus(this.registers.lines, (this.#wiring.now ?? process.hrtime.bigint)());
      default: return 0xff;
    }
  }

  writePort(offset: number, _size: AccessSize, value: number): void {
    const port = FIRST_PORT + offset;
    const { sequencer, graphics } = this.registers;
    switch (port) {
      case ATTRIBUTE: return this.#writeAttribute(value);
      case MISCELLANEOUS_WRITE:
        this.registers.miscellaneous = value;
        return this.#wiring.memoryChanged();
      case SEQUENCER: this.#sequencerIndex = value; return;
      case SEQUENCER + 1: return this.#writeBank(sequencer, this.#sequencerIndex, value);
      case DAC_MASK: this.dac.pixelMask = value; return;
      case DAC_READ: return this.dac.startRead(value);
      case DAC_WRITE: return this.dac.startWrite(value);
      case DAC_DATA: return this.dac.writeData(value);
      case GRAPHICS: this.#graphicsIndex = value; return;
      case GRAPHICS + 1: return this.#writeBank(graphics, this.#graphicsIndex, value);
      default:
    }
    switch (this.#crtOffset(port)) {
      case CRT: this.#crtcIndex = value; return;
      case CRT + 1: return this.#writeCrtc(value);
      case STATUS_1: this.#feature = value; return;
      default:
    }
  }

  /** Offset from 3B0h or 3D0h, whichever the CRT controller is at; undefined for the other and what lies between. */
  #crtOffset(port: number): number | undefined {
    const base = this.registers.isColour ? COLOUR : FIRST_PORT;
    return port >= base && port < base + 0x10 ? port - base : undefined;
  }

  #writeBank(bank: RegisterBank, index: number, value: number): void {
    bank.write(index, value);
    this.#wiring.memoryChanged();
  }

  #writeCrtc(value: number): void {
    const { crtc } = this.registers;
    const index = this.#crtcIndex;
    if (index > CRTC.overflow || (crtc.values[CRTC.verticalRetraceEnd] & PROTECT) === 0) return crtc.write(index, value);
    if (index === CRTC.overflow) crtc.write(index, (crtc.values[index] & ~LINE_COMPARE_8) | (value & LINE_COMPARE_8));
  }

  #writeAttribute(value: number): void {
    if (this.#attributeTakesIndex) this.#attributeIndex = value & 0x3f;
    // The palette can be written only while it is taken from the screen.
    else if ((this.#attributeIndex & 0x1f) > 0x0f || !this.isOn) this.registers.attribute.write(this.#attributeIndex & 0x1f, value);
    this.#attributeTakesIndex = !this.#attributeTakesIndex;
  }

  reset(): void {
    const { sequencer, graphics, crtc, attribute } = this.registers;
    for (const bank of [sequencer, graphics, crtc, attribute]) bank.values.fill(0);
    this.registers.miscellaneous = 0;
    this.dac.reset();
    this.#sequencerIndex = this.#graphicsIndex = this.#crtcIndex = this.#attributeIndex = this.#feature = 0;
    this.#attributeTakesIndex = true;
    this.#wiring.powerOn(this);
    this.#wiring.memoryChanged();
  }

  save(): DeviceState {
    const { sequencer, graphics, crtc, attribute, miscellaneous } = this.registers;
    return {
      sequencer: sequencer.save(), graphics: graphics.save(), crtc: crtc.save(), attribute: attribute.save(), miscellaneous, dac: this.dac.save(),
      sequencerIndex: this.#sequencerIndex, graphicsIndex: this.#graphicsIndex, crtcIndex: this.#crtcIndex,
      attributeIndex: this.#attributeIndex, attributeTakesIndex: this.#attributeTakesIndex, feature: this.#feature,
    };
  }

  restore(state: DeviceState): void {
    const { sequencer, graphics, crtc, attribute } = this.registers;
    for (const bank of [sequencer, graphics, crtc, attribute]) bank.restore(state);
    this.registers.miscellaneous = savedNumber(state, 'miscellaneous');
    this.dac.restore(state['dac'] as DeviceState);
    this.#sequencerIndex = savedNumber(state, 'sequencerIndex');
    this.#graphicsIndex = savedNumber(state, 'graphicsIndex');
    this.#crtcIndex = savedNumber(state, 'crtcIndex');
    this.#attributeIndex = savedNumber(state, 'attributeIndex');
    this.#attributeTakesIndex = state['attributeTakesIndex'] === true;
    this.#feature = savedNumber(state, 'feature');
    this.#wiring.memoryChanged();
  }
}
