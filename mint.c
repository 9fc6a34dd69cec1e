/* SPDX-License-Identifier: MIT */
/* mint.c - new secrets and rooms: randomness, spelled in words and digits. */

#include <errno.h>
#include <stdio.h>

#include "entropy.h"
#include "mint.h"
#include "secret.h"

int
mint_secret(unsigned bits, const char *room, char text[WORD_TEXT_MAX])
{
	uint8_t bytes[WORD_SECRET_MAX * WORD_BITS / 8];
	unsigned nwords = bits / WORD_BITS + (bits % WORD_BITS != 0);
	int rc;

	if (nwords < WORD_SECRET_MIN || nwords > WORD_SECRET_MAX) {
		errno = EINVAL;
		return -1;
	}
	if ((rc = entropy_get(bytes, 2 * (size_t)nwords)) == 0)
		(void)word_make(bytes, nwords, room, text);
	secret_wipe(bytes, sizeof(bytes));
	return rc;
}

int
mint_token(unsigned bits, char text[WORD_TEXT_MAX])
{
	return mint_secret(bits, "", text);
}

int
mint_room(unsigned digits, char room[MINT_ROOM_MAX])
{
	uint32_t count = 1, v;
	uint64_t fair;

	if (digits < MINT_DIGITS_MIN || digits > MINT_DIGITS_MAX) {
		errno = EINVAL;
		return -1;
	}
	while (digits-- > 0)
		count *= 10;
	count--;			/* the numbers but 0 */
	/* What is left over above a multiple of count would make the first
	 * numbers likelier; at worst one draw in 14 is thrown away. */
	fair = (UINT64_C(1) << 32) / count * count;
	do {
		if (entropy_get(&v, sizeof(v)) == -1)
			return -1;
	} while (v >= fair);
	(void)snprintf(room, MINT_ROOM_MAX, "%u", (unsigned)(v % count + 1));
	return 0;
}
