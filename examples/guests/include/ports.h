/* Port I/O, and the devices a guest needs to say something and to end. */
#ifndef PORTS_H
#define PORTS_H

#include <stdint.h>

#define SERIAL_DATA        0x3f8 /* 16550A: transmit holding register */
#define SERIAL_LINE_STATUS 0x3fd /* bit 5: the transmit holding register is empty */
#define DEBUG_EXIT         0xf4  /* isa-debug-exit: the process ends with (value << 1) | 1 */
#define ACPI_PM1_CONTROL   0x604 /* PIIX4's PM1a control: SLP_EN (bit 13), SLP_TYP 0 is soft off */

static inline void outb(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void outw(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

/* Ends the machine with exit status 0. */
static inline void power_off(void)
{
    outw(ACPI_PM1_CONTROL, 0x2000);
    for (;;)
        __asm__ volatile("cli; hlt");
}

/* Ends the machine with exit status (value << 1) | 1. */
static inline void debug_exit(uint8_t value)
{
    outb(DEBUG_EXIT, value);
    for (;;)
        __asm__ volatile("cli; hlt");
}

#endif
