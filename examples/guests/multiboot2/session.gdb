# A 32-bit C kernel from a Multiboot 2 loader: the tags it is given, one by one.
#
# In examples/guests, in two terminals:
# Server: kvm-gdbserver build/multiboot2.elf --memory 32M --append 'verbose' --module 'multiboot2/motd.txt message of the day'
# gdb:    gdb -x multiboot2/session.gdb

source ../../gdb/kvm_gdbserver.py
file build/multiboot2.elf
target remote :1234

# The state Multiboot 2 promises: protected mode without paging, the magic value in EAX.
kvm mode
print/x $eax

break kernel_main
continue
print information[1]
print (const char *) &information[2]

# Stop at the module's tag only, and look at what is behind it.
break handle_tag if tag->type == MODULE
continue
bt
set var $module = (const struct module_tag *) tag
print $module->text
x/s $module->start
delete

# The memory map, when it is its turn.
tbreak print_memory_map
continue
print map->entries[0]
print map->entries[2]
up
print tag->type

continue
