/* SPDX-License-Identifier: MIT */
#ifndef WORD_H
#define WORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Secrets that one can read aloud: proquints (arXiv:0901.4016), five letters
 * for 16 bits, joined by dashes.  The last word is a check, no secret: CRC-16
 * (polynomial 1021, initial value ffff, not reflected, no final xor; its
 * check value for "123456789" is 29b1) of the room's name, a zero byte, and
 * the words before it as big-endian u16. */

enum {
	WORD_LETTERS = 5,
	WORD_BITS = 16,
	WORD_SECRET_MIN = 3,		/* 48 bits: strong enough online */
	WORD_SECRET_MAX = 32,
	WORD_TEXT_MAX = (WORD_SECRET_MAX + 1) * (WORD_LETTERS + 1)
};

/* Write nwords (1..WORD_SECRET_MAX) of secret, given as 2 * nwords random
 * bytes, and the check word for this room ("" is none); with a NUL.  Returns
 * the length. */
size_t word_make(const uint8_t *bytes, size_t nwords, const char *room,
    char text[WORD_TEXT_MAX]);

/* Are these n bytes one word, in lower case? */
bool word_is(const void *text, size_t n);

/* Are these n bytes at least WORD_SECRET_MIN words of secret and the right
 * check word for this room?  Upper case letters count as what they are, not
 * as lower case. */
bool word_check(const void *text, size_t n, const char *room);

#endif
