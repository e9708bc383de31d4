/** GPA of all of the video card's memory on a machine without PCI, as Bochs has it. */
export const ISA_FRAMEBUFFER = 0xe000_0000;
