# A boot sector that lives on BIOS calls: over an INT, into the sector it reads, the screen, and a key.
#
# In examples/guests, in two terminals:
# Server: kvm-gdbserver --firmware builtin build/bios.img
# gdb:    gdb -x bios/session.gdb build/bios.elf

file build/bios.elf
source ../../gdb/kvm_gdbserver.py
target remote :1234

# The BIOS has left the boot drive in DL, as always.
print/x $rdx & 0xff

# What the boot sector has printed.
break read_second_sector
continue
monitor screen

# The second sector is not loaded yet; a breakpoint there is hit all the same, once it is.
break *second_sector
x/2i &second_sector

# nexti goes over a BIOS call as over any other.
nexti 5
x/i $pc
nexti
x/2i &second_sector

continue
x/2i $pc
monitor screen

# What the BIOS writes is a device's, and stops no watchpoint.
watch *(long *)&map_size
break wait_for_key
continue
printf "RAM from 0x%lx, %ld KiB\n", *(long *)&map_entry, *(long *)&map_size / 1024

# INT 16h waits for a key, and has it.
monitor keys k
nexti 2
printf "AL = '%c'\n", $rax & 0xff
delete
break power_off
continue
monitor screen
continue
