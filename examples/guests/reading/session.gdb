# A boot sector that reads sectors by INT 13h: before and after the read, and a breakpoint in code that is not there yet.
#
# In examples/guests, in two terminals:
# Server: kvm-gdbserver --firmware builtin build/reading.img
# gdb:    gdb -x reading/session.gdb build/reading.elf

file build/reading.elf
source ../../gdb/kvm_gdbserver.py
target remote :1234

# Set before the code is read over it, the breakpoint is hit all the same.
break *second
break read_lba
continue

# The packet: its size, two sectors, to 0000:7e00, from sector 1 on.
x/8xh &packet
x/s &message
nexti 3
x/i $pc
nexti
print $eflags & 1
x/s &message
continue
x/2i $pc

# The read as it would go without extensions: make INT 13h, AH=41h, fail.
monitor reset
delete
break asked
continue
x/i $pc
set var $eflags = $eflags | 1
tbreak loaded
break read_chs
continue
nexti 5
printf "INT 13h AX=%x CX=%x DX=%x to %x\n", $rax & 0xffff, $rcx & 0xffff, $rdx & 0xffff, $rbx & 0xffff
continue
x/s &message
delete
continue
