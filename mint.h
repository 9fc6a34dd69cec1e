/* SPDX-License-Identifier: MIT */
#ifndef MINT_H
#define MINT_H

#include "word.h"

enum {
	MINT_BITS = 64,			/* unless another number is asked for */
	MINT_BITS_MIN = WORD_SECRET_MIN * WORD_BITS,
	MINT_BITS_MAX = WORD_SECRET_MAX * WORD_BITS,

	MINT_DIGITS_MIN = 4,
	MINT_DIGITS_MAX = 9,
	MINT_ROOM_MAX = 11		/* any u32 and a NUL */
};

/* Make a new secret of this many random bits, rounded up to whole words:
 * WORD_SECRET_MIN (48 bits) to WORD_SECRET_MAX (512 bits) of them, and the
 * check word for this room ("" is none); with a NUL.  entropy_init() has
 * succeeded.  Returns 0; or -1 with errno, EINVAL for too few or too many
 * bits, and text is of no use.  The caller wipes text. */
int mint_secret(unsigned bits, const char *room, char text[WORD_TEXT_MAX]);

/* The same for no room: a token. */
int mint_token(unsigned bits, char text[WORD_TEXT_MAX]);

/* Draw the name of a room: a number from 1 to as many nines as digits says
 * (MINT_DIGITS_MIN..MINT_DIGITS_MAX), all of them equally likely, in decimal
 * without leading zeros; with a NUL.  entropy_init() has succeeded.  Returns 0;
 * or -1 with errno, EINVAL for too few or too many digits, and room is as it
 * was. */
int mint_room(unsigned digits, char room[MINT_ROOM_MAX]);

#endif
