# reading: a boot sector that loads the rest of itself.
#
# Looks for the extended calls of INT 13h, reads two sectors by LBA where it has them and by cylinder, head and sector where
# it has not, tries three times, and prints the message that it has read.
# Run it:    kvm-gdbserver --firmware builtin --run build/reading.img
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

        movw    $0x0003, %ax
        int     $0x10
        movw    $loading, %si
        call    print

        movb    $0x41, %ah              # are there extensions?
        movw    $0x55aa, %bx
        int     $0x13
        .globl  asked
asked:
        jc      read_chs
        cmpw    $0xaa55, %bx
        jne     read_chs

        .globl  read_lba
read_lba:
        movb    $0x42, %ah
        movb    drive, %dl
        movw    $packet, %si
        int     $0x13
        jnc     loaded
        jmp     failed

        .globl  read_chs
read_chs:
        movw    $0x0202, %ax            # two sectors
        movw    $0x0002, %cx            # cylinder 0, sector 2
        xorb    %dh, %dh                # head 0
        movb    drive, %dl
        movw    $second, %bx
        int     $0x13
        jnc     loaded
        decb    tries
        jz      failed
        xorb    %ah, %ah                # reset the drive, and again
        int     $0x13
        jmp     read_chs

failed:
        movw    $sorry, %si
        call    print
        movb    $1, %al
        outb    %al, $0xf4              # isa-debug-exit: status 3

        .globl  loaded
loaded:
        jmp     second

# Prints the string at DS:SI.
        .globl  print
print:
        lodsb
        testb   %al, %al
        jz      1f
        movb    $0x0e, %ah
        movw    $0x0007, %bx
        int     $0x10
        jmp     print
1:      ret

drive:  .byte   0
tries:  .byte   3
loading:
        .asciz  "Loading...\r\n"
sorry:  .asciz  "The disk cannot be read.\r\n"
        .balign 4
        .globl  packet
packet: .byte   16, 0                   # disk address packet: its size
        .word   2                       # sectors
        .word   second, 0               # to offset, segment
        .quad   1                       # from the second sector on

        .section .stage2, "ax"
        .globl  second
second:
        movw    $message, %si
        call    print
        xorb    %al, %al
        outb    %al, $0xf4              # isa-debug-exit: status 1
halt:
        cli
        hlt
        jmp     halt
        .org    512                     # in the third sector
        .globl  message
message:
        .asciz  "This was in the third sector.\r\n"
