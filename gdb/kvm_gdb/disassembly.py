"""Disassembles by the processor's mode, whatever architecture gdb has settled on.

gdb reads the target description once and stays with x86-64 for the whole session, while the guest goes through 16-
and 32-bit code. `gdb.Architecture.disassemble` decodes with the architecture of the object it is called on, so the
objects for i8086 and i386 are fetched once and used when the mode asks for them.

A user's own `set architecture i8086` or `i386` is left alone: the disassembler is registered for x86-64 only, which
also keeps it from calling itself.
"""

from typing import Dict, Optional

import gdb

from .cpu_mode import mode_of

_ARCHITECTURE_NAMES = {16: "i8086", 32: "i386"}


def _fetch_architectures() -> Dict[int, gdb.Architecture]:
    """The architecture object for each operand size below 64 bits.

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


def _selected_bits() -> Optional[int]:
    """Operand size of the selected frame's code; None without the `mode` register."""
    try:
        mode = mode_of(gdb.selected_frame().read_register)
    except gdb.error:
        return None
    return None if mode is None else mode.bits


def register() -> None:
    """Takes over disassembly of x86-64 targets. Does nothing in a gdb before 13, after saying so."""
    try:
        import gdb.disassembler
    except ImportError:
        gdb.write("kvm-gdbserver: this gdb is older than 13, 16- and 32-bit code will be shown as 64-bit.\n", gdb.STDERR)
        return

    architectures = _fetch_architectures()

    class ModeDisassembler(gdb.disassembler.Disassembler):
        """x86 code in the mode that the processor is in (kvm-gdbserver)."""

        def __init__(self):
            super().__init__("kvm-gdbserver")

        def __call__(self, info):
            architecture = architectures.get(_selected_bits())
            if architecture is None:
                return None
            instruction = architecture.disassemble(info.address)[0]
            return gdb.disassembler.DisassemblerResult(instruction["length"], instruction["asm"])

    gdb.disassembler.register_disassembler(ModeDisassembler(), "i386:x86-64")
