"""Disassembles by the processor's mode, whatever architecture gdb has settled on.

gdb reads the target description once and stays with one architecture for the whole session (x86-64, or i386 where a
32-bit file was loaded first), while the guest goes through 16-, 32- and 64-bit code. `gdb.Architecture.disassemble`
decodes with the architecture of the object it is called on, so one object for each is fetched at the start and used
when the mode asks for it. Where the user has set an architecture, it stays in force.
"""

from typing import Dict, Optional

import gdb

from .cpu_mode import mode_of

# By operand size.
_ARCHITECTURE_NAMES = {16: "i8086", 32: "i386", 64: "i386:x86-64"}


def _fetch_architectures() -> Dict[int, gdb.Architecture]:
    """The architecture object for each operand size.

    The only way to one is `set architecture`; gdb's warnings about it are swallowed, and the user's setting is put
    back. It works with or without a connection and with a file of either class.
    """
    chosen = gdb.parameter("architecture")
    found = {}
    try:
        for bits, name in _ARCHITECTURE_NAMES.items():
            gdb.execute(f"set architecture {name}", to_string=True)
            found[bits] = gdb.selected_inferior().architecture()
    finally:
        gdb.execute(f"set architecture {chosen.split(' ')[0]}", to_string=True)
    return found


def _is_automatic() -> bool:
    return gdb.parameter("architecture").startswith("auto")


def _selected_bits() -> Optional[int]:
    """Operand size of the selected frame's code; None without the `mode` register."""
    try:
        mode = mode_of(gdb.selected_frame().read_register)
    except gdb.error:
        return None
    return None if mode is None else mode.bits


def register() -> None:
    """Takes over disassembly of x86 targets. In a gdb before 13, or one without x86, says so and does nothing."""
    try:
        import gdb.disassembler
        architectures = _fetch_architectures()
    except (ImportError, gdb.error):
        gdb.write("kvm-gdbserver: disassembly by CPU mode needs gdb 13 or newer, built for x86.\n", gdb.STDERR)
        return

    class ModeDisassembler(gdb.disassembler.Disassembler):
        """x86 code in the mode that the processor is in (kvm-gdbserver)."""

        def __init__(self):
            super().__init__("kvm-gdbserver")

        def __call__(self, info):
            bits = _selected_bits() if _is_automatic() else None
            # The second half also ends the recursion: an architecture object disassembles through gdb, which asks here
            # again, now with that architecture.
            if bits is None or info.architecture.name() == _ARCHITECTURE_NAMES[bits]:
                return None
            instruction = architectures[bits].disassemble(info.address)[0]
            return gdb.disassembler.DisassemblerResult(instruction["length"], instruction["asm"])

    for name in _ARCHITECTURE_NAMES.values():
        gdb.disassembler.register_disassembler(ModeDisassembler(), name)
