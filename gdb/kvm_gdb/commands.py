"""The `kvm` commands."""

import gdb

from . import guest_tables
from .cpu_mode import is_unreal, privilege_level_of
from .far_address import KvmExamineCommand
from .stopped_guest import StoppedGuest


class KvmCommand(gdb.Command):
    """Commands for a guest under kvm-gdbserver."""

    def __init__(self):
        super().__init__("kvm", gdb.COMMAND_DATA, prefix=True)


class KvmModeCommand(gdb.Command):
    """Print the processor's mode, its privilege level and where it executes, as CS:IP and as a linear address."""

    def __init__(self):
        super().__init__("kvm mode", gdb.COMMAND_DATA, gdb.COMPLETE_NONE)

    def invoke(self, argument, from_tty):
        if argument.strip():
            raise gdb.GdbError("kvm mode takes no arguments.")
        guest = StoppedGuest()
        mode = guest.mode
        linear = guest.register("pc")
        offset = (linear - guest.register("cs_base")) & (2**mode.bits - 1)
        gdb.write(
            f"{mode.name}, cpl {privilege_level_of(guest.read_register)}, "
            f"cs:ip {guest.register('cs') & 0xFFFF:04x}:{offset:0{mode.bits // 4}x}, linear {linear:#x}"
            f"{', unreal (a data segment reaches beyond 64 KiB)' if is_unreal(guest.read_register) else ''}\n"
        )


def flush_registers_after_monitor() -> None:
    """`monitor reset` changes every register behind gdb's back; what gdb shows next must be the new ones."""
    gdb.execute(
        "define hookpost-monitor\n"
        "python gdb.execute('maintenance flush register-cache', to_string=True)\n"
        "end",
        to_string=True,
    )


def register() -> None:
    KvmCommand()
    for command in (KvmModeCommand, KvmExamineCommand, *guest_tables.COMMANDS):
        command()
    flush_registers_after_monitor()
