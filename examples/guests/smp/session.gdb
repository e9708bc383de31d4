# Four processors, found in the ACPI tables and started by INIT and SIPI.
#
# In examples/guests, in two terminals:
# Server: kvm-gdbserver build/smp.elf --cpus 4 --irqchip kernel
# gdb:    gdb -x smp/session.gdb

source ../../gdb/kvm_gdbserver.py
file build/smp.elf
target remote :1234

# The others wait for the bootstrap processor.
info threads

break start_processor
continue
print apic_id
up
print *madt

# The first instruction of the second processor is where its SIPI points, in real mode.
delete
hbreak *0x8000
continue
info threads 2 3 4
kvm mode
delete

# Down into ap_main, by its own stack.
tbreak ap_main if number == 1
continue
bt
up
continue
