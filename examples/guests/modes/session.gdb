# Real mode, protected mode, long mode: one gdb session, right disassembly and frames in each.
#
# In examples/guests, in two terminals:
# Server: kvm-gdbserver build/modes.img
# gdb:    gdb -x modes/session.gdb

source ../../gdb/kvm_gdbserver.py
symbol-file build/modes.elf
target remote :1234

# Real mode.
kvm mode
x/5i $pc
break put16
continue
bt
finish

# Into protected mode, instruction by instruction: setting CR0.PE alone changes nothing yet, the far jump does.
stepi
x/4i $pc
stepi 3
print $cr0
kvm mode
stepi
kvm mode
x/3i $pc
print $gdtr
break put32
continue
bt
finish

# Into long mode: EFER.LME, then CR0.PG, then the far jump.
tbreak long_mode
continue
kvm mode
print $cr0
print $efer
x/3i $pc
x/2xg $cr3
break put64
continue
bt
finish

# Where the program counter, the stack and the mode are now.
info registers rip rsp mode

delete
continue
