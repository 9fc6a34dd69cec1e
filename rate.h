/* SPDX-License-Identifier: MIT */
#ifndef RATE_H
#define RATE_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "meet.h"

/* So many bytes a second through one room, all its pairs and both directions
 * together: a bucket of tokens for each room that has pairs.  What has passed
 * is paid for afterwards, by waiting: a few bytes are never held up for long,
 * and however much passes at once, the mean is right.  No clock: "now" comes
 * in. */

enum {
	RATE_BUCKETS = 1024,
	RATE_BURST_DIV = 8,	/* a full bucket is an eighth of a second's */
	RATE_MIN = 1024		/* bytes a second: less is no use to anybody */
};

struct rate_table;

/* A pair's part in its room's bucket. */
struct rate {
	struct rate_table *table;
	struct rate *next;		/* in order of their coming */
	char room[MEET_ROOM_MAX + 1];
	/* In the first of a room, which stands for all of them: */
	int64_t level;			/* thousandths of a byte; below 0 are
					 * debts */
	int64_t at;			/* when that was so, in ms */
};

struct rate_table {
	pthread_mutex_t mu;		/* guards all of it, rates included */
	uint32_t per_s;			/* constant */
	struct rate *bucket[RATE_BUCKETS];
};

/* Nobody is there; per_s >= RATE_MIN bytes a second for each room. */
void rate_init(struct rate_table *t, uint32_t per_s);

/* One more pair in this room, with r, which is borrowed until it leaves.  A
 * room's first one finds a full bucket. */
void rate_join(struct rate_table *t, struct rate *r, const char *room,
    int64_t now);
void rate_leave(struct rate *r);

/* How many bytes should pass at once at most, so that nobody has to wait for
 * much longer than a bucket takes to fill. */
size_t rate_most(const struct rate *r);

/* n bytes have passed.  Returns for how many ms whoever has passed them must
 * now wait. */
int64_t rate_pass(struct rate *r, size_t n, int64_t now);

#endif
