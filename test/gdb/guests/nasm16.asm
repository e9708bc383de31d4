; A boot sector in the way of the usual tutorials, for nasm and yasm: linked at offset 0 of whatever segment it is in.
        bits 16
        global start, print, again
        section .text
start:
        mov     ax, cs
        mov     ds, ax
        mov     ss, ax
        mov     sp, 0x7000
again:
        mov     si, message
        call    print
        mov     al, 10
        call    putc
        jmp     again

print:
        push    ax
.next:
        lodsb
        test    al, al
        jz      .done
        call    putc
        jmp     .next
.done:
        pop     ax
        ret

putc:
        push    dx
        mov     dx, 0x3f8
        out     dx, al
        pop     dx
        ret

message db "16 bits", 0
