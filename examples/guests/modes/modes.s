# modes: from the first instruction of a boot sector through protected mode into long mode, in 512 bytes.
#
# Prints one letter in each mode (R, P, L) to the serial port and powers the machine off. It makes its own GDT and
# page tables and trusts nothing it finds in memory.
# Run it:    kvm-gdbserver build/modes.img

        .set    CODE32, 0x08            # selectors in the GDT below
        .set    DATA, 0x10
        .set    CODE64, 0x18
        .set    PML4, 0x1000            # page tables, one page each
        .set    PDPT, 0x2000
        .set    PAGE_DIRECTORY, 0x3000
        .set    STACK, 0x7c00           # grows down from the boot sector

        .cfi_sections .debug_frame      # for gdb only, not loaded
        .code16
        .globl  _start, protected_mode, long_mode
_start:
        cli
        cld
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %ss
        movw    $STACK, %sp
        movb    $'R', %al
        call    put16

        lgdt    gdt_pointer
        movl    %cr0, %eax
        orb     $1, %al                 # CR0.PE
        movl    %eax, %cr0
        ljmp    $CODE32, $protected_mode

put16:
        movw    $0x3f8, %dx
        outb    %al, %dx
        ret

        .code32
protected_mode:
        movl    $DATA, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    $STACK, %esp
        movb    $'P', %al
        call    put32

        movl    $PML4, %edi             # PML4[0] -> PDPT[0] -> PAGE_DIRECTORY[0] -> the first 2 MiB, at its own address
        movl    %edi, %cr3
        xorl    %eax, %eax
        movl    $(3 * 4096 / 4), %ecx
        rep stosl
        movl    $(PDPT + 3), PML4               # present, writable
        movl    $(PAGE_DIRECTORY + 3), PDPT
        movl    $0x83, PAGE_DIRECTORY           # present, writable, 2 MiB page

        movl    %cr4, %eax
        orl     $0x20, %eax             # CR4.PAE
        movl    %eax, %cr4
        movl    $0xc0000080, %ecx       # EFER
        rdmsr
        orl     $0x100, %eax            # EFER.LME
        wrmsr
        movl    %cr0, %eax
        orl     $0x80000000, %eax       # CR0.PG: long mode becomes active
        movl    %eax, %cr0
        ljmp    $CODE64, $long_mode

put32:
        pushl   %ebp
        movl    %esp, %ebp
        movw    $0x3f8, %dx
        outb    %al, %dx
        popl    %ebp
        ret

        .code64
        .cfi_startproc                  # tells gdb that nothing called this: the backtrace ends here
        .cfi_undefined %rip
long_mode:
        movl    $DATA, %eax
        movl    %eax, %ss
        movq    $STACK, %rsp
        movb    $'L', %al
        call    put64
        movb    $'\n', %al
        call    put64

        movw    $0x604, %dx             # ACPI PM1a control: soft off
        movw    $0x2000, %ax
        outw    %ax, %dx
halt:
        hlt
        jmp     halt
        .cfi_endproc

put64:
        pushq   %rbp
        movq    %rsp, %rbp
        movw    $0x3f8, %dx
        outb    %al, %dx
        popq    %rbp
        ret

        .balign 8
gdt:                                    # accessed already: not every processor, real or emulated, notes the use
        .quad   0
        .quad   0x00cf9b000000ffff      # CODE32: base 0, limit 4 GiB, 32-bit
        .quad   0x00cf93000000ffff      # DATA: base 0, limit 4 GiB
        .quad   0x00af9b000000ffff      # CODE64: L
gdt_pointer:
        .word   gdt_pointer - gdt - 1
        .long   gdt
