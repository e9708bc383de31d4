/* 16-bit C as gcc -m16 makes it: 32-bit operands, calll and retl. CS, DS, ES and SS are SEGMENT. */
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
__asm__(".globl _start, main16\n"
        "_start: cli\n"
        "        .byte 0xea\n" /* a far jump by 16-bit offset */
        "        .word main16, " TEXT(SEGMENT) "\n"
        "main16: movw %cs, %ax\n"
        "        movw %ax, %ds\n"
        "        movw %ax, %es\n"
        "        movw %ax, %ss\n"
        "        movl $0x7000, %esp\n"
        "        calll run\n"
        "1:      hlt\n"
        "        jmp 1b\n");

int total;

static int add(int a, int b)
{
    int sum = a + b;
    total += sum;
    return sum;
}

int run(void)
{
    int i, last = 0;
    for (i = 1; i < 4; i++)
        last = add(i, 10);
    return last;
}
