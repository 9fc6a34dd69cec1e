/* SPDX-License-Identifier: MIT */
#ifndef MINT_H
#define MINT_H

#include "word.h"

enum {
	MINT_BITS = 64,			/* unless another number is asked for */
	MINT_BITS_MIN = WORD_SECRET_MIN * WORD_BITS,
	MINT_BITS_MAX = WORD_SECRET_MAX * WORD_BITS
};

/* Make a new token of this many random bits, rounded up to whole words:
 * WORD_SECRET_MIN (48 bits) to WORD_SECRET_MAX (512 bits) of them, and the
 * check word for no room; with a NUL.  entropy_init() has succeeded.  Returns
 * 0; or -1 with errno, EINVAL for too few or too many bits, and text is of no
 * use.  The caller wipes text. */
int mint_token(unsigned bits, char text[WORD_TEXT_MAX]);

#endif
