/** The text of --help: one screen. Written by hand, for yargs would need three; a test compares it with the options. */

export const USAGE = `\
kvm-gdbserver [options] GUEST       boots GUEST on KVM and holds it at its first instruction for gdb
kvm-gdbserver doctor [--json]       says whether KVM works here and what it offers a debugger
kvm-gdbserver gdb-script|completion prints the path of gdb's helper (gdb -x); a script for a shell

  --listen ADDRESS          HOST:PORT, :PORT (127.0.0.1), unix:PATH, stdio         [127.0.0.1:1234]
  --gdb [-- ARGS]           start gdb in this terminal, attached; ends when gdb ends
  --memory SIZE --cpus N --clock POLICY  RAM [128M], CPUs [1], time in a stop: pause, run  [pause]
  --firmware ROM            seabios, a ROM file, builtin, none          [a disk: seabios, else none]
  --stop-at PLACE           reset, boot-sector, entry, ADDRESS: held there; --run: nowhere
  --disk FILE[,MODE] --cdrom FILE --floppy FILE  MODE: snapshot, readonly, write; --boot-order LIST
  --irqchip WHERE           interrupt controllers: none, kernel, split [a disk, --cpus: kernel]
  --cpu CHOICE              host or base, then -FEATURE,+FEATURE as in /proc/cpuinfo [host]
  --boot KIND               auto, flat, mbr, linux, multiboot, multiboot2, pvh, elf [auto]
  --load A --entry A --mode MODE   of a flat image; MODE: real, protected, long (bzImage, too)
  --append TEXT             the kernel's command line      --symbols FILE  an ELF file for gdb
  --module "FILE ARGS"      a module or initrd; may be repeated (--initrd is the same)
  --serial WHERE            stdio, file:PATH, pty, tcp:HOST:PORT, unix:PATH, none  [stdio]
  --display text            screen and keyboard in this terminal, Ctrl-] ends [none]; --keys TEXT
  --once  --ready-file FILE ends with its first connection; FILE appears when gdb may connect
  --on-disconnect WHAT      stop, continue, kill [stop];  --on-kill WHAT  exit, keep, reset [exit]
  --description NAME        registers that gdb sees: auto, x86-64, i386, i8086     [auto]
  --log LAYERS              rsp, exit, bp, firmware, with commas: what happens, on stderr
  --log-format FORMAT       of what is said on stderr: text, json (JSON lines)     [text]
  --mechanisms LIST         debug-register, patch, read-only, step: what may make breakpoints stop
  --trace-exits FILE        every exit on a time line, for Perfetto     --version  --help

  kvm-gdbserver boot.img                                  then: gdb -ex 'target remote :1234'
  kvm-gdbserver --gdb kernel.elf -- -ex 'break main'      both in one terminal
  kvm-gdbserver disk.img --stop-at boot-sector            a disk, behind its firmware
`;
