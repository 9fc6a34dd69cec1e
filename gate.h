/* SPDX-License-Identifier: MIT */
#ifndef GATE_H
#define GATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "net.h"

/* Connections that keep us waiting for their token, or whose wrong one waits
 * for its answer.  They are few, and no source has many: when there is no
 * room, one of the source that has most must go, so a flood from a few
 * addresses cannot keep others out. */

enum {
	GATE_MAX = 512,		/* in total */
	GATE_PER_SOURCE = 16,	/* per IPv4 address or IPv6 /64, ... */
	GATE_GRACE_MS = 1000	/* ... of those that have waited so long: a
				 * client may open hundreds at once */
};

struct gate_slot {
	uint64_t ticket;	/* 0: free */
	uint8_t source[16];
	int fd;			/* borrowed; only ever shut down here */
	unsigned mates;		/* slots of the same source, this included */
	int64_t since;		/* on task_now()'s clock */
	bool delayed;
};

struct gate {
	pthread_mutex_t mu;	/* guards all of it; shutdown() under it does
				 * not block */
	uint64_t next_ticket;
	unsigned max;
	struct gate_slot slot[GATE_MAX];
};

/* max: 1..GATE_MAX. */
void gate_init(struct gate *g, unsigned max);

/* Enter a connection; whoever must go for it finds its socket shut for
 * reading.  Returns a ticket, never 0.  fd stays the caller's, who must call
 * gate_leave() before closing it. */
uint64_t gate_enter(struct gate *g, int fd, const struct net_addr *from);

/* May this one's refusal be delayed?  Only one per source at a time. */
bool gate_may_delay(struct gate *g, uint64_t ticket);

/* How many are in. */
unsigned gate_count(struct gate *g);

/* Leave: authenticated, or about to be closed.  A ticket of 0 was never in.
 * Returns false if it had to go meanwhile: then the socket is no good. */
bool gate_leave(struct gate *g, uint64_t ticket);

#endif
