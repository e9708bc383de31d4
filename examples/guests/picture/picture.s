# picture: VGA mode 13h, 320 by 200 pixels in 256 colours, drawn by a boot sector.
#
# Sets the mode by INT 10h, makes a palette of its own through the DAC's ports (0 black, 1..63 from blue to red), and draws
# a frame of colour 63 around columns whose colour is their number / 5.
# Run it:    kvm-gdbserver --run build/picture.img
# Debug it:  gdb -x session.gdb, once connected

        .set    WIDTH, 320
        .set    HEIGHT, 200

        .code16
        .text
        .globl  _start
_start:
        cld
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %ss
        movw    $0x7c00, %sp
        movw    $0x0013, %ax
        int     $0x10

# Colour n: red n, green 0, blue 63 - n; they have six bits each.
        .globl  make_palette
make_palette:
        movw    $0x3c8, %dx
        movb    $1, %al
        outb    %al, %dx                # from colour 1 on
        incw    %dx
        movb    $1, %cl
1:      movb    %cl, %al
        outb    %al, %dx
        xorb    %al, %al
        outb    %al, %dx
        movb    $63, %al
        subb    %cl, %al
        outb    %al, %dx
        incb    %cl
        cmpb    $64, %cl
        jne     1b

        .globl  draw
draw:
        movw    $0xa000, %ax
        movw    %ax, %es
        xorw    %di, %di                # the first row: 320 pixels of the frame
        movw    $0x3f3f, %ax
        movw    $WIDTH / 2, %cx
        rep stosw
        movw    %di, %bx                # where the second row begins
        xorw    %cx, %cx
1:      movw    %cx, %ax                # a pixel of each column: its number / 5
        movb    $5, %dl
        divb    %dl
        stosb
        incw    %cx
        cmpw    $WIDTH, %cx
        jne     1b
        movb    $63, %es:(%bx)          # the frame's sides
        movb    $63, %es:WIDTH - 1(%bx)

# The other rows are copies of that one.
        .globl  copy_rows
copy_rows:
        movw    %es, %ax
        movw    %ax, %ds
        movw    $HEIGHT - 3, %dx
1:      movw    %bx, %si
        movw    $WIDTH / 2, %cx
        rep movsw
        decw    %dx
        jnz     1b
        movw    $0x3f3f, %ax            # the last row
        movw    $WIDTH / 2, %cx
        rep stosw

        .globl  done
done:
        xorb    %al, %al
        outb    %al, $0xf4              # isa-debug-exit: status 1
halt:
        cli
        hlt
        jmp     halt
