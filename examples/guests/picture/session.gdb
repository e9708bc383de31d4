# A picture in mode 13h: the mode, the palette's ports, and pixels as memory.
#
# In examples/guests, in two terminals:
# Server: kvm-gdbserver build/picture.img
# gdb:    gdb -x picture/session.gdb
# While it is held: monitor screendump picture.png

source ../../gdb/kvm_gdbserver.py
symbol-file build/picture.elf
target remote :1234

break make_palette
continue
monitor screen

# The first colour: what goes to the DAC's data port.
monitor catch io 0x3c9
continue
continue
continue
monitor uncatch
delete

# The screen is memory at A0000: the row that is copied, and then the whole frame.
break copy_rows
continue
x/8xb 0xa0000 + 320
x/3xb 0xa0000 + 320 + 317
x/2xb 0xa0000 + 199 * 320
break done
continue
x/2xb 0xa0000 + 199 * 320
delete
continue
