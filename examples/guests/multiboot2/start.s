# The Multiboot 2 header with its tags, and the first instructions: the loader leaves EAX = the magic value, EBX = the
# boot information, 32-bit protected mode, no stack (Multiboot2 Specification 2.0, 3.1 and 3.5).

        .set    MAGIC, 0xe85250d6
        .set    I386, 0
        .set    OPTIONAL, 1

        .section .multiboot, "a"
        .balign 8
header:
        .long   MAGIC, I386, header_end - header, -(MAGIC + I386 + (header_end - header))
# Information request: command line, memory map and ELF sections must be there.
request:
        .word   1, 0
        .long   request_end - request
        .long   1, 6, 9
request_end:
        .balign 8
# Framebuffer: 1024 by 768 in 32 bits would be nice; text will do.
        .word   5, OPTIONAL
        .long   20
        .long   1024, 768, 32
        .balign 8
# Modules begin at page boundaries.
        .word   6, 0
        .long   8
        .word   0, 0
        .long   8
header_end:

        .text
        .code32
        .globl  _start
_start:
        movl    $stack_top, %esp
        xorl    %ebp, %ebp              # the outermost frame
        pushl   %ebx
        pushl   %eax
        call    kernel_main
halt:
        cli
        hlt
        jmp     halt

        .bss
        .balign 16
        .skip   16384
stack_top:
