"""What pwndbg and GEF ask a QEMU, asked and taken apart as they do, one `name: result` a line.

From the plugins' own sources: pwndbg/aglib/qemu.py and kernel/vmmap.py, bata24/gef's is_qemu_system, read_physmem and
info mem parser.
"""
import re

import gdb


def packet(text):
    """The reply to a packet, as gdb quotes it."""
    said = gdb.execute("maintenance packet " + text, to_string=True)
    return re.search(r'received: "(.*)"', said).group(1)


def pages():
    """pwndbg: start, end and size of each line of info mem must agree."""
    result = []
    for line in gdb.execute("monitor info mem", to_string=True).strip().splitlines():
        dash, space, last_space = line.index("-"), line.index(" "), line.rindex(" ")
        start, end = int(line[:dash], 16), int(line[dash + 1:space], 16)
        assert end - start == int(line[space + 1:last_space], 16), line
        result.append((hex(start), hex(end), line[last_space + 1:]))
    return result


def control_registers():
    said = gdb.execute("monitor info registers", to_string=True)
    found = {name: int(value, 16) for name, value in re.findall(r"\b(CR[0234]|EFER)=([0-9a-f]+)", said)}
    # What KVM or an emulator adds by itself is not the guest's.
    return {name: hex(found[name]) for name in ("CR0", "CR3", "EFER")}


def physical(address, length):
    """GEF: the packet switches m to physical addresses, and back."""
    assert packet("Qqemu.PhyMemMode:1") == "OK"
    try:
        return bytes(gdb.selected_inferior().read_memory(address, length)).hex()
    finally:
        assert packet("Qqemu.PhyMemMode:0") == "OK"


for name, ask in (
    ("is QEMU", lambda: "ENABLE=" in packet("qqemu.sstepbits")),
    ("step bits", lambda: packet("qqemu.sstepbits")),
    ("is a system", lambda: packet("qqemu.PhyMemMode")),
    ("steps", lambda: packet("qqemu.sstep")),
    ("pages", pages),
    ("control registers", control_registers),
    ("physical", lambda: physical(0x7C00, 8)),
    ("physical beyond the page tables", lambda: physical(0x300000, 4)),
    ("linear again", lambda: bytes(gdb.selected_inferior().read_memory(0x7C00, 8)).hex()),
    ("translated", lambda: gdb.execute("monitor gva2gpa 0x7c10", to_string=True).strip()),
    ("not translated", lambda: gdb.execute("monitor gva2gpa 0x40000000", to_string=True).strip()),
    ("xp", lambda: gdb.execute("monitor xp /4xb 0x7c00", to_string=True).strip()),
    ("unknown command", lambda: "unknown command" in gdb.execute("monitor pwn", to_string=True)),
):
    print(name + ": " + str(ask()))
