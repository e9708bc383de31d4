# The Multiboot 1 header, the bootstrap processor's first instructions, and those of every other processor: a SIPI starts
# it in real mode at a page below 1 MiB, where `kernel_main` has copied them (SDM vol. 3A, 9.4.4).

        .set    MAGIC, 0x1badb002
        .set    FLAGS, 0x00000003       # align modules; give memory information
        .set    TRAMPOLINE, 0x8000
        .set    AP_STACK_SHIFT, 12      # 4 KiB each

        .section .multiboot, "a"
        .balign 4
        .long   MAGIC, FLAGS, -(MAGIC + FLAGS)

        .text
        .code32
        .globl  _start
_start:
        movl    $stack_top, %esp
        xorl    %ebp, %ebp              # the outermost frame
        pushl   %ebx
        pushl   %eax
        call    kernel_main

        .globl  halt
halt:
        cli
        hlt
        jmp     halt

        .code16
        .globl  ap_start, ap_end
ap_start:
        cli
        xorw    %ax, %ax
        movw    %ax, %ds
        lgdtl   TRAMPOLINE + gdt_pointer - ap_start
        movl    %cr0, %eax
        orb     $1, %al
        movl    %eax, %cr0
        ljmpl   $8, $ap_protected
        .balign 8
gdt_pointer:
        .word   23
        .long   gdt
ap_end:

        .code32
ap_protected:
        movw    $16, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movl    $1, %eax
        lock xaddl %eax, next_ap        # which one am I?
        leal    1(%eax), %ecx
        shll    $AP_STACK_SHIFT, %ecx
        leal    ap_stacks(%ecx), %esp
        xorl    %ebp, %ebp
        pushl   %eax
        call    ap_main
        jmp     halt

        .data
        .balign 8
gdt:
        .quad   0
        .quad   0x00cf9b000000ffff      # 8: code, 4 GiB
        .quad   0x00cf93000000ffff      # 16: data
next_ap:
        .long   0

        .bss
        .balign 16
        .skip   16384
stack_top:
ap_stacks:
        .skip   63 << AP_STACK_SHIFT
