# A Multiboot 2 kernel with a framebuffer and a keyboard: what the loader handed over, pixels as memory, and typed commands.
#
# In examples/guests, in two terminals:
# Server: kvm-gdbserver build/prompt2.elf --module prompt/font.bin --module prompt/motd.txt
# gdb:    gdb -x prompt2/session.gdb build/prompt2.elf
# At any stop: monitor screendump prompt2.png

file build/prompt2.elf
source ../../gdb/kvm_gdbserver.py
target remote :1234

break prompt
continue
printf "%ux%u, pitch %u, at %p\n", screen->width, screen->height, screen->pitch, screen->pixels
output *text.start@(text.end - text.start)
echo \n

# Type, and see the command arrive.
tbreak run_command
monitor keys help\n
continue
print line
finish
print $eax
tbreak run_command
monitor keys bars\n
continue
finish
# The last bar is white.
x/2xw screen->pixels + (screen->height - 1) * screen->pitch
monitor screen
monitor keys halt\n
continue
