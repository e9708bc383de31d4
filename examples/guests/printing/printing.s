# printing: the first boot sector of every tutorial.
#
# Prints a string by INT 10h, AH=0Eh, once in grey and once, by AH=13h, in colours; then a number in hexadecimal. Ends by
# isa-debug-exit. The built-in BIOS of kvm-gdbserver starts it at once.
# Run it:    kvm-gdbserver --run build/printing.img
# Debug it:  gdb -x session.gdb, once connected

        .code16
        .text
        .globl  _start
_start:
        cld
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movw    $0x7c00, %sp

        movw    $0x0003, %ax            # 80 x 25 text, an empty screen
        int     $0x10
        movw    $hello, %si
        call    print_string
        movw    $0x1301, %ax            # write a string, move the cursor
        movw    $0x001e, %bx            # page 0, yellow on blue
        movw    $colours_length, %cx
        movw    $0x0204, %dx            # row 2, column 4
        movw    $colours, %bp
        int     $0x10
        movw    $number, %si
        call    print_string
        movw    $0xcafe, %dx
        call    print_hex

        .globl  done
done:
        xorb    %al, %al
        outb    %al, $0xf4              # isa-debug-exit: status 1
halt:
        cli
        hlt
        jmp     halt

# Prints the string at DS:SI.
        .globl  print_string
print_string:
        lodsb
        testb   %al, %al
        jz      1f
        call    print_char
        jmp     print_string
1:      ret

# Prints the character in AL.
        .globl  print_char
print_char:
        movb    $0x0e, %ah              # teletype output
        movw    $0x0007, %bx
        int     $0x10
        ret

# Prints DX as four hexadecimal digits.
        .globl  print_hex
print_hex:
        movw    $4, %cx
1:      rolw    $4, %dx
        movb    %dl, %al
        andb    $0x0f, %al
        addb    $'0', %al
        cmpb    $'9', %al
        jbe     2f
        addb    $'a' - '9' - 1, %al
2:      call    print_char
        loop    1b
        ret

hello:
        .asciz  "Hello from 0x7c00!\r\n"
colours:
        .ascii  "in colours"
        .set    colours_length, . - colours
number:
        .asciz  "\r\nDX = 0x"
