# Entry in long mode for the boot processor, and the page at 0x8000 where the others start in real mode when they get their
# SIPI. Each goes from there through protected mode into long mode, on a stack of its own.

        .set    CODE32, 0x18            # selectors in the GDT below
        .set    CODE64, 0x08
        .set    DATA, 0x10
        .set    STACK_SIZE, 4096

        .cfi_sections .debug_frame      # for gdb only, not loaded
        .text
        .globl  _start, processor_start, processor_protected, processor_long
        .cfi_startproc                  # tells gdb that nothing called this: the backtrace ends here
        .cfi_undefined %rip
_start:
        lgdt    gdt_pointer
        movl    $DATA, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        leaq    stacks + STACK_SIZE, %rsp
        pushq   $CODE64
        leaq    1f(%rip), %rax
        pushq   %rax
        lretq
1:      movq    %cr3, %rax              # the others take over these page tables, which lie below 4 GiB
        movl    %eax, page_tables
        xorl    %ebp, %ebp              # the outermost frame
        call    kernel_main
halt:
        cli
        hlt
        jmp     halt
        .cfi_endproc

        .section .processor_start, "ax"
        .code16
processor_start:                        # CS:IP = 0800:0000
        cli
        xorw    %ax, %ax
        movw    %ax, %ds
        lgdtl   gdt_pointer
        movl    %cr0, %eax
        orb     $1, %al                 # CR0.PE
        movl    %eax, %cr0
        ljmpl   $CODE32, $processor_protected

        .code32
processor_protected:
        movl    $DATA, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    %cr4, %eax
        orl     $0x20, %eax             # CR4.PAE
        movl    %eax, %cr4
        movl    page_tables, %eax
        movl    %eax, %cr3
        movl    $0xc0000080, %ecx       # EFER
        rdmsr
        orl     $0x100, %eax            # EFER.LME
        wrmsr
        movl    %cr0, %eax
        orl     $0x80000000, %eax       # CR0.PG: long mode becomes active
        movl    %eax, %cr0
        ljmp    $CODE64, $processor_long

        .code64
        .cfi_startproc
        .cfi_undefined %rip
processor_long:
        movl    $1, %edi                # who comes gets the next number; 0 is the boot processor
        lock xaddl %edi, processors
        leal    1(%rdi), %eax
        imull   $STACK_SIZE, %eax, %eax
        leaq    stacks(%rax), %rsp
        xorl    %ebp, %ebp
        call    worker
1:      cli
        hlt
        jmp     1b
        .cfi_endproc

        .balign 8
gdt:                                    # accessed already: nobody writes here
        .quad   0
        .quad   0x00af9b000000ffff      # CODE64
        .quad   0x00cf93000000ffff      # DATA
        .quad   0x00cf9b000000ffff      # CODE32
gdt_pointer:
        .word   gdt_pointer - gdt - 1
        .quad   gdt

        .bss
        .balign 16
page_tables:
        .long   0
        .balign 16
stacks:
        .skip   8 * STACK_SIZE
