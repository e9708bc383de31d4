"""Where segments lie: paragraphs in real and virtual-8086 mode, else by the GDT and the LDT (SDM vol. 3, 3.4)."""

from typing import Callable, Optional, Tuple

import gdb

from .cpu_mode import CpuMode

_DESCRIPTOR_SIZE = 8


class NoSegment(Exception):
    """A selector that names no segment; its text is one sentence."""


def base_of(
    selector: int, mode: CpuMode, read_register: Callable[[str], gdb.Value], read_bytes: Callable[[int, int], Optional[bytes]],
) -> int:
    """The linear base of the segment that `selector` names. Raises NoSegment."""
    if mode.uses_paragraphs:
        return selector * 16
    if selector & 0xFFFC == 0:
        raise NoSegment(f"{selector:#x} is the null selector, which names no segment.")
    name, base, limit = _table_of(selector, read_register)
    offset = selector & 0xFFF8
    if offset + _DESCRIPTOR_SIZE - 1 > limit:
        raise NoSegment(f"Selector {selector:#x} is beyond the {name}'s limit {limit:#x}.")
    entry = read_bytes(base + offset, _DESCRIPTOR_SIZE)
    if entry is None:
        raise NoSegment(f"The {name} at {base:#x} cannot be read.")
    return int.from_bytes(entry[2:5] + entry[7:8], "little")


def _table_of(selector: int, read_register: Callable[[str], gdb.Value]) -> Tuple[str, int, int]:
    """Name, base and limit."""
    try:
        if selector & 4 == 0:
            table = read_register("gdtr")
            return "GDT", int(table["base"]), int(table["limit"])
        if int(read_register("ldtr")) & 0xFFFC == 0:
            raise NoSegment(f"Selector {selector:#x} is in the LDT, and none is loaded.")
        return "LDT", int(read_register("ldtr_base")), int(read_register("ldtr_limit"))
    except (gdb.error, ValueError):
        raise NoSegment("The target does not describe its descriptor tables.") from None
