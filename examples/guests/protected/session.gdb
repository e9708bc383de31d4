# From real to protected mode, and text written straight into the video memory.
#
# In examples/guests, in two terminals:
# Server: kvm-gdbserver build/protected.img
# gdb:    gdb -x protected/session.gdb

source ../../gdb/kvm_gdbserver.py
symbol-file build/protected.elf
target remote :1234

# Up to the far jump the code is 16-bit code, though CR0.PE is set already.
break far_jump
continue
x/i $pc
print $cr0
kvm mode
stepi
kvm mode
x/3i $pc

# The cells that will have the text, before and after: a character and its attribute each.
delete
break print
continue
x/8xb 0xb8000 + 2 * (12 * 80 + 24)
x/s $esi
finish
x/8xb 0xb8000 + 2 * (12 * 80 + 24)

break move_cursor
continue
bt
monitor screen
delete
break done
continue
delete
continue
