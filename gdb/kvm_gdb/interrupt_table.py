"""Where interrupts go: the interrupt vector table of real mode, the interrupt descriptor table of protected mode."""

from typing import Callable, Optional

import gdb

from .cpu_mode import CpuMode
from .guest_memory import GuestMemory

# Exceptions that push an error code (SDM vol. 3, table 6-1).
ERROR_CODE_VECTORS = frozenset((8, 10, 11, 12, 13, 14, 17, 21, 29, 30))


class InterruptTable:
    """Handlers by vector. An unreadable table has no handlers."""

    def __init__(self, memory: GuestMemory, mode: CpuMode, read_register: Callable[[str], gdb.Value]):
        self._memory = memory
        self._uses_paragraphs = mode.uses_paragraphs
        self._gate_size = 4 if mode.uses_paragraphs else 16 if mode.is_long else 8
        try:
            register = read_register("idtr")
            self._base, self._limit = int(register["base"]), int(register["limit"])
        except (gdb.error, ValueError):
            self._base, self._limit = 0, 0x3FF if mode.uses_paragraphs else 0

    def handler(self, vector: int) -> Optional[int]:
        """Linear address of the handler of `vector`."""
        size = self._gate_size
        if vector * size + size - 1 > self._limit:
            return None
        gate = self._memory.bytes(self._base + vector * size, size)
        if gate is None:
            return None
        if self._uses_paragraphs:
            return int.from_bytes(gate[2:4], "little") * 16 + int.from_bytes(gate[0:2], "little")
        # SDM vol. 3, 6.11 and 6.14.1: an interrupt or trap gate; segments are taken to be flat.
        return int.from_bytes(gate[0:2] + gate[6:12], "little") if size == 16 else int.from_bytes(gate[0:2] + gate[6:8], "little")

    def vector_of(self, handler: int) -> Optional[int]:
        """The first vector that leads to the linear address `handler`."""
        return next((vector for vector in range(256) if self.handler(vector) == handler), None)
