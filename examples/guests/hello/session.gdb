# The first steps of a boot sector, with nothing but its 512 bytes: no symbols, no ELF file.
#
# In examples/guests, in two terminals:
# Server: kvm-gdbserver build/hello.img
# gdb:    gdb -x hello/session.gdb

source ../../gdb/kvm_gdbserver.py
target remote :1234

# The machine waits at its first instruction, in 16-bit real mode.
kvm mode
x/6i $pc

# One instruction at a time.
stepi 4
print/x $rsi
x/s $rsi

# The instruction that sends a byte: stop there, and see which byte it is.
break *0x7c1c
continue
x/i $pc
printf "AL = '%c'\n", $rax & 0xff
continue
printf "AL = '%c'\n", $rax & 0xff

# Let it go. The guest powers itself off.
delete
continue
