"""What the `mode` register says: the one place that knows its layout (src/x86/cpu-mode.ts, system-feature.ts)."""

from typing import Callable, NamedTuple, Optional

import gdb


class CpuMode(NamedTuple):
    name: str
    # Default operand and address size of the code: 16, 32 or 64.
    bits: int
    # Segment bases are selector << 4, and interrupts go through the interrupt vector table.
    uses_paragraphs: bool
    # EFER.LMA is set: gates of the interrupt descriptor table have 16 bytes.
    is_long: bool = False


# The index is the mode's code.
CPU_MODES = (
    CpuMode("real16", 16, True),
    CpuMode("real32", 32, True),
    CpuMode("vm86", 16, True),
    CpuMode("protected16", 16, False),
    CpuMode("protected32", 32, False),
    CpuMode("compat16", 16, False, True),
    CpuMode("compat32", 32, False, True),
    CpuMode("long64", 64, False, True),
)

# Bits 0 to 3 are the code, 4 and 5 the CPL, 6 says that a data segment of real mode reaches beyond 64 KiB.
# 7 and 8 tell a stack pointer whose width is not the code's: 32 bits under 16-bit code, and 16 under 32-bit code.
CODE_MASK = 0xF
CPL_SHIFT = 4
CPL_MASK = 0x3
UNREAL = 1 << 6
STACK_32, STACK_16 = 1 << 7, 1 << 8


def mode_of(read_register: Callable[[str], gdb.Value]) -> Optional[CpuMode]:
    """The mode by a frame's `read_register`; None when the target has no `mode` register or it cannot be read."""
    value = _register(read_register)
    if value is None or value & CODE_MASK >= len(CPU_MODES):
        return None
    return CPU_MODES[value & CODE_MASK]


def privilege_level_of(read_register: Callable[[str], gdb.Value]) -> Optional[int]:
    """CPL, 0 to 3; None as in `mode_of`."""
    value = _register(read_register)
    return None if value is None else (value >> CPL_SHIFT) & CPL_MASK


def is_unreal(read_register: Callable[[str], gdb.Value]) -> bool:
    """Whether it is real mode with segments as protected mode left them."""
    return (_register(read_register) or 0) & UNREAL != 0


def stack_bits_of(read_register: Callable[[str], gdb.Value], mode: CpuMode) -> int:
    """Width of the stack pointer that pushes and calls use in `mode`, by SS.B: 16 or 32; 64 in 64-bit code."""
    value = _register(read_register) or 0
    return 32 if value & STACK_32 else 16 if value & STACK_16 else mode.bits


def _register(read_register: Callable[[str], gdb.Value]) -> Optional[int]:
    try:
        return int(read_register("mode"))
    except (gdb.error, ValueError):
        return None
