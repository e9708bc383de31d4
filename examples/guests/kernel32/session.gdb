# A 32-bit C kernel from a Multiboot loader, with its symbols.
#
# In examples/guests, in two terminals:
# Server: kvm-gdbserver build/kernel32.elf --memory 32M --append 'root=/dev/ram verbose'
# gdb:    gdb -x kernel32/session.gdb

source ../../gdb/kvm_gdbserver.py
file build/kernel32.elf
target remote :1234

# The state Multiboot promises: protected mode without paging, the magic value in EAX.
kvm mode
print/x $eax
x/3i $pc

break kernel_main
continue
print/x magic
print *info
print (const char *)info->command_line
info args

# Down the recursion, and back.
break factorial if n == 2
continue
bt
up
info locals
print n
delete
finish

tbreak print_decimal
continue
bt
print value

continue
