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

# A near call: gdb knows the caller, and finish returns to it.
break print
continue
bt
finish
x/3i $pc

# stepi goes into a call; the frame is right on every instruction of the function.
nexti 2
stepi
bt
stepi
bt
stepi
x/i $pc
bt
finish
print/x $rax & 0xffff

# nexti goes over int $0x60 as over a call...
nexti 2
x/i $pc
nexti
x/2i $pc
# ...and in its handler bt shows who raised it. finish leaves it by iret.
break service
continue
bt
up
x/i $pc
info registers cs eflags
down
finish

# The vector that the boot sector installed: offset, then segment.
x/2xh 0x60 * 4

delete
continue
