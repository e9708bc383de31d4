# calls: near, far and indirect calls, interrupts and their returns, in 16- and 32-bit code, on 16- and 32-bit stacks, with
# segments that begin elsewhere than at 0. In each part `at_NAME` stands at a call and `in_NAME` at what it enters.

        .set    SEGMENT, 0x7c0          # where the linked address 0x7c00 is offset 0
        .set    FLAT16, 0x08            # selectors of the GDT below
        .set    FLAT32, 0x10
        .set    DATA, 0x18
        .set    BASED32, 0x20           # base 0x7c00
        .set    STACK32, 0x28           # base 0x20000, B set
        .set    STACK16, 0x30           # base 0x30000, B clear

        .text
        .code16
        .globl  _start, start
_start:
        ljmp    $SEGMENT, $(start - _start)
start:
        cli
        movw    %cs, %ax
        movw    %ax, %ds
        movw    $0x9000, %ax            # SS.base is not 0
        movw    %ax, %ss
        movw    $0x1000, %sp
        xorw    %ax, %ax
        movw    %ax, %es
        movw    $(in_interrupt - _start), %es:(0x60 * 4)
        movw    $SEGMENT, %es:(0x60 * 4 + 2)

at_near:
        call    in_near
at_wide:
        calll   in_wide
at_register:
        movw    $(in_near - _start), %bx
at_register_call:
        call    *%bx
at_far:
        lcall   $SEGMENT, $(in_far - _start)
at_memory:
        lcall   *(far_pointer - _start)
at_interrupt:
        int     $0x60
at_chained:
        pushfw                          # as a handler calls the one before it
        lcall   $SEGMENT, $(in_interrupt - _start)
at_loop:
        movw    $3, %cx
again:
        call    in_near
        loop    again
at_deep:
        call    in_deep
        jmp     to_protected

in_near:
        pushw   %bp
        movw    %sp, %bp
        subw    $6, %sp
        movw    %bp, %sp
        popw    %bp
in_near_end:
        ret
in_wide:
        pushl   %ebx
        popl    %ebx
        retl
in_far:
        pushw   %si
        popw    %si
        lret
in_interrupt:
        pushw   %ax
        call    in_near
        popw    %ax
        iretw
in_deep:
        pushw   %bp
        movw    %sp, %bp
        pushw   $0x1234
        lcall   $SEGMENT, $(in_deeper - _start)
        popw    %bx
        popw    %bp
        ret
in_deeper:
        pushw   %di
        int     $0x60
        popw    %di
in_deeper_end:
        lret
far_pointer:
        .word   in_far - _start, SEGMENT

to_protected:
        lgdtl   (gdt_pointer - _start)
        movl    %cr0, %eax
        orb     $1, %al
        movl    %eax, %cr0
        ljmp    $FLAT16, $protected16
protected16:
        movw    $DATA, %ax
        movw    %ax, %ds
        movw    $STACK32, %ax
        movw    %ax, %ss
        movl    $0x12000, %esp          # beyond what SP reaches
at_big_stack:
        call    in_near
        ljmp    $FLAT32, $protected32

        .code32
protected32:
        movw    $STACK16, %ax
        movw    %ax, %ss
        movl    $0x55550010, %esp       # only SP counts
at_small_stack:
        call    in_near32
        movw    $DATA, %ax
        movw    %ax, %ss
        movl    $0x7000, %esp
at_far32:
        lcall   $BASED32, $(in_far32 - _start)
at_near32:
        call    in_near32
end:
        hlt
        jmp     end
in_near32:
        pushl   %ebp
        movl    %esp, %ebp
        popl    %ebp
        ret
in_far32:
        pushl   %ecx
        popl    %ecx
        lret

        .balign 8
gdt:
        .quad   0
        .quad   0x000f9b000000ffff      # FLAT16
        .quad   0x00cf9b000000ffff      # FLAT32
        .quad   0x00cf93000000ffff      # DATA
        .quad   0x00cf9b007c00ffff      # BASED32
        .quad   0x00cf93020000ffff      # STACK32
        .quad   0x000093030000ffff      # STACK16
gdt_pointer:
        .word   gdt_pointer - gdt - 1
        .long   gdt

        .org    510
        .word   0xaa55
