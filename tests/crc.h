/* SPDX-License-Identifier: MIT */
#ifndef CRC_H
#define CRC_H

#include <stddef.h>
#include <stdint.h>

/* CRC-16 as a division on paper, bit for bit: another way to get it than the
 * one of word.c. */
static inline unsigned
crc_by_hand(const uint8_t *p, size_t n)
{
	unsigned long v = 0;
	unsigned bit;
	size_t i;

	/* The initial value is what the first 16 bits are inverted with. */
	for (i = 0; i < 8 * (n + 2); i++) {
		bit = i < 8 * n ? (unsigned)p[i / 8] >> (7 - i % 8) & 1 : 0;
		v = v << 1 | (bit ^ (i < 16));
		if ((v & 0x10000) != 0)
			v ^= 0x11021;
	}
	return (unsigned)v;
}

#endif
