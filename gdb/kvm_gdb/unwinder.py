"""Frames of code whose width is not that of gdb's architecture (gdb manual, "Unwinding Frames in Python").

gdb's own unwinders for x86-64 read 8-byte slots at $rsp and know nothing of SS.base; those for i386, which gdb takes
with an ELF32 file, read 4-byte slots. In 64-bit code under the one, and in 32-bit code with symbols under the other, they
know better than this one, which then stays out of the way.
"""

from typing import Callable, Dict, Optional

import gdb
import gdb.unwinder
from gdb.FrameDecorator import FrameDecorator

from .cpu_mode import CpuMode, mode_of, stack_bits_of
from .frame_finder import Caller, FrameFinder, Registers
from .guest_memory import memory_of_this_stop
from .interrupt_table import InterruptTable
from .segments import NoSegment, base_of

# Registers that the caller's frame shows. All of them are named, for gdb takes one that an unwinder does not name as
# lost. Vector and x87 registers are left out: nothing here knows who saves them.
_REGISTERS = (
    "rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip eflags "
    "eax ebx ecx edx esi edi ebp esp eip cs ds es fs gs ss cs_base ds_base es_base fs_base gs_base ss_base mode cr0 cr2 cr3 cr4 cr8 efer gdtr idtr ldtr tr"
).split()


_MASK64 = 2**64 - 1
_ABOVE_EVERY_STACK = 2**64 - 2**12


class FrameId:
    """A frame by its stack address alone: without symbols no function start is certain enough to be part of it."""

    def __init__(self, sp: int):
        self.sp = gdb.Value(sp)


class ModeUnwinder(gdb.unwinder.Unwinder):
    def __init__(self):
        super().__init__("kvm-gdbserver")
        self._memory = memory_of_this_stop()

    def __call__(self, pending_frame):
        mode = mode_of(pending_frame.read_register)
        if mode is None or _gdb_knows_better(pending_frame, mode):
            return None
        try:
            registers = _read_registers(pending_frame, mode)
        except ValueError:  # a description without the registers this needs
            return None
        self._memory.look_from(gdb.selected_thread(), registers if pending_frame.level() == 0 else None)
        interrupts = InterruptTable(self._memory, mode, pending_frame.read_register)
        finder = FrameFinder(self._memory, mode, registers, interrupts, self._code_segments(pending_frame, mode))
        caller = finder.caller()
        if caller is None:
            return _outermost(pending_frame, mode, registers)
        return _unwind_info(pending_frame, mode, registers, caller)


    def _code_segments(self, pending_frame, mode: CpuMode) -> Callable[[int], Optional[int]]:
        """The base of a code segment by its selector, None where it has none."""
        def base(selector: int) -> Optional[int]:
            try:
                return base_of(selector, mode, pending_frame.read_register, self._memory.bytes)
            except NoSegment:
                return None
        return base


def _gdb_knows_better(pending_frame, mode: CpuMode) -> bool:
    if pending_frame.architecture().name().startswith("i386:x86-64"):
        return mode.bits == 64
    if mode.bits != 32:
        return False
    pc = int(pending_frame.read_register("pc"))
    return gdb.current_progspace().find_pc_line(pc).symtab is not None


def _read_registers(pending_frame, mode: CpuMode) -> Registers:
    def read(*names: str) -> int:
        """The first of `names` that is described. Raises ValueError if none is."""
        for name in names[:-1]:
            try:
                return int(pending_frame.read_register(name)) & _MASK64
            except ValueError:
                pass
        return int(pending_frame.read_register(names[-1])) & _MASK64

    stack_bits = stack_bits_of(pending_frame.read_register, mode)
    stack_mask = 2**stack_bits - 1
    return Registers(
        pc=read("pc"),
        sp=read("rsp", "esp") & stack_mask,
        bp=read("rbp", "ebp") & stack_mask,
        cs=read("cs") & 0xFFFF,
        cs_base=read("cs_base"),
        ss_base=read("ss_base"),
        stack_bits=stack_bits,
    )


def _outermost(pending_frame, mode: CpuMode, registers: Registers):
    """A frame that is its own caller, which is where gdb stops. Its id must not move with the stack pointer, or `nexti`
    would lose the frame while the code pushes and pops; it is an address above every stack, and another one in code of another
    width, so that gdb shows where a step across a switch of modes has led."""
    info = pending_frame.create_unwind_info(FrameId(_ABOVE_EVERY_STACK + mode.bits))
    _save(pending_frame, info, {})
    return info


def _unwind_info(pending_frame, mode: CpuMode, registers: Registers, caller: Caller):
    sp = caller.sp % 2**registers.stack_bits
    changed = {"rip": caller.pc, "eip": caller.pc, "rsp": sp, "esp": sp, "rbp": caller.bp, "ebp": caller.bp}
    if caller.cs is not None:
        changed["cs"], changed["cs_base"] = caller.cs, caller.cs_base
    if caller.flags is not None:
        changed["eflags"] = caller.flags
    info = pending_frame.create_unwind_info(FrameId(registers.ss_base + caller.sp))
    _save(pending_frame, info, changed)
    return info


def _save(pending_frame, info, changed: Dict[str, int]) -> None:
    """Gives the caller's value of each register, `changed` or as it is now; one that is not described is passed over."""
    for name in _REGISTERS:
        try:
            value = pending_frame.read_register(name)
        except ValueError:
            continue
        if name in changed:
            # From bytes, for a number cannot be cast to a flags type.
            size = value.type.sizeof
            value = gdb.Value((changed[name] % 2 ** (8 * size)).to_bytes(size, "little"), value.type)
        info.add_saved_register(name, value)


class NamelessFrame(FrameDecorator):
    """Shows a function without a name as gdb does where no filter is at work."""

    def function(self):
        return self.inferior_frame().name() or "??"


class QuietEnd:
    """A frame filter that keeps every frame. `bt` by way of a filter does not remark on how the backtrace ended, which
    here would be "previous frame identical to this frame (corrupt stack?)". Off where the unwinder is off."""

    name = "kvm-gdbserver"
    priority = 1

    def __init__(self):
        self._wanted = True

    @property
    def enabled(self) -> bool:
        try:
            mode = mode_of(gdb.newest_frame().read_register)
        except gdb.error:
            return False
        return self._wanted and mode is not None and (mode.bits != 64 or not gdb.newest_frame().architecture().name().startswith("i386:x86-64"))

    @enabled.setter
    def enabled(self, wanted: bool) -> None:
        self._wanted = wanted

    def filter(self, frames):
        return map(NamelessFrame, frames)


def register() -> None:
    gdb.unwinder.register_unwinder(None, ModeUnwinder(), replace=True)
    end = QuietEnd()
    gdb.frame_filters[end.name] = end
