# vm86: enters virtual-8086 mode by IRET from protected mode, makes calls there, and comes back by the #GP of a HLT.

        .set    CODE32, 0x08
        .set    DATA, 0x10
        .set    TSS, 0x18
        .set    SEGMENT, 0x7c0          # where the linked address 0x7c00 is offset 0
        .set    TSS_AT, 0x1000
        .set    IDT_AT, 0x2000
        .set    EFLAGS_VM, 0x20002

        .text
        .code16
        .globl  _start, protected, in_vm86, after_near, after_far, near_callee, far_callee, back
_start:
        cli
        xorw    %ax, %ax
        movw    %ax, %ds
        lgdt    gdt_pointer
        movl    %cr0, %eax
        orb     $1, %al
        movl    %eax, %cr0
        ljmp    $CODE32, $protected

        .code32
protected:
        movl    $DATA, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    $0x7000, %esp
        movl    $TSS_AT, %edi
        xorl    %eax, %eax
        movl    $26, %ecx
        rep stosl
        movl    $0x6000, TSS_AT + 4     # the stack of who comes back
        movl    $DATA, TSS_AT + 8
        movw    $104, TSS_AT + 102      # no I/O permission bitmap
        movl    $TSS, %eax
        ltr     %ax
        movl    $(CODE32 << 16) + (back - _start) + 0x7c00, IDT_AT + 13 * 8
        movl    $0x8e00, IDT_AT + 13 * 8 + 4
        lidt    idt_pointer
        pushl   $SEGMENT                # GS
        pushl   $SEGMENT                # FS
        pushl   $SEGMENT                # DS
        pushl   $SEGMENT                # ES
        pushl   $0x9000                 # SS
        pushl   $0x1000                 # ESP
        pushl   $EFLAGS_VM
        pushl   $SEGMENT                # CS
        pushl   $(in_vm86 - _start)
        iretl

        .code16
in_vm86:
        movw    $(text - _start), %si
        call    near_callee
after_near:
        lcall   $SEGMENT, $(far_callee - _start)
after_far:
        hlt
near_callee:
        pushw   %bp
        popw    %bp
        ret
far_callee:
        pushw   %bp
        popw    %bp
        lret

        .code32
back:
        addl    $4, %esp
        jmp     .

text:   .asciz  "virtual"
        .balign 8
gdt:
        .quad   0
        .quad   0x00cf9b000000ffff      # CODE32
        .quad   0x00cf93000000ffff      # DATA
        .quad   0x0000890010000067      # TSS
gdt_pointer:
        .word   gdt_pointer - gdt - 1
        .long   gdt
idt_pointer:
        .word   14 * 8 - 1
        .long   IDT_AT

        .org    510
        .word   0xaa55
