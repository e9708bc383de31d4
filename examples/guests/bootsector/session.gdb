# 16-bit code with CS at 07c0: calls, an interrupt, and their frames.
#
# In examples/guests, in two terminals:
# Server: kvm-gdbserver build/bootsector.img
# gdb:    gdb -x bootsector/session.gdb

source ../../gdb/kvm_gdbserver.py
symbol-file build/bootsector.elf
target remote :1234

# The far jump sets CS. The pc that gdb shows is linear all the way.
x/i $pc
kvm mode
stepi
kvm mode
x/3i $pc

# nexti goes over a near call as if it were one instruction...
break print
continue
bt
finish
x/3i $pc
nexti
nexti
x/i $pc
# ...stepi goes into it.
stepi
bt
stepi
stepi
bt
finish
print/x $rax & 0xffff

# nexti over int $0x60; then into the handler, where bt shows who raised the interrupt.
nexti 2
x/i $pc
nexti
x/2i $pc
break service
continue
bt
up
x/i $pc
info registers cs eflags

# The vector that the boot sector installed: offset, then segment.
x/2xh 0x60 * 4

delete
continue
