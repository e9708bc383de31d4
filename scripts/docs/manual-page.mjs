// man/kvm-gdbserver.1, in the macros of man(7).

/** Text as roff takes it: no line begins with a control character, a hyphen is one that can be copied. */
function roff(text) {
  return text.replace(/\\/g, '\\e').replace(/-/g, '\\-').replace(/^([.'])/gm, '\\&$1');
}

export function manualPage({ COMMAND_TEXTS, OPTION_TEXTS, optionUsage, version }) {
  const item = (head, text) => `.TP\n.B ${roff(head)}\n${roff(text)}\n`;
  const withDefault = ({ text, values, default: preset }) =>
    `${text}${values === undefined ? '' : ` Values: ${values.join(', ')}.`}${preset === undefined ? '' : ` Default: ${preset}.`}`;
  return `.\\" Made by npm run docs; edit src/cli/option-texts.ts instead.
.TH KVM\\-GDBSERVER 1 "" "kvm\\-gdbserver ${roff(version)}" "User Commands"
.SH NAME
kvm\\-gdbserver \\- boot a guest on KVM and let gdb debug it from its first instruction
.SH SYNOPSIS
.B kvm\\-gdbserver
.RI [ options ]
.I GUEST
.br
.B kvm\\-gdbserver
.IR command
.SH DESCRIPTION
Boots GUEST (a boot sector, a disk, a flat image, an ELF, Multiboot or Linux kernel) on KVM and holds it at its first instruction, so
that stock gdb can debug it through real, protected and long mode in one session. The guest's serial port is on standard
input and output; everything else is said on standard error.
.SH COMMANDS
${COMMAND_TEXTS.map(({ command, text }) => item(command, text)).join('')}.SH OPTIONS
${Object.entries(OPTION_TEXTS).map(([name, option]) => item(optionUsage(name, option), withDefault(option))).join('')}.SH EXIT STATUS
The guest's own when it ends; 0 when gdb ended it; 128 and the number of the signal that ended the server; 1 when it could not begin;
2 for a wrong command line.
.SH SIGNALS
.TP
.B SIGINT, SIGTERM, SIGHUP
End the server within a second, whatever the guest does; its sockets and the ready file are removed. With \\-\\-gdb SIGINT is gdb's, which
interrupts the guest.
.TP
.B SIGUSR2
The server says what every processor does. Nothing is stopped for it.
.SH ENVIRONMENT
.TP
.B GDB
The program that \\-\\-gdb starts instead of gdb.
.SH EXAMPLES
.nf
kvm\\-gdbserver boot.img
gdb \\-x "$(kvm\\-gdbserver gdb\\-script)" \\-ex 'target remote :1234'
kvm\\-gdbserver \\-\\-gdb kernel.elf \\-\\- \\-ex 'break main'
.fi
.SH SEE ALSO
.BR gdb (1)
`;
}
