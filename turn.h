/* SPDX-License-Identifier: MIT */
#ifndef TURN_H
#define TURN_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "guess.h"
#include "net.h"

/* Whose key exchange is next.  One costs us milliseconds and a stranger
 * nothing, so at most one thread computes at a time; sources take turns, each
 * source's own in the order they came; and those that have seen our
 * confirmation but not yet shown theirs are few. */

enum {
	TURN_WAITING_MAX = 1024,	/* in the queue: twice GATE_MAX, for
					 * those on their way out */
	TURN_WAITING_SOURCE = 64,	/* ... from one source */
	TURN_OPEN_MAX = 64,	/* confirmation sent, theirs not yet seen */
	TURN_OPEN_SOURCE = 4,	/* ... from one source */
	TURN_OPEN_PROVEN = 16	/* and so many more from those that have known
				 * the token before */
};

/* One handshake on its way; on its thread's stack, and not to be moved. */
struct turn {
	struct turn *next, *prev;
	uint8_t source[GUESS_SOURCE];
	bool waiting;			/* else it is computing or open */
	pthread_cond_t changed;		/* its turn has come, or it is the
					 * timer now */
};

struct turn_list {			/* in the order they came */
	struct turn *first, *last;
	unsigned n;
};

struct turns {
	pthread_mutex_t mu;	/* guards all of it, entries included */
	struct guess guess;
	struct turn_list waiting, open;
	struct turn *computing;	/* one of the open, or NULL */
	struct turn *timer;	/* one of the waiting, or NULL: chooses who is
				 * next when it is ... */
	int64_t timer_at;	/* ... that late, on task_now()'s clock */
};

/* Nobody waits.  strong: see guess_init(). */
void turn_init(struct turns *q, bool strong);

/* Wait until this connection may begin its key exchange: reserves a guess and
 * the processor.  Returns 0; or -1 with errno ETIMEDOUT (w->until), ECANCELED
 * (stop), ECONNRESET (fd became readable, which at this point means that the
 * peer is gone, broke the rules, or had to go from the gate), ENOBUFS (the
 * queue is full, or its source has too many in it).  w->watch is not looked
 * at. */
int turn_begin(struct turns *q, struct turn *me, int fd,
    const struct net_addr *from, const struct net_wait *w);

/* The answer is computed, and may be sent now, not before: from here on it
 * is a guess.  Lets the next one compute. */
void turn_computed(struct turns *q, struct turn *me);

/* Over.  valid: the peer has shown that it knows the token.  Then the guess
 * is given back; and also without turn_computed(), because nothing that a
 * guess could be checked with has been sent (a point that is none).  After
 * turn_begin() has succeeded, exactly once. */
void turn_end(struct turns *q, struct turn *me, bool valid);

#endif
