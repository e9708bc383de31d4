# Four ways to fail, chosen from gdb.
#
# In examples/guests, in two terminals:
# Server: kvm-gdbserver build/faults.elf
# gdb:    gdb -x faults/session.gdb

source ../../gdb/kvm_gdbserver.py
file build/faults.elf
target remote :1234

# The guest asks what to do next; choose for it.
tbreak choose
continue
set var which = DIVIDE_ERROR

# The handler, and who caused the fault.
break on_fault
continue
info args
bt
x/i frame->rip

tbreak choose
continue
set var which = INVALID_OPCODE
continue
print vector
x/i frame->rip

tbreak choose
continue
set var which = PAGE_FAULT
continue
print vector
print/x error_code
print/x $cr2
x/i frame->rip

# A triple fault: on hardware the machine would be reset here without a word.
delete
tbreak choose
continue
set var which = TRIPLE_FAULT
# SVM resets the processor at a triple fault: the server then knows the registers of the last stop, so stop close to it.
tbreak provoke_triple_fault
continue
stepi
continue
print faults_seen
kill
