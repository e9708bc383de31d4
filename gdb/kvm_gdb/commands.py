"""The `kvm` commands."""

import gdb

from .cpu_mode import mode_of, privilege_level_of


class KvmCommand(gdb.Command):
    """Commands for a guest under kvm-gdbserver."""

    def __init__(self):
        super().__init__("kvm", gdb.COMMAND_DATA, prefix=True)


class KvmModeCommand(gdb.Command):
    """Print the processor's mode, its privilege level and where it executes, as CS:IP and as a linear address."""

    def __init__(self):
        super().__init__("kvm mode", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        try:
            read = gdb.selected_frame().read_register
        except gdb.error as error:  # no target, or the guest runs
            raise gdb.GdbError(str(error)) from None
        mode = mode_of(read)
        if mode is None:
            raise gdb.GdbError("The target has no mode register: `kvm mode` needs kvm-gdbserver with its own description.")
        linear = int(read("pc")) & (2**64 - 1)
        offset = (linear - int(read("cs_base"))) & (2**mode.bits - 1)
        selector = int(read("cs")) & 0xFFFF
        gdb.write(
            f"{mode.name}, cpl {privilege_level_of(read)}, "
            f"cs:ip {selector:04x}:{offset:0{mode.bits // 4}x}, linear {linear:#x}\n"
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
    KvmModeCommand()
    flush_registers_after_monitor()
