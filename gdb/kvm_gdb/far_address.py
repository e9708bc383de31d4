"""`kvm x`: gdb's `x` for an address with a segment."""

from typing import Optional, Tuple

import gdb

from .segments import NoSegment, base_of
from .stopped_guest import StoppedGuest, evaluate, number

_SEGMENT_REGISTERS = ("cs", "ds", "es", "fs", "gs", "ss")


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
    try:
        return base_of(selector, guest.mode, guest.read_register, _read_bytes)
    except NoSegment as trouble:
        raise gdb.GdbError(str(trouble)) from None


def _read_bytes(address: int, length: int) -> Optional[bytes]:
    try:
        return bytes(gdb.selected_inferior().read_memory(address, length))
    except gdb.error:
        return None


def _offset(guest: StoppedGuest, expression: str) -> int:
    value = number(expression)
    if value >= 0:
        return value
    # $si and its kin are signed to gdb, and what is computed from them is an int.
    is_word = guest.mode.bits == 16 and value >= -0x10000 and evaluate(expression).type.sizeof <= 4
    return value % 2 ** (16 if is_word else 64 if guest.mode.bits == 64 else 32)
