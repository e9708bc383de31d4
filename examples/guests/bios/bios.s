# bios: a boot sector in the style of the usual tutorials.
#
# Prints by INT 10h, reads its second sector by INT 13h, asks for the memory map by INT 15h, waits for a key by INT 16h,
# and powers the machine off. Needs a BIOS: the built-in one starts it at once.
# Run it:    kvm-gdbserver --firmware builtin build/bios.img
# Debug it:  gdb -x session.gdb, once connected

        .code16
        .section .boot, "ax"
        .globl  _start
_start:
        cld
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movw    $0x7c00, %sp
        movb    %dl, drive              # the BIOS says which drive this is

        movw    $0x0003, %ax            # 80 x 25 text, an empty screen
        int     $0x10
        movw    $greeting, %si
        call    print

read_second_sector:
        movw    $0x0201, %ax            # read 1 sector
        movw    $0x0002, %cx            # cylinder 0, sector 2
        xorb    %dh, %dh                # head 0
        movb    drive, %dl
        movw    $second_sector, %bx
        int     $0x13
        jc      failed
        jmp     second_sector

failed:
        movw    $sorry, %si
        call    print
        jmp     power_off

# Prints the string at DS:SI.
        .globl  print
print:
        lodsb
        testb   %al, %al
        jz      printed
        movb    $0x0e, %ah              # teletype output
        movw    $0x0007, %bx
        int     $0x10
        jmp     print
printed:
        ret

        .globl  power_off
power_off:
        movw    $0x604, %dx             # ACPI PM1a control: soft off
        movw    $0x2000, %ax
        outw    %ax, %dx
halt:
        cli
        hlt
        jmp     halt

drive:
        .byte   0
greeting:
        .asciz  "Hello from INT 10h.\r\n"
sorry:
        .asciz  "INT 13h failed.\r\n"

        .section .stage2, "ax"
        .globl  second_sector
second_sector:
        movw    $loaded, %si
        call    print

        xorl    %ebx, %ebx              # the first entry of the memory map
        movl    $0x534d4150, %edx       # "SMAP"
        movl    $20, %ecx
        movl    $0xe820, %eax
        movw    $map_entry, %di
        int     $0x15
        jc      failed

wait_for_key:
        xorb    %ah, %ah
        int     $0x16
        movb    %al, key
        movw    $typed, %si
        call    print
        jmp     power_off

        .balign 4
        .globl  map_entry, map_size
map_entry:
        .quad   0
map_size:
        .quad   0
        .long   0
loaded:
        .asciz  "The second sector is here.\r\n"
typed:
        .ascii  "You typed "
key:
        .asciz  "?\r\n"
