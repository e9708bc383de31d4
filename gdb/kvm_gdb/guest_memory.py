"""Guest memory for the unwinder: small reads by linear address, fetched in blocks and kept for one look at the stack."""

from typing import Optional

import gdb

_BLOCK = 256


class GuestMemory:
    """Reads are None where memory cannot be read; one failing block does not spoil its neighbours."""

    def __init__(self):
        self._blocks = {}

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

    @staticmethod
    def _fetch(address: int) -> Optional[bytes]:
        try:
            return bytes(gdb.selected_inferior().read_memory(address, _BLOCK))
        except (gdb.error, OverflowError):
            return None
