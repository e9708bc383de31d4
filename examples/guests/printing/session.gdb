# The first boot sector of every tutorial: what each call prints, and the screen as it is.
#
# In examples/guests, in two terminals:
# Server: kvm-gdbserver build/printing.img
# gdb:    gdb -x printing/session.gdb

source ../../gdb/kvm_gdbserver.py
symbol-file build/printing.elf
target remote :1234

# A breakpoint in the loop: the characters come one by one. bt shows who prints.
break print_char
continue
printf "AL = '%c'\n", $rax & 0xff
bt
continue
printf "AL = '%c'\n", $rax & 0xff
delete

# nexti goes over INT 10h, and over the call of a whole string.
break print_hex
continue
monitor screen
print/x $rdx & 0xffff

# Yellow on blue is attribute 1e: the cell at row 2, column 4.
x/2xb 0xb8000 + 2 * (2 * 80 + 4)

break done
continue
monitor screen
delete
continue
