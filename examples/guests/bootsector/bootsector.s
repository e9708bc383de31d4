# bootsector: 16-bit code with everything that makes 16-bit code hard to debug.
#
# The far jump at the start sets CS to 07c0, so IP counts from 0 while the code lies at linear 7c00. It makes near
# calls (with and without a BP frame), installs an interrupt handler in the interrupt vector table and uses it with
# `int $0x60`, as a boot loader uses the BIOS.
# Run it:    kvm-gdbserver build/bootsector.img

        .set    SEGMENT, 0x07c0
        .set    BASE, SEGMENT << 4      # labels are linear addresses; minus BASE they are offsets in the segment

        .code16
        .globl  _start
_start:
        ljmp    $SEGMENT, $(main - BASE)

main:
        cli
        xorw    %ax, %ax
        movw    %ax, %es                # ES = 0: the interrupt vector table
        movw    $0x9000, %ax
        movw    %ax, %ss                # SS = 9000: a stack far from the code
        movw    $0xfffe, %sp
        movw    $SEGMENT, %ax
        movw    %ax, %ds

        movw    $(service - BASE), %es:0x60 * 4
        movw    $SEGMENT, %es:0x60 * 4 + 2

        movw    $(greeting - BASE), %si
        call    print

        pushw   $3                      # add(2, 3), arguments on the stack
        pushw   $2
        call    add
        addw    $4, %sp
        addb    $'0', %al
        int     $0x60
        movb    $'\n', %al
        int     $0x60

        movw    $0x604, %dx             # ACPI PM1a control: soft off
        movw    $0x2000, %ax
        outw    %ax, %dx
halt:
        hlt
        jmp     halt

# Prints the string at DS:SI. No frame: the return address is where SP left it.
print:
        cld
1:      lodsb
        testb   %al, %al
        jz      2f
        int     $0x60
        jmp     1b
2:      ret

# AX = first + second, taken from the stack. A frame with BP, as a compiler makes it.
add:
        pushw   %bp
        movw    %sp, %bp
        movw    4(%bp), %ax
        addw    6(%bp), %ax
        popw    %bp
        ret

# int $0x60: writes AL to the serial port. Keeps every register.
service:
        pushw   %dx
        pushw   %ax
        movw    $0x3fd, %dx
1:      inb     %dx, %al
        testb   $0x20, %al
        jz      1b
        popw    %ax
        movw    $0x3f8, %dx
        outb    %al, %dx
        popw    %dx
        iret

greeting:
        .asciz  "2 + 3 = "
