# Entry in long mode; the instructions that fault, one function each, with the place to go on after the fault; and the
# entries of the handlers.

        .cfi_sections .debug_frame      # for gdb only, not loaded
        .text
        .globl  _start, divide_error_entry, invalid_opcode_entry, page_fault_entry
        .globl  provoke_divide_error, provoke_invalid_opcode, provoke_page_fault, provoke_triple_fault
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
1:      xorl    %ebp, %ebp              # the outermost frame
        call    kernel_main
halt:
        cli
        hlt
        jmp     halt
        .cfi_endproc

provoke_divide_error:
        leaq    1f(%rip), %rax
        movq    %rax, resume_at(%rip)
        xorl    %edx, %edx
        movl    $1, %eax
        xorl    %ecx, %ecx
        divl    %ecx
1:      ret

provoke_invalid_opcode:
        leaq    1f(%rip), %rax
        movq    %rax, resume_at(%rip)
        ud2
1:      ret

provoke_page_fault:                     # RDI: an address that is not mapped
        leaq    1f(%rip), %rax
        movq    %rax, resume_at(%rip)
        movq    (%rdi), %rax
1:      ret

provoke_triple_fault:                   # no IDT: the fault cannot be delivered, nor the double fault
        lidt    no_table(%rip)
        ud2

# The C handler gets the vector, the error code (0 where there is none) and the frame the processor pushed.
        .macro  fault_entry name, vector, has_error_code
        .cfi_startproc simple
        .cfi_signal_frame               # the processor pushed RIP, CS, RFLAGS, RSP, SS, before them the error code
        .cfi_def_cfa %rsp, 8 * \has_error_code
        .cfi_offset %rip, 0
        .cfi_offset %rsp, 24
\name:
        .ifeq \has_error_code
        pushq   $0
        .cfi_adjust_cfa_offset 8
        .endif
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
        movl    $\vector, %edi
        movq    72(%rsp), %rsi
        leaq    80(%rsp), %rdx
        cld
        call    on_fault
        popq    %r11
        popq    %r10
        popq    %r9
        popq    %r8
        popq    %rdi
        popq    %rsi
        popq    %rdx
        popq    %rcx
        popq    %rax
        addq    $8, %rsp
        iretq
        .cfi_endproc
        .endm

        fault_entry divide_error_entry, 0, 0
        fault_entry invalid_opcode_entry, 6, 0
        fault_entry page_fault_entry, 14, 1

        .data
        .balign 8
gdt:
        .quad   0
        .quad   0x00af9a000000ffff      # 08: 64-bit code
        .quad   0x00cf92000000ffff      # 10: data
gdt_pointer:
        .word   gdt_pointer - gdt - 1
        .quad   gdt
no_table:
        .word   0
        .quad   0

        .bss
        .balign 16
        .skip   16384
stack_top:
