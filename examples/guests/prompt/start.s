# The Multiboot header that asks for a framebuffer, and the first instructions: the loader leaves EAX = the magic value,
# EBX = the boot information, 32-bit protected mode, no stack (Multiboot Specification 0.6.96, 3.1 and 3.2).

        .set    MAGIC, 0x1badb002
        .set    FLAGS, 7                # modules at page boundaries, memory information, a video mode

        .section .multiboot, "a"
        .balign 4
        .long   MAGIC, FLAGS, -(MAGIC + FLAGS)
        .long   0, 0, 0, 0, 0           # addresses: the ELF header has them
        .long   0, 640, 480, 32         # a linear framebuffer of that size

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
