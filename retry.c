/* SPDX-License-Identifier: MIT */
/* retry.c - when to try again. */

#include "retry.h"

enum { FAILURES_KEPT = 3 };		/* a cap of 0.8 s */

void
retry_up(struct retry *r)
{
	r->since = 0;
	/* Should it be cut again and again, that is no reason to hurry. */
	if (r->failures > FAILURES_KEPT)
		r->failures = FAILURES_KEPT;
}

void
retry_reset(struct retry *r)
{
	r->since = 0;
	r->failures = r->refusals = 0;
}

/* first, doubled n times, but not over cap */
static uint32_t
doubled(uint32_t first, unsigned n, uint32_t cap)
{
	while (n-- > 0 && first < cap)
		first *= 2;
	return first < cap ? first : cap;
}

uint32_t
retry_failed(struct retry *r, bool refused, int64_t now, uint32_t random)
{
	uint32_t cap;

	if (r->since == 0)
		r->since = now;
	if (refused)
		return doubled(RETRY_REFUSED_MS, r->refusals++, RETRY_LATE_MS);
	cap = now - r->since < RETRY_SOON_FOR_MS ? RETRY_SOON_MS :
	    RETRY_LATE_MS;
	cap = doubled(RETRY_FIRST_MS, r->failures++, cap);
	return (uint32_t)((uint64_t)random * cap >> 32);
}
