# tour: one processor through every CPU mode that it can reach by itself, and back to real mode, in one boot sector.
# Each label stands where the processor is in the mode of its name.

        .set    CODE16, 0x08
        .set    CODE32, 0x10
        .set    DATA, 0x18
        .set    CODE64, 0x20
        .set    HIGH_DATA, 0x28         # base 0x20000
        .set    STACK, 0x7c00

        .text
        .code16
        .globl  _start, in_real16, in_protected16, in_protected32, in_real32, in_compat32, in_compat16, in_long64
        .globl  back_compat16, back_protected16, back_real16, near16, near32, near64, end
_start:
        cli
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %ss
        movw    $STACK, %sp
        lgdt    gdt_pointer
in_real16:
        call    near16
        movl    %cr0, %eax
        orb     $1, %al
        movl    %eax, %cr0
in_protected16:
        ljmp    $CODE32, $in_protected32
near16:
        pushw   %bp
        movw    %sp, %bp
        popw    %bp
        ret

        .code32
in_protected32:
        movl    $DATA, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    $STACK, %esp
at_near32:
        call    near32
        movl    %cr0, %eax
        andb    $0xfe, %al
        movl    %eax, %cr0
in_real32:
        orb     $1, %al
        movl    %eax, %cr0

        movl    $0x1000, %edi           # PML4, PDPT, page directory: the first 2 MiB
        movl    %edi, %cr3
        xorl    %eax, %eax
        movl    $(3 * 4096 / 4), %ecx
        rep stosl
        movl    $0x2003, 0x1000
        movl    $0x3003, 0x2000
        movl    $0x83, 0x3000
        movl    %cr4, %eax
        orl     $0x20, %eax
        movl    %eax, %cr4
        movl    $0xc0000080, %ecx
        rdmsr
        orl     $0x100, %eax
        wrmsr
        movl    %cr0, %eax
        orl     $0x80000000, %eax
        movl    %eax, %cr0
in_compat32:
        ljmp    $CODE16, $in_compat16
near32:
        pushl   %ebp
        movl    %esp, %ebp
        popl    %ebp
        ret

        .code16
in_compat16:
        ljmp    $CODE64, $in_long64

        .code64
in_long64:
        movl    $STACK, %esp
at_near64:
        call    near64
        pushq   $CODE16
        pushq   $back_compat16
        lretq
near64:
        pushq   %rbp
        movq    %rsp, %rbp
        popq    %rbp
        ret

        .code16
back_compat16:
        movl    %cr0, %eax
        andl    $0x7fffffff, %eax
        movl    %eax, %cr0
back_protected16:
        movw    $HIGH_DATA, %ax         # base 0x20000, limit 4 GiB: both stay in real mode
        movw    %ax, %es
        movw    $DATA, %ax
        movw    %ax, %ds
        movl    %cr0, %eax
        andb    $0xfe, %al
        movl    %eax, %cr0
        ljmp    $0, $back_real16
back_real16:
        xorw    %ax, %ax
        movw    %ax, %ss
        movw    $STACK, %sp
        movl    $0x200000, %ebx
        movb    $0x5a, (%ebx)           # unreal mode: DS reaches it
back_call:
        call    near16
end:
        hlt
        jmp     end

        .balign 8
gdt:
        .quad   0
        .quad   0x000f9b000000ffff      # CODE16
        .quad   0x00cf9b000000ffff      # CODE32
        .quad   0x00cf93000000ffff      # DATA
        .quad   0x00af9b000000ffff      # CODE64
        .quad   0x00cf93020000ffff      # HIGH_DATA
gdt_pointer:
        .word   gdt_pointer - gdt - 1
        .long   gdt

        .org    510
        .word   0xaa55
