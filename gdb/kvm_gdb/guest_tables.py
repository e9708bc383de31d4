"""The `kvm` commands that show what the server knows: descriptor tables, page tables, the BIOS's data, PCI, the screen."""

import re

import gdb

from .stopped_guest import StoppedGuest, number

# Where a table says that code begins; a symbol is shown behind it.
_CODE_ADDRESS = re.compile(r"\blinear 0x([0-9a-f]+)|\b[0-9a-f]{4}:([0-9a-f]{8}(?:[0-9a-f]{8})?)(?=$|\s)")


class _ServerCommand(gdb.Command):
    """Runs a `monitor` command for the selected CPU. Subclasses name it and have the help text."""

    name = ""
    monitor = ""
    # The selected CPU's index is the last word.
    takes_cpu = False

    def __init__(self):
        super().__init__(f"kvm {self.name}", gdb.COMMAND_DATA, gdb.COMPLETE_NONE)

    def invoke(self, argument, from_tty):
        if argument.strip():
            raise gdb.GdbError(f"kvm {self.name} takes no arguments.")
        guest = StoppedGuest()
        gdb.write(self.decorate(guest.monitor(f"{self.monitor} {guest.cpu}" if self.takes_cpu else self.monitor)))

    def decorate(self, text: str) -> str:
        return text


class _HandlerTableCommand(_ServerCommand):
    """A table of code addresses: each line shows the symbol there, where gdb has one."""

    takes_cpu = True

    def decorate(self, text: str) -> str:
        return "".join(_with_symbol(line) for line in text.splitlines(keepends=True))


def _with_symbol(line: str) -> str:
    found = _CODE_ADDRESS.search(line)
    if found is None:
        return line
    symbol = re.search(r"<.*>", gdb.format_address(int(found.group(1) or found.group(2), 16)))
    return line if symbol is None else f"{line.rstrip()} {symbol.group(0)}\n"


class KvmGdtCommand(_ServerCommand):
    """Show the global descriptor table of the selected CPU, and which segment registers hold each selector."""
    name, monitor, takes_cpu = "gdt", "info gdt", True


class KvmIdtCommand(_HandlerTableCommand):
    """Show the interrupt descriptor table of the selected CPU: each gate, where it leads, and the symbol there.

In real mode there is none: see `kvm ivt`."""
    name, monitor = "idt", "info idt"


class KvmIvtCommand(_HandlerTableCommand):
    """Show the interrupt vector table of real mode: where each interrupt leads, and what a PC has there.

Outside real mode it is the table at physical 0, which the processor does not use then."""
    name, monitor = "ivt", "info ivt"


class KvmBdaCommand(_ServerCommand):
    """Show the BIOS data area at physical 0x400, decoded."""
    name, monitor = "bda", "info bda"


class KvmE820Command(_ServerCommand):
    """Show the memory map that the guest, or its firmware, was given."""
    name, monitor = "e820", "info e820"


class KvmPciCommand(_ServerCommand):
    """Show the functions on the PCI bus: identity, class, base addresses, interrupt."""
    name, monitor = "pci", "info pci"


class KvmScreenCommand(_ServerCommand):
    """Show the guest's text screen."""
    name, monitor = "screen", "screen"


class KvmPageTableCommand(gdb.Command):
    """Show where the selected CPU's page tables lead: kvm pagetable [ADDRESS]

Without ADDRESS every mapped range; with it each entry on the way. ADDRESS is a linear address, as an expression."""

    def __init__(self):
        super().__init__("kvm pagetable", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        guest = StoppedGuest()
        address = f"{number(argument) & (2**64 - 1):#x}" if argument.strip() else "all"
        gdb.write(guest.monitor(f"info pagetable {address} {guest.cpu}"))


class KvmKeysCommand(gdb.Command):
    """Type on the guest's keyboard: kvm keys TEXT

Characters stand for themselves, \\n is Enter, names are in angle brackets: <up>, <f1>, <space>. TEXT may stand
in double quotes.

    kvm keys "help\\n" """

    def __init__(self):
        super().__init__("kvm keys", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        text = argument.strip()
        if len(text) >= 2 and text[0] == text[-1] == '"':
            # Blanks within the quotes are keys.
            text = text[1:-1].replace(" ", "<space>")
        if not text:
            raise gdb.GdbError('Say what to type: kvm keys "help\\n"')
        gdb.write(StoppedGuest().monitor(f"keys {text}"))

    def complete(self, text, word):
        """The names of keys, behind the last bracket that is open."""
        start = text.rfind("<")
        if start < 0 or ">" in text[start:]:
            return gdb.COMPLETE_NONE
        # gdb takes `<` for the end of a word; what stands before `word` is not to be repeated.
        given = len(text) - start - len(word)
        return [name[given:] for name in _KEY_NAMES if name.startswith(text[start:])]


_KEY_NAMES = (
    "<space>", "<up>", "<down>", "<left>", "<right>", "<home>", "<end>", "<pageup>", "<pagedown>", "<insert>", "<delete>",
    *(f"<f{number}>" for number in range(1, 13)),
)

COMMANDS = (
    KvmGdtCommand, KvmIdtCommand, KvmIvtCommand, KvmPageTableCommand, KvmBdaCommand, KvmE820Command, KvmPciCommand, KvmScreenCommand,
    KvmKeysCommand,
)
