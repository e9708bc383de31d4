"""Tables for the helper's search of callers, over made-up memory. gdb runs it (`gdb -x`), for the helper imports gdb.

Prints one TAP-like line a case, `ok NAME` or `not ok NAME: ...`, and at the end `done N`.
"""

import struct

import gdb
from kvm_gdb.cpu_mode import CPU_MODES, mode_of
from kvm_gdb.frame_finder import FrameFinder, Registers
from kvm_gdb.interrupt_table import InterruptTable
from kvm_gdb.segments import NoSegment, base_of

MODES = {mode.name: mode for mode in CPU_MODES}
CODE_BASE, STACK_BASE = 0x7C00, 0x90000


class Memory:
    """1 MiB of zeros with `pieces` ({address: bytes}) in it; reads like GuestMemory."""

    def __init__(self, pieces):
        self._content = bytearray(1 << 20)
        for address, piece in pieces.items():
            self._content[address:address + len(piece)] = piece

    def bytes(self, address, length):
        if address < 0 or address + length > len(self._content):
            return None
        return bytes(self._content[address:address + length])

    def number(self, address, size):
        content = self.bytes(address, size)
        return None if content is None else int.from_bytes(content, "little")


def words(*values):
    return struct.pack(f"<{len(values)}H", *values)


def longs(*values):
    return struct.pack(f"<{len(values)}I", *values)


def find(pieces, mode="real16", pc=0x7E00, sp=0x100, bp=0, cs=0x7C0, cs_base=CODE_BASE, ss_base=STACK_BASE, idtr=None, stack_bits=None, gdt=None):
    memory = Memory(pieces)
    bits = MODES[mode].bits
    registers = Registers(pc, sp, bp, cs, cs_base, ss_base, stack_bits or bits)

    def read_register(name):
        table = {"idtr": idtr, "gdtr": gdt}.get(name)
        if table is None:
            raise ValueError(name)
        return table

    def code_segments(selector):
        if gdt is None and not MODES[mode].uses_paragraphs:
            return cs_base if selector == cs else None
        try:
            return base_of(selector, MODES[mode], read_register, memory.bytes)
        except NoSegment:
            return None

    table = InterruptTable(memory, MODES[mode], read_register)
    return FrameFinder(memory, MODES[mode], registers, table, code_segments).caller()


def near16(call_at, target):
    """`call target` in a segment at CODE_BASE; linear addresses."""
    return b"\xe8" + struct.pack("<h", target - (call_at + 3))


CALL = {0x7C10: near16(0x7C10, 0x7E00)}
RETURN = 0x13  # its offset in the segment
cases = 0


def expect(name, found, **wanted):
    global cases
    cases += 1
    got = None if found is None else {key: getattr(found, key) for key in wanted}
    good = found is None if not wanted else got == wanted
    print(f"ok {name}" if good else f"not ok {name}: wanted {wanted}, got {found}")


at_top = {**CALL, 0x90100: words(RETURN)}
expect("first instruction of a function", find(at_top), pc=0x7C13, sp=0x102, function=0x7E00, cs=None, flags=None)
expect("in the body, nothing pushed", find(at_top, pc=0x7E20), pc=0x7C13, sp=0x102)
expect("two words pushed", find({**CALL, 0x90100: words(7, 9, RETURN)}, pc=0x7E20), pc=0x7C13, sp=0x106)
expect("after push bp", find({**CALL, 0x90100: words(0x1F0, RETURN)}, pc=0x7E01, bp=0x1F0), pc=0x7C13, sp=0x104, bp=0x1F0)
expect("BP frame", find({**CALL, 0x90110: words(0x1F0, RETURN)}, pc=0x7E09, bp=0x110), pc=0x7C13, sp=0x114, bp=0x1F0)
expect("a call to somewhere behind the pc is no evidence", find(at_top, pc=0x7DFF))
expect("a call to a place far before the pc is no evidence", find(at_top, pc=0x7E00 + 4096))
expect("an empty stack has no caller", find(CALL))
expect("a wrapped stack pointer", find({**CALL, 0x9FFFE: words(RETURN)}, sp=0xFFFE), pc=0x7C13, sp=0x10000)
expect(
    "the nearer function wins over the outer frame",
    find({**CALL, 0x7C40: near16(0x7C40, 0x7D00), 0x90100: words(5, RETURN, 0x43)}, pc=0x7E05),
    pc=0x7C13, function=0x7E00,
)
expect(
    "32-bit call in 16-bit code",
    find({0x7C10: b"\x66\xe8" + struct.pack("<i", 0x7E00 - 0x7C16), 0x90100: longs(0x16)}), pc=0x7C16, sp=0x104,
)
expect(
    "call through a register", find({0x7C10: b"\xff\xd0", 0x90100: words(0x12)}), pc=0x7C12, sp=0x102, function=0x7E00,
)
expect(
    "call through memory, behind the prologue",
    find({0x7C10: b"\xff\x16\x34\x12", 0x7E00: b"\x55\x89\xe5", 0x90100: words(0x1F0, 0x14)}, pc=0x7E03, bp=0x100),
    pc=0x7C14, sp=0x104, bp=0x1F0, function=0x7E00,
)
expect(
    "far call", find({0x8010: b"\x9a" + words(0x200, 0x7C0), 0x90100: words(0x15, 0x800)}),
    pc=0x8015, sp=0x104, cs=0x800, flags=None,
)

expect(
    "far call through memory, at the first instruction",
    find({0x8010: b"\xff\x1e\x34\x12", 0x90100: words(0x14, 0x800)}), pc=0x8014, sp=0x104, cs=0x800, cs_base=0x8000, function=0x7E00,
)
expect(
    "32-bit stack under 16-bit code", find({**CALL, 0x90000 + 0x12000: words(RETURN)}, sp=0x12000, stack_bits=32), pc=0x7C13, sp=0x12002,
)
expect(
    "16-bit stack under 32-bit code",
    find({0x7C10: b"\xe8" + struct.pack("<i", 0x7E00 - 0x7C15), 0x9FFFC: longs(0x7C15)}, mode="protected32", cs=8, cs_base=0, sp=0xFFFC, stack_bits=16),
    pc=0x7C15, sp=0x10000,
)


def descriptor(base):
    return struct.pack("<HHBBBB", 0xFFFF, base & 0xFFFF, base >> 16 & 0xFF, 0x9A, 0xCF, base >> 24)


gdt = {"base": 0x2000, "limit": 0x17}
expect(
    "32-bit far call between segments of the GDT",
    find(
        {0x2008: descriptor(0x7C00) + descriptor(0x8000), 0x8010: b"\x9a" + longs(0x200) + words(8), 0x9000: longs(0x17, 0x10)},
        mode="protected32", cs=8, cs_base=0x7C00, ss_base=0, sp=0x9000, gdt=gdt,
    ),
    pc=0x8017, sp=0x9008, cs=0x10, cs_base=0x8000, function=0x7E00,
)
expect(
    "a selector beyond the GDT is no far call",
    find(
        {0x2008: descriptor(0x7C00), 0x8010: b"\x9a" + longs(0x200) + words(8), 0x9000: longs(0x17, 0x20)},
        mode="protected32", cs=8, cs_base=0x7C00, ss_base=0, sp=0x9000, gdt=gdt,
    ),
)

vector60 = {0x60 * 4: words(0x200, 0x7C0), 0x7C10: b"\xcd\x60"}
expect(
    "int n, at the handler", find({**vector60, 0x90100: words(0x12, 0x7C0, 0x246)}),
    pc=0x7C12, sp=0x106, cs=0x7C0, flags=0x246,
)
expect(
    "int n, in the handler", find({**vector60, 0x90100: words(1, 2, 0x12, 0x7C0, 0x46)}, pc=0x7E08),
    pc=0x7C12, sp=0x10A, flags=0x46,
)
expect("no interrupt frame without bit 1 of FLAGS", find({**vector60, 0x90100: words(1, 0x12, 0x7C0, 0x244)}, pc=0x7E08))
expect(
    "hardware interrupt, at the handler", find({8 * 4: words(0x200, 0x7C0), 0x90100: words(0x77, 0x7C0, 0x202)}),
    pc=0x7C77, sp=0x106, flags=0x202,
)

flat = dict(mode="protected32", cs=8, cs_base=0, ss_base=0, sp=0x9000)
call32 = {0x7C10: b"\xe8" + struct.pack("<i", 0x7E00 - 0x7C15)}
expect("32-bit call", find({**call32, 0x9000: longs(0x7C15)}, **flat), pc=0x7C15, sp=0x9004)
expect(
    "32-bit EBP frame", find({**call32, 0x9010: longs(0x9100, 0x7C15)}, pc=0x7E10, bp=0x9010, **flat),
    pc=0x7C15, sp=0x9018, bp=0x9100,
)


def gate(handler):
    return words(handler & 0xFFFF, 8, 0x8E00, handler >> 16)


idt = {"base": 0x1000, "limit": 0x7FF}
int80 = {0x1000 + 0x80 * 8: gate(0x7E00), 0x7C10: b"\xcd\x80"}
expect(
    "32-bit int n", find({**int80, 0x9000: longs(0x7C12, 8, 0x246)}, idtr=idt, **flat),
    pc=0x7C12, sp=0x900C, cs=8, flags=0x246,
)
expect(
    "32-bit fault with an error code",
    find({0x1000 + 13 * 8: gate(0x7E00), 0x9000: longs(0x18, 0x7C30, 8, 0x10002)}, idtr=idt, **flat),
    pc=0x7C30, sp=0x9010, flags=0x10002,
)
expect(
    "an IDT that ends before the vector",
    find({**int80, 0x9000: longs(1, 0x7C12, 8, 0x246)}, pc=0x7E01, idtr={"base": 0x1000, "limit": 0xFF}, **{**flat, "sp": 0x9000}),
)


def quads(*values):
    return struct.pack(f"<{len(values)}Q", *values)


long = dict(mode="long64", cs=8, cs_base=0, ss_base=0, sp=0x9000)
expect("64-bit call", find({**call32, 0x9000: quads(5, 0x7C15)}, pc=0x7E01, **{**long}), pc=0x7C15, sp=0x9010)
expect("64-bit RBP frame", find({**call32, 0x9010: quads(0x9100, 0x7C15)}, pc=0x7E10, bp=0x9010, **long), pc=0x7C15, sp=0x9020, bp=0x9100)
expect("64-bit call through a register", find({0x7C10: b"\xff\xd0", 0x9000: quads(0x7C12)}, **long), pc=0x7C12, sp=0x9008, function=0x7E00)
expect(
    "64-bit interrupt, which saved the stack pointer",
    find({0x1000 + 0x80 * 16: gate(0x7E00) + bytes(8), 0x7C10: b"\xcd\x80", 0x9000: quads(0x7C12, 8, 0x246, 0x8888, 0)},
         idtr={"base": 0x1000, "limit": 0xFFF}, **long),
    pc=0x7C12, sp=0x8888, cs=8, flags=0x246,
)


def unreadable(name):
    raise ValueError(name)


cases += 2
print("ok no mode register" if mode_of(unreadable) is None else "not ok no mode register")
print("ok an unknown mode" if mode_of(lambda name: gdb.Value(0xF)) is None else "not ok an unknown mode")
print(f"done {cases}")
