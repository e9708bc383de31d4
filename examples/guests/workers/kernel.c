/*
 * workers: four processors share a list of jobs. The boot processor wakes the others by their local APICs, then all take
 * jobs from the list until there are none left, and the boot processor says what was found.
 *
 * A job is a number whose Collatz sequence is followed down to 1. With `set var keep_working = 1` in the debugger they begin
 * again and again, so that there is something to interrupt.
 * Run it:    kvm-gdbserver --cpus 4 --irqchip kernel build/workers.elf
 */
#include "print.h"

#define WORKERS 4
#define JOBS 30
#define PROCESSOR_START 0x8000
#define LOCAL_APIC 0xfee00000u
#define SPURIOUS_VECTOR 0x0f0
#define COMMAND_LOW 0x300

struct job {
    uint32_t number;
    uint32_t steps;
    int worker;
};

/* Written by all processors; start.s counts the ones that have come. */
volatile int processors = 1;
volatile int next_job, jobs_done;
volatile int begun, keep_working;
struct job jobs[JOBS];

void worker(int id);
void kernel_main(void);

static void write_apic(uint32_t offset, uint32_t value)
{
    *(volatile uint32_t *)(uintptr_t)(LOCAL_APIC + offset) = value;
}

/* SDM vol. 3, 11.6.1: INIT, then start-up with the page to start at, to all but this one. */
static void wake_others(void)
{
    write_apic(SPURIOUS_VECTOR, 0x1ff);
    write_apic(COMMAND_LOW, 0x000c4500);
    write_apic(COMMAND_LOW, 0x000c4600 | PROCESSOR_START >> 12);
}

static uint32_t collatz_steps(uint32_t number)
{
    uint32_t steps = 0;
    while (number != 1) {
        number = number % 2 ? 3 * number + 1 : number / 2;
        steps++;
    }
    return steps;
}

static void do_job(struct job *job, int id)
{
    uint32_t steps = collatz_steps(job->number);
    job->steps = steps;
    job->worker = id;
    __atomic_fetch_add(&jobs_done, 1, __ATOMIC_SEQ_CST);
}

static void work(int id)
{
    for (;;) {
        int mine = __atomic_fetch_add(&next_job, 1, __ATOMIC_SEQ_CST);
        if (mine >= JOBS)
            return;
        do_job(&jobs[mine], id);
    }
}

/* What each processor but the first does. */
void worker(int id)
{
    for (;;) {
        while (!begun)
            __asm__ volatile("pause");
        work(id);
    }
}

static void begin_jobs(void)
{
    for (int i = 0; i < JOBS; i++)
        jobs[i].number = (uint32_t)i + 1;
    jobs_done = 0;
    next_job = 0;
    begun = 1;
}

static const struct job *longest_job(void)
{
    const struct job *longest = &jobs[0];
    for (int i = 1; i < JOBS; i++)
        if (jobs[i].steps > longest->steps)
            longest = &jobs[i];
    return longest;
}

void kernel_main(void)
{
    wake_others();
    while (processors < WORKERS)
        __asm__ volatile("pause");
    print("processors: ");
    print_decimal((uint32_t)processors);
    print("\n");

    do {
        begin_jobs();
        work(0);
        while (jobs_done < JOBS)
            __asm__ volatile("pause");
    } while (keep_working);

    const struct job *longest = longest_job();
    print("longest: ");
    print_decimal(longest->number);
    print(", ");
    print_decimal(longest->steps);
    print(" steps\n");
    power_off();
}
