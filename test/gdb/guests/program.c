/* A 32-bit program with a main, for gdb's start. */
int total;

static void add(int what)
{
    total += what;
}

int main(void)
{
    for (int i = 1; i <= 3; i++)
        add(i);
    for (;;)
        __asm__ volatile("pause");
}

/* A stack, and no way back. */
__asm__(".globl _start\n_start: movl $0x200000, %esp\n call main\n");
