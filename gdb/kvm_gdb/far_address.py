"""`kvm x`: gdb's `x` for an address with a segment."""

from typing import Tuple

import gdb

from .stopped_guest import StoppedGuest, evaluate, number

_SEGMENT_REGISTERS = ("cs", "ds", "es", "fs", "gs", "ss")
# Bits of a descriptor's base (SDM vol. 3, figure 3-8).
_DESCRIPTOR_SIZE = 8


class KvmExamineCommand(gdb.Command):
    """Examine memory at SEGMENT:OFFSET: kvm x/FMT SEGMENT:OFFSET, with FMT as for gdb's own `x`.

SEGMENT is a segment register, whose base is then the processor's own, or a number: a paragraph in real and
virtual-8086 mode, elsewhere a selector of the GDT or the LDT. Both parts may be expressions.

    kvm x/s $ds:$si
    kvm x/8xb 0x7c0:0x10
    kvm x/8xh $ss:$sp

$pc, $rip and $eip are linear already: plain `x` takes them."""

    def __init__(self):
        super().__init__("kvm x", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        text = argument.strip()
        form = ""
        if text.startswith("/"):
            form, _, text = text.partition(" ")
        segment, offset = _split(text.strip())
        guest = StoppedGuest()
        address = (_base_of(guest, segment) + _offset(guest, offset)) & (2**64 - 1 if guest.mode.bits == 64 else 2**32 - 1)
        try:
            gdb.execute(f"x{form} {address:#x}", from_tty)
        except gdb.error as error:
            raise gdb.GdbError(str(error)) from None


def _split(text: str) -> Tuple[str, str]:
    """At the one colon that is not part of `::`, of a quoted name or of something in brackets."""
    depth, quote, places = 0, "", []
    for place, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == ":" and depth == 0 and ":" not in (text[place - 1:place], text[place + 1:place + 2]):
            places.append(place)
    if len(places) != 1 or not text[:places[0]].strip() or not text[places[0] + 1:].strip():
        raise gdb.GdbError("kvm x needs SEGMENT:OFFSET, such as $ds:$si or 0x7c0:0x10.")
    return text[:places[0]].strip(), text[places[0] + 1:].strip()


def _base_of(guest: StoppedGuest, segment: str) -> int:
    name = segment.lstrip("$").lower()
    if name in _SEGMENT_REGISTERS and (segment.startswith("$") or name == segment.lower()):
        # Not selector * 16: behind a switch of modes, and for unreal mode's users, the hidden base is what counts.
        return 0 if guest.mode.bits == 64 and name not in ("fs", "gs") else guest.register(f"{name}_base")
    selector = number(segment)
    if not 0 <= selector <= 0xFFFF:
        raise gdb.GdbError(f"{segment} is {selector:#x}, and a segment has 16 bits.")
    return selector * 16 if guest.mode.uses_paragraphs else _descriptor_base(guest, selector)


def _descriptor_base(guest: StoppedGuest, selector: int) -> int:
    if selector & 0xFFFC == 0:
        raise gdb.GdbError(f"{selector:#x} is the null selector, which names no segment.")
    if selector & 4:
        if guest.register("ldtr") & 0xFFFC == 0:
            raise gdb.GdbError(f"Selector {selector:#x} is in the LDT, and none is loaded.")
        name, base, limit = "LDT", guest.register("ldtr_base"), guest.register("ldtr_limit")
    else:
        table = guest.read_register("gdtr")
        name, base, limit = "GDT", int(table["base"]), int(table["limit"])
    offset = selector & 0xFFF8
    if offset + _DESCRIPTOR_SIZE - 1 > limit:
        raise gdb.GdbError(f"Selector {selector:#x} is beyond the {name}'s limit {limit:#x}.")
    try:
        entry = bytes(gdb.selected_inferior().read_memory(base + offset, _DESCRIPTOR_SIZE))
    except gdb.error as error:
        raise gdb.GdbError(str(error)) from None
    return int.from_bytes(entry[2:5] + entry[7:8], "little")


def _offset(guest: StoppedGuest, expression: str) -> int:
    value = number(expression)
    if value >= 0:
        return value
    # $si and its kin are signed to gdb, and what is computed from them is an int.
    is_word = guest.mode.bits == 16 and value >= -0x10000 and evaluate(expression).type.sizeof <= 4
    return value % 2 ** (16 if is_word else 64 if guest.mode.bits == 64 else 32)
