"""The guest as a `kvm` command finds it: stopped, under kvm-gdbserver, seen from the CPU that is selected in gdb."""

import gdb

from .cpu_mode import CpuMode, mode_of


class StoppedGuest:
    """Raises gdb.GdbError with one sentence where there is no such guest."""

    def __init__(self):
        thread = gdb.selected_thread()
        if thread is None or not thread.is_valid():
            raise gdb.GdbError("There is no guest: connect to kvm-gdbserver by `target remote` first.")
        if thread.is_running():
            raise gdb.GdbError("The guest is running; interrupt it first.")
        try:
            self.read_register = gdb.selected_frame().read_register
        except gdb.error as error:
            raise gdb.GdbError(str(error)) from None
        mode = mode_of(self.read_register)
        if mode is None:
            raise gdb.GdbError("The target has no mode register: the kvm commands need kvm-gdbserver with its own description.")
        self.mode: CpuMode = mode

    def register(self, name: str) -> int:
        """Unsigned. Raises gdb.GdbError for one that is not described."""
        try:
            value = self.read_register(name)
        except (gdb.error, ValueError):
            raise gdb.GdbError(f"The target has no register {name}: it does not run under its full description.") from None
        return int(value) & (2 ** (8 * value.type.sizeof) - 1)

    @property
    def cpu(self) -> int:
        """Index of the selected CPU; the server numbers its threads from 1."""
        return gdb.selected_thread().ptid[1] - 1

    def monitor(self, command: str) -> str:
        """What the server answers. Raises gdb.GdbError where the command cannot be sent."""
        try:
            return gdb.execute(f"monitor {command}", to_string=True)
        except gdb.error as error:
            raise gdb.GdbError(str(error)) from None


def evaluate(expression: str) -> gdb.Value:
    """Raises gdb.GdbError in gdb's own words for what is no expression."""
    try:
        return gdb.parse_and_eval(expression)
    except gdb.error as error:
        raise gdb.GdbError(str(error)) from None


def number(expression: str) -> int:
    """An address or number; raises gdb.GdbError for what has another type."""
    value = evaluate(expression)
    try:
        if value.type.strip_typedefs().code == gdb.TYPE_CODE_FUNC:
            value = value.address
        return int(value)
    except (gdb.error, ValueError, TypeError):
        raise gdb.GdbError(f"{expression} is no number.") from None
