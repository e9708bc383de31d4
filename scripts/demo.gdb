# The session that npm run demo shows: a boot sector from its first instruction to its end, through three CPU modes.
# By hand, in two terminals:
#   kvm-gdbserver examples/guests/build/modes.img
#   gdb -q -d examples/guests -x gdb/kvm_gdbserver.py -x scripts/demo.gdb

file examples/guests/build/modes.elf
target remote :1234

# Real mode: the first instruction of a boot sector, disassembled as the 16-bit code it is.
kvm mode
x/5i $pc
x/16xb 0x7c00
break put16
continue
finish

# stepi across the switch into protected mode: CR0.PE changes nothing yet, the far jump does.
stepi 3
kvm mode
x/2i $pc
stepi
x/2i $pc
stepi
kvm mode
x/3i $pc
break put32
continue
backtrace

# stepi across the switch into long mode: CR0.PG, and again a far jump.
tbreak *put32 - 10
continue
x/3i $pc
stepi
print $cr0
print $efer
stepi
kvm mode
x/3i $pc
break put64
continue
backtrace
info registers rax rip rsp eflags cs cr0 cr3 efer mode

# To the end: the guest powers the machine off.
delete
continue
