/* SPDX-License-Identifier: MIT */
#ifndef RETRY_H
#define RETRY_H

#include <stdbool.h>
#include <stdint.h>

/* When to try again.  After a failure of the network soon, so that a session
 * is back within two seconds of the network's return, and without end; after
 * a refusal slowly.  A wait after a failure is drawn at random up to a cap
 * ("full jitter"), so that a thousand clients of one server do not come at
 * once.  No clock and no randomness of its own. */

enum {
	RETRY_BESIDE_MS = 1500,		/* a new attempt beside a pending one */
	RETRY_FIRST_MS = 100,		/* the cap doubles from here ... */
	RETRY_SOON_MS = 1500,		/* ... to here ... */
	RETRY_SOON_FOR_MS = 600000,	/* ... for so long, and then ... */
	RETRY_LATE_MS = 30000,		/* ... to here */
	RETRY_REFUSED_MS = 1000,	/* after a refusal: 1, 2, 4 ... 30 s */
	RETRY_FORGET_MS = 30000		/* a link's life, for that */
};

struct retry {
	int64_t since;			/* of the first failure; 0: none */
	unsigned failures, refusals;	/* in a row */
};

/* A link is up: forgets most; it has been up for long enough to forget all.
 * (Not sooner: somebody in between who lets one through now and then must not
 * get more guesses at the token for that.) */
void retry_up(struct retry *r);
void retry_reset(struct retry *r);

/* An attempt failed, or was refused.  Returns how many ms to wait; random:
 * 32 random bits. */
uint32_t retry_failed(struct retry *r, bool refused, int64_t now,
    uint32_t random);

#endif
