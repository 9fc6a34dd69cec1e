/* SPDX-License-Identifier: MIT */
#ifndef TALLY_H
#define TALLY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "net.h"

/* So many at a time from one source (net_source()), and no more: who is
 * counted has an entry of its own, so that nothing is allocated. */

enum { TALLY_BUCKETS = 1024 };

struct tally_entry {
	struct tally_entry *next;
	uint8_t source[NET_SOURCE];
};

struct tally {
	pthread_mutex_t mu;	/* guards all of it, entries included */
	unsigned max;		/* constant */
	struct tally_entry *bucket[TALLY_BUCKETS];
};

/* Nobody is counted; at most max >= 1 from one source. */
void tally_init(struct tally *t, unsigned max);

/* Count one more from there, with e, which is borrowed until it leaves.
 * Returns false, and e is not counted, if its source has as many as it may. */
bool tally_enter(struct tally *t, struct tally_entry *e,
    const struct net_addr *from);
void tally_leave(struct tally *t, struct tally_entry *e);

#endif
