"""Guest memory for the unwinder: small reads by linear address, fetched in blocks and kept while the guest stands."""

from typing import Optional

import gdb

# A block lies within one page, so it can be read as a whole or not at all.
_BLOCK = 1024


class GuestMemory:
    """Reads are None where memory cannot be read; one failing block does not spoil its neighbours."""

    def __init__(self):
        self._blocks = {}
        self._seen_from = None
        self._innermost = None

    def bytes(self, address: int, length: int) -> Optional[bytes]:
        if address < 0:
            return None
        result = b""
        while len(result) < length:
            block, offset = divmod(address + len(result), _BLOCK)
            if block not in self._blocks:
                self._blocks[block] = self._fetch(block * _BLOCK)
            content = self._blocks[block]
            if content is None:
                return None
            result += content[offset:offset + length - len(result)]
        return result

    def number(self, address: int, size: int) -> Optional[int]:
        """Unsigned, little-endian, `size` bytes."""
        content = self.bytes(address, size)
        return None if content is None else int.from_bytes(content, "little")

    def look_from(self, thread: Optional[gdb.InferiorThread], innermost: Optional[tuple] = None) -> None:
        """Reads as `thread` sees memory: each processor has page tables of its own. `innermost`: the registers of the
        innermost frame, where that is the one looked at. When they differ the guest has run, even if gdb did not say so:
        between the steps of one `nexti 2` it says nothing."""
        seen_from = None if thread is None else thread.ptid
        ran = innermost is not None and innermost != self._innermost
        if seen_from != self._seen_from or ran:
            self.forget()
            self._seen_from = seen_from
        if innermost is not None:
            self._innermost = innermost

    def forget(self, _event=None) -> None:
        """To be called whenever the guest's memory, or what gdb looks at, may have changed."""
        self._blocks.clear()

    @staticmethod
    def _fetch(address: int) -> Optional[bytes]:
        try:
            return bytes(gdb.selected_inferior().read_memory(address, _BLOCK))
        except (gdb.error, OverflowError):
            return None


def memory_of_this_stop() -> GuestMemory:
    """A memory that forgets by itself: gdb asks for the same frames several times at every stop, and each read is a
    round trip. It forgets when the guest runs, when gdb writes memory or registers (paging may be among them), and
    before each prompt, for `monitor` commands change memory too."""
    memory = GuestMemory()
    events = gdb.events
    for registry in (events.cont, events.memory_changed, events.register_changed, events.before_prompt, events.exited):
        registry.connect(memory.forget)
    return memory
