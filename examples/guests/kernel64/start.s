# Entry in long mode, low memory identity-mapped. Makes the machine the C code expects: own GDT and stack, SSE on.
# Then the interrupt entries: they save what the C handlers may change.

        .cfi_sections .debug_frame      # for gdb only, not loaded
        .text
        .globl  _start, breakpoint_entry, invalid_opcode_entry
        .cfi_startproc                  # tells gdb that nothing called this: the backtrace ends here
        .cfi_undefined %rip
_start:
        lgdt    gdt_pointer(%rip)
        movl    $0x10, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        leaq    stack_top(%rip), %rsp
        pushq   $0x08
        leaq    1f(%rip), %rax
        pushq   %rax
        lretq                           # CS = 08, ours
1:      movq    %cr0, %rax
        andq    $~4, %rax               # CR0.EM off, CR0.MP on: SSE instructions work
        orq     $2, %rax
        movq    %rax, %cr0
        movq    %cr4, %rax
        orq     $0x600, %rax            # CR4.OSFXSR, CR4.OSXMMEXCPT
        movq    %rax, %cr4
        xorl    %ebp, %ebp              # the outermost frame
        call    kernel_main
halt:
        cli
        hlt
        jmp     halt
        .cfi_endproc

# Pushes the registers that a C function may change, calls it with the interrupt frame as its argument, returns.
        .macro  interrupt_entry name, handler
        .cfi_startproc simple
        .cfi_signal_frame               # the processor pushed RIP, CS, RFLAGS, RSP, SS
        .cfi_def_cfa %rsp, 0
        .cfi_offset %rip, 0
        .cfi_offset %rsp, 24
\name:
        pushq   %rax
        pushq   %rcx
        pushq   %rdx
        pushq   %rsi
        pushq   %rdi
        pushq   %r8
        pushq   %r9
        pushq   %r10
        pushq   %r11
        .cfi_adjust_cfa_offset 72
        leaq    72(%rsp), %rdi
        cld
        call    \handler
        popq    %r11
        popq    %r10
        popq    %r9
        popq    %r8
        popq    %rdi
        popq    %rsi
        popq    %rdx
        popq    %rcx
        popq    %rax
        iretq
        .cfi_endproc
        .endm

        interrupt_entry breakpoint_entry, on_breakpoint
        interrupt_entry invalid_opcode_entry, on_invalid_opcode

        .data
        .balign 8
gdt:
        .quad   0
        .quad   0x00af9a000000ffff      # 08: 64-bit code
        .quad   0x00cf92000000ffff      # 10: data
gdt_pointer:
        .word   gdt_pointer - gdt - 1
        .quad   gdt

        .bss
        .balign 16
        .skip   16384
stack_top:
