/* SPDX-License-Identifier: MIT */
/* secret.c - compare and forget. */

#include <string.h>

#include "secret.h"

enum { SCRUB_BYTES = 32 * 1024 };

void
secret_wipe(void *p, size_t n)
{
	/* What it calls is read anew each time, so no compiler can know that
	 * it has no effect. */
	static void *(*const volatile wipe)(void *, int, size_t) = memset;

	(void)wipe(p, 0, n);
}

static void
scrub(void)
{
	unsigned char below[SCRUB_BYTES];

	secret_wipe(below, sizeof(below));
}

void
secret_scrub(void)
{
	/* Never inlined, or it would lie above what it is to overwrite. */
	static void (*const volatile deeper)(void) = scrub;

	deeper();
}

bool
secret_same(const void *a, const void *b, size_t n)
{
	const unsigned char *p = a, *q = b;
	unsigned diff = 0;
	size_t i;

	for (i = 0; i < n; i++)
		diff |= (unsigned)(p[i] ^ q[i]);
	return diff == 0;
}

bool
secret_equal(const struct token *ours, const struct token *theirs)
{
	size_t diff = ours->len ^ theirs->len;
	size_t i;

	/* Bytes past a token's length are zero in both (whoever fills a token
	 * clears it first), so all of the array can be compared every time. */
	for (i = 0; i < TOKEN_MAX; i++)
		diff |= (size_t)(ours->bytes[i] ^ theirs->bytes[i]);
	return diff == 0;
}
