"""Finds the caller of 16- and 32-bit code, and of 64-bit code where gdb believes in i386, without any debug information.

Nothing is certain on such a stack, so evidence is weighed: a candidate is a place on the stack that holds a return
address behind a call (or `int n`), and the call leads to an address at or before the pc. The candidate whose target
is nearest to the pc wins: its target is the start of the function that the pc is in. That holds at the function's
first instruction, after `push bp`, in its body and at its `ret`; and it gives the same answer on every instruction of
a function, which gdb's `nexti` and `finish` rely on.
"""

from typing import Callable, Iterator, NamedTuple, Optional

from .call_sites import CallSite, far_call_sites, interrupt_vector, near_call_sites, slots_of
from .cpu_mode import CpuMode
from .guest_memory import GuestMemory
from .interrupt_table import ERROR_CODE_VECTORS, InterruptTable

# How far above the stack pointer evidence is looked for, how long a function may be, and how far from the pc its
# caller may lie. In bytes.
_STACK_WINDOW = 128
_FUNCTION_WINDOW = 4096
_CODE_WINDOW = 1 << 24

# FLAGS: bit 1 is always set, bits 3, 5 and 15 never (SDM vol. 1, figure 3-8).
_FLAGS_FIXED, _FLAGS_FIXED_VALUE = 0x802A, 0x0002


class Registers(NamedTuple):
    """What the search starts from. `pc` is linear, `sp` and `bp` are offsets in SS."""
    pc: int
    sp: int
    bp: int
    cs: int
    cs_base: int
    ss_base: int
    # Width of the stack pointer: SS.B, which need not be the width of the code.
    stack_bits: int


class Caller(NamedTuple):
    # Linear address to return to.
    pc: int
    # The caller's stack pointer after the return, an offset in SS that has not wrapped; it also names the frame.
    sp: int
    # The caller's frame pointer, as far as it is known.
    bp: int
    # What a far call or an interrupt saved besides, and where that segment lies; None for a near call.
    cs: Optional[int]
    cs_base: Optional[int]
    flags: Optional[int]
    # The start of the function that was called.
    function: int


class FrameFinder:
    def __init__(self, memory: GuestMemory, mode: CpuMode, registers: Registers, interrupts: InterruptTable,
                 code_segments: Callable[[int], Optional[int]]):
        """`code_segments`: the linear base of the code segment that a selector names, None where it names none."""
        self._memory = memory
        self._mode = mode
        self._registers = registers
        self._interrupts = interrupts
        self._base_of = code_segments
        self._slot = mode.bits // 8

    def caller(self) -> Optional[Caller]:
        """The caller of the function at the pc, None where the stack shows none."""
        best = None
        for candidate in self._candidates():
            if best is None or candidate.function > best.function:
                best = candidate
        if best is not None and best.function == self._registers.pc:
            return best
        return self._hardware_interrupt() or best

    def _candidates(self) -> Iterator[Caller]:
        """Most trusted first: a later one must be nearer to the pc to win."""
        registers = self._registers
        for slot in slots_of(self._mode.bits):
            yield from self._near(registers.bp + slot, through_frame=True)
        for offset in range(0, _STACK_WINDOW, self._slot):
            yield from self._near(registers.sp + offset, through_frame=False)
            yield from self._far(registers.sp + offset)

    def _near(self, position: int, through_frame: bool) -> Iterator[Caller]:
        registers = self._registers
        for slot in {self._slot, max(slots_of(self._mode.bits))}:
            offset = self._stack(position, slot)
            if offset is None or not self._may_be_code(registers.cs_base, offset):
                continue
            for site in near_call_sites(self._memory, registers.cs_base, offset, self._mode.bits):
                framed = position == registers.bp + site.slot
                if site.slot != slot or framed != through_frame:
                    continue
                function = self._indirect_function(position, slot, framed) if site.target is None else site.target
                if not self._may_contain_pc(function):
                    continue
                bp = self._stack(registers.bp, slot) if framed else registers.bp
                if bp is not None:
                    yield Caller(registers.cs_base + offset, position + slot, bp, None, None, None, function)

    def _indirect_function(self, position: int, slot: int, framed: bool) -> int:
        """A guess at the function that an indirect call has entered, which makes the guess's weight.

        The nearest prologue at or before the pc, if the return address lies where that prologue would have it; the pc
        itself, if the return address is on top of the stack; else an address farther away than any better evidence.
        """
        pc, sp = self._registers.pc, self._registers.sp
        push, move = ((b"\x66\x55", b"\x66\x89\xe5") if slot > self._slot else (b"\x55", b"\x48\x89\xe5" if slot == 8 else b"\x89\xe5"))
        length = min(pc, 1024)
        code = self._memory.bytes(pc - length, length + len(push + move))
        start = -1 if code is None else code.rfind(push + move)
        if start >= 0:
            into = length - start
            is_expected = {0: position == sp, len(push): position == sp + slot}.get(into, framed)
            if is_expected:
                return pc - into
        return pc if position == sp else pc - _FUNCTION_WINDOW + 1

    def _far(self, position: int) -> Iterator[Caller]:
        """Far calls and `int n`: offset, selector and, for an interrupt, flags."""
        slot, registers = self._slot, self._registers
        offset, selector = self._stack(position, slot), self._stack(position + slot, slot)
        if offset is None or selector is None or selector > 0xFFFF:
            return
        base = self._base_of(selector)
        if base is None or not self._may_be_code(base, offset):
            return
        for site in far_call_sites(self._memory, base + offset, self._mode.bits):
            function = self._far_function(site, position)
            if self._may_contain_pc(function):
                yield Caller(base + offset, position + 2 * slot, registers.bp, selector, base, None, function)
        flags = self._stack(position + 2 * slot, slot)
        if flags is not None and flags & _FLAGS_FIXED == _FLAGS_FIXED_VALUE:
            vector = interrupt_vector(self._memory, base + offset)
            handler = None if vector is None else self._interrupts.handler(vector)
            if self._may_contain_pc(handler):
                yield Caller(base + offset, self._behind_flags(position), registers.bp, selector, base, flags, handler)

    def _far_function(self, site: CallSite, position: int) -> Optional[int]:
        """Linear address of what a far call has entered; a guess where the call names it by memory."""
        if site.target is None:
            return self._indirect_function(position, site.slot, framed=False)
        base = self._base_of(site.selector)
        return None if base is None else base + site.target

    def _hardware_interrupt(self) -> Optional[Caller]:
        """At the first instruction of a handler the frame lies at the stack pointer, whatever was interrupted."""
        registers, slot = self._registers, self._slot
        for has_error_code in (False,) if self._mode.uses_paragraphs else (False, True):
            position = registers.sp + (slot if has_error_code else 0)
            offset, selector, flags = (self._stack(position + word * slot, slot) for word in range(3))
            if offset is None or selector is None or flags is None or flags & _FLAGS_FIXED != _FLAGS_FIXED_VALUE:
                continue
            base = self._base_of(selector & 0xFFFF)
            vector = None if base is None else self._interrupts.vector_of(registers.pc)
            if vector is not None and has_error_code == (vector in ERROR_CODE_VECTORS and not self._mode.uses_paragraphs):
                return Caller(base + offset, self._behind_flags(position), registers.bp, selector & 0xFFFF, base, flags, registers.pc)
        return None

    def _behind_flags(self, position: int) -> int:
        """The stack pointer before an interrupt that pushed the flags third; in 64-bit mode it is pushed as well."""
        saved = self._stack(position + 3 * self._slot, self._slot) if self._mode.bits == 64 else None
        return position + 3 * self._slot if saved is None else saved

    def _may_be_code(self, base: int, offset: int) -> bool:
        """Spares a read where a stack word is no return address at first sight."""
        return 0 < offset < 2**self._mode.bits and abs(base + offset - self._registers.pc) < _CODE_WINDOW

    def _stack(self, position: int, size: int) -> Optional[int]:
        return self._memory.number(self._registers.ss_base + position % 2 ** self._registers.stack_bits, size)

    def _may_contain_pc(self, function: Optional[int]) -> bool:
        return function is not None and 0 <= self._registers.pc - function < _FUNCTION_WINDOW
