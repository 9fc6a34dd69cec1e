/* SPDX-License-Identifier: MIT */
/* number.c - which stream numbers were used: a window as a ring of bits. */

#include <string.h>

#include "number.h"

static bool
marked(const struct numbers *s, uint64_t n)
{
	uint64_t bit = n / 2 % NUMBER_WINDOW;

	return (s->used[bit / 64] >> bit % 64 & 1) != 0;
}

bool
number_free(const struct numbers *s, uint64_t n)
{
	if (n == 0 || n % 2 != 0)
		return false;
	if (n > s->highest)
		return true;
	return (s->highest - n) / 2 < NUMBER_WINDOW && !marked(s, n);
}

void
number_use(struct numbers *s, uint64_t n)
{
	uint64_t bit, gap = n > s->highest ? (n - s->highest) / 2 : 0;

	/* What enters the window has not been used. */
	if (gap >= NUMBER_WINDOW)
		memset(s->used, 0, sizeof(s->used));
	for (; gap > 0 && gap < NUMBER_WINDOW; gap--) {
		bit = (n / 2 - gap + 1) % NUMBER_WINDOW;
		s->used[bit / 64] &= ~(UINT64_C(1) << bit % 64);
	}
	if (n > s->highest)
		s->highest = n;
	bit = n / 2 % NUMBER_WINDOW;
	s->used[bit / 64] |= UINT64_C(1) << bit % 64;
}
