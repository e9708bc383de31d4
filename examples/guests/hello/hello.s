# hello: the smallest guest worth debugging.
#
# A boot sector in 16-bit real mode: writes a line to the serial port, byte by byte, and powers the machine off.
# Run it:    kvm-gdbserver build/hello.img
# Debug it:  gdb -x session.gdb, once connected

        .code16
        .globl  _start
_start:
        cld
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    $message, %si
next:
        lodsb                           # AL = the next byte of the message
        testb   %al, %al
        jz      power_off
        movb    %al, %bl
        movw    $0x3fd, %dx             # wait until the serial port can take a byte
wait:
        inb     %dx, %al
        testb   $0x20, %al
        jz      wait
        movb    %bl, %al
        movw    $0x3f8, %dx
        outb    %al, %dx
        jmp     next

power_off:
        movw    $0x604, %dx             # ACPI PM1a control: soft off
        movw    $0x2000, %ax
        outw    %ax, %dx
halt:
        cli
        hlt
        jmp     halt

message:
        .asciz  "Hello from real mode\n"
