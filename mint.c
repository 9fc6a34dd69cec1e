/* SPDX-License-Identifier: MIT */
/* mint.c - new tokens: randomness, spelled in words. */

#include <errno.h>

#include "entropy.h"
#include "mint.h"
#include "secret.h"

int
mint_token(unsigned bits, char text[WORD_TEXT_MAX])
{
	uint8_t bytes[WORD_SECRET_MAX * WORD_BITS / 8];
	unsigned nwords = bits / WORD_BITS + (bits % WORD_BITS != 0);
	int rc;

	if (nwords < WORD_SECRET_MIN || nwords > WORD_SECRET_MAX) {
		errno = EINVAL;
		return -1;
	}
	if ((rc = entropy_get(bytes, 2 * (size_t)nwords)) == 0)
		(void)word_make(bytes, nwords, "", text);
	secret_wipe(bytes, sizeof(bytes));
	return rc;
}
