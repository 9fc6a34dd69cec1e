/* SPDX-License-Identifier: MIT */
#ifndef GUESS_H
#define GUESS_H

#include <stdbool.h>
#include <stdint.h>

/* How many guesses at the token are allowed, and when.  Numbers and a clock
 * that comes in as an argument (milliseconds, not negative); no I/O, no lock.
 *
 * With a generated token guessing is hopeless, and the limit only keeps the
 * processor free: 50 a second.  With any other the limit is what protects it:
 * in total a burst of 20, then one a second; and so that few sources cannot
 * use all that up, per source a burst of 5, then one in 10 s. */

enum {
	GUESS_SOURCE = 16,		/* bytes that name a source */
	GUESS_SOURCES = 1024,		/* remembered; the one served longest
					 * ago goes: a loss of fairness only */
	GUESS_STRONG_BURST = 50, GUESS_STRONG_EVERY_MS = 20,
	GUESS_BURST = 20, GUESS_EVERY_MS = 1000,
	GUESS_SOURCE_BURST = 5, GUESS_SOURCE_EVERY_MS = 10000
};

struct guess_source {
	uint8_t name[GUESS_SOURCE];
	int64_t full_at;	/* when its bucket is full again */
	uint64_t served;	/* order of its last turn, from 1 */
	bool proven;		/* it has known the token once */
};

struct guess {
	bool strong;
	int64_t full_at;	/* when the bucket for all is full again */
	uint64_t turns;
	unsigned n;
	struct guess_source source[GUESS_SOURCES];	/* sorted by name */
};

/* All buckets full.  strong: the token is a generated one. */
void guess_init(struct guess *g, bool strong);

/* The earliest time at which a guess of this source may be reserved, which
 * may have passed.  *served: the order of its last turn, 0: none known. */
int64_t guess_when(const struct guess *g, const uint8_t source[GUESS_SOURCE],
    uint64_t *served);

/* Reserve one, which is the source's turn, too; give one back, at most once
 * for each. */
void guess_take(struct guess *g, const uint8_t source[GUESS_SOURCE],
    int64_t now);
void guess_return(struct guess *g, const uint8_t source[GUESS_SOURCE]);

/* This source has shown that it knows the token: it is not forgotten while
 * there are others.  Has it? */
void guess_prove(struct guess *g, const uint8_t source[GUESS_SOURCE]);
bool guess_proven(const struct guess *g, const uint8_t source[GUESS_SOURCE]);

#endif
