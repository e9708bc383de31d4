/* Text on the serial port, and nothing more than the examples need. */
#ifndef PRINT_H
#define PRINT_H

#include "ports.h"

static inline void print_char(char c)
{
    while (!(inb(SERIAL_LINE_STATUS) & 0x20))
        ;
    outb(SERIAL_DATA, (uint8_t)c);
}

static inline void print(const char *text)
{
    while (*text)
        print_char(*text++);
}

/* Exactly `digits` hexadecimal digits. */
static inline void print_hex(uint64_t value, int digits)
{
    for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4)
        print_char("0123456789abcdef"[(value >> shift) & 15]);
}

static inline void print_decimal(uint32_t value)
{
    if (value >= 10)
        print_decimal(value / 10);
    print_char((char)('0' + value % 10));
}

#endif
