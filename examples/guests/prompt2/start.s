# The Multiboot 2 header that asks for a framebuffer, and the first instructions (Multiboot2 Specification 2.0, 3.1, 3.5).

        .set    MAGIC, 0xe85250d6
        .set    I386, 0

        .section .multiboot, "a"
        .balign 8
header:
        .long   MAGIC, I386, header_end - header, -(MAGIC + I386 + (header_end - header))
        .word   5, 0                    # a framebuffer
        .long   20
        .long   640, 480, 32
        .balign 8
        .word   6, 0                    # modules at page boundaries
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
