/* SPDX-License-Identifier: MIT */
/* word.c - secrets that one can read aloud: proquints with a check word.
 *
 * Letters and numbers only: where the secret's bits come from is mint.c's
 * business, and comparing a secret is secret.c's. */

#include <string.h>

#include "word.h"

enum { CRC_POLYNOMIAL = 0x1021, CRC_INIT = 0xffff };

_Static_assert(WORD_TEXT_MAX == WORD_SECRET_MAX * (WORD_LETTERS + 1) +
    WORD_LETTERS + 1, "the secret's words, each with a dash; the check; NUL");

static const char consonants[] = "bdfghjklmnprstvz", vowels[] = "aiou";

static uint16_t
crc_byte(uint16_t crc, unsigned byte)
{
	unsigned v = crc ^ byte << 8;
	int i;

	for (i = 0; i < 8; i++)
		v = (v & 0x8000) != 0 ? v << 1 ^ CRC_POLYNOMIAL : v << 1;
	return (uint16_t)(v & 0xffff);
}

static uint16_t
crc_u16(uint16_t crc, uint16_t v)
{
	return crc_byte(crc_byte(crc, v >> 8), v & 0xff);
}

/* A room's name and the zero byte that ends it. */
static uint16_t
crc_room(const char *room)
{
	uint16_t crc = CRC_INIT;

	for (; *room != '\0'; room++)
		crc = crc_byte(crc, (unsigned char)*room);
	return crc_byte(crc, 0);
}

static void
write_word(char p[WORD_LETTERS], uint16_t v)
{
	p[0] = consonants[v >> 12];
	p[1] = vowels[v >> 10 & 3];
	p[2] = consonants[v >> 6 & 15];
	p[3] = vowels[v >> 4 & 3];
	p[4] = consonants[v & 15];
}

static bool
read_word(const char p[WORD_LETTERS], uint16_t *out)
{
	const char *letter;
	unsigned v = 0;
	int i;

	/* memchr(), because strchr() would find a NUL in them. */
	for (i = 0; i < WORD_LETTERS; i++) {
		if (i % 2 == 0) {
			letter = memchr(consonants, p[i], 16);
			if (letter == NULL)
				return false;
			v = v << 4 | (unsigned)(letter - consonants);
		} else {
			if ((letter = memchr(vowels, p[i], 4)) == NULL)
				return false;
			v = v << 2 | (unsigned)(letter - vowels);
		}
	}
	*out = (uint16_t)v;
	return true;
}

size_t
word_make(const uint8_t *bytes, size_t nwords, const char *room,
    char text[WORD_TEXT_MAX])
{
	uint16_t crc = crc_room(room), v;
	char *p = text;
	size_t i;

	for (i = 0; i < nwords; i++) {
		v = (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);
		crc = crc_u16(crc, v);
		write_word(p, v);
		p += WORD_LETTERS;
		*p++ = '-';
	}
	write_word(p, crc);
	p += WORD_LETTERS;
	*p = '\0';
	return (size_t)(p - text);
}

bool
word_is(const void *text, size_t n)
{
	uint16_t v;

	return n == WORD_LETTERS && read_word(text, &v);
}

bool
word_check(const void *text, size_t n, const char *room)
{
	const size_t step = WORD_LETTERS + 1;
	const char *p = text;
	uint16_t crc = crc_room(room), v;
	size_t i;

	/* The last word has no dash behind it. */
	if (n >= WORD_TEXT_MAX || n % step != WORD_LETTERS ||
	    n / step < WORD_SECRET_MIN)
		return false;
	for (i = 0; i < n; i += step) {
		if (!read_word(p + i, &v) ||
		    (i + WORD_LETTERS < n && p[i + WORD_LETTERS] != '-'))
			return false;
		crc = crc_u16(crc, v);
	}
	/* What is followed by its own CRC has the CRC 0. */
	return crc == 0;
}
