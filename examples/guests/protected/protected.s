# protected: a boot sector that switches to 32-bit protected mode and writes to the screen by itself.
#
# Loads a GDT with flat segments, sets CR0.PE, jumps far, and prints straight into the text memory at B8000, for no BIOS can
# be called any more. Moves the cursor by the CRT controller's ports.
# Run it:    kvm-gdbserver --run build/protected.img
# Debug it:  gdb -x session.gdb, once connected

        .set    CODE, 0x08
        .set    DATA, 0x10
        .set    STACK, 0x7c00
        .set    SCREEN, 0xb8000
        .set    WHITE_ON_BLUE, 0x1f

        .code16
        .text
        .globl  _start
_start:
        cli                             # there is no interrupt table for protected mode
        cld
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %ss
        movw    $STACK, %sp
        movw    $0x0003, %ax            # the last thing a BIOS does for us: an empty screen
        int     $0x10
        lgdt    gdt_pointer
        movl    %cr0, %eax
        orl     $1, %eax                # CR0.PE
        movl    %eax, %cr0
        .globl  far_jump
far_jump:
        ljmp    $CODE, $protected

        .code32
        .globl  protected
protected:
        movw    $DATA, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movl    $STACK, %esp
        movl    $SCREEN + 2 * (12 * 80 + 24), %edi
        movl    $message, %esi
        call    print
        call    move_cursor
        .globl  done
done:
        xorb    %al, %al
        outb    %al, $0xf4              # isa-debug-exit: status 1
halt:
        hlt
        jmp     halt

# Prints the string at ESI to the cells from EDI on.
        .globl  print
print:
        pushl   %ebp
        movl    %esp, %ebp
        movb    $WHITE_ON_BLUE, %ah
1:      lodsb
        testb   %al, %al
        jz      2f
        stosw
        jmp     1b
2:      popl    %ebp
        ret

# Puts the cursor on the cell at EDI.
        .globl  move_cursor
move_cursor:
        pushl   %ebp
        movl    %esp, %ebp
        leal    -SCREEN(%edi), %ebx
        shrl    $1, %ebx
        movw    $0x3d4, %dx
        movb    $0x0f, %al              # cursor location low
        movb    %bl, %ah
        outw    %ax, %dx
        movb    $0x0e, %al              # cursor location high
        movb    %bh, %ah
        outw    %ax, %dx
        popl    %ebp
        ret

message:
        .asciz  "Hello from protected mode."
        .balign 8
gdt:                                    # accessed already: not every processor notes the use
        .quad   0
        .quad   0x00cf9b000000ffff      # code: base 0, limit 4 GiB, 32-bit
        .quad   0x00cf93000000ffff      # data: base 0, limit 4 GiB
gdt_pointer:
        .word   gdt_pointer - gdt - 1
        .long   gdt
