/* SPDX-License-Identifier: MIT */
#ifndef KEEPER_H
#define KEEPER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "ctl.h"
#include "kex.h"
#include "link.h"
#include "net.h"
#include "retry.h"

/* Keeps the client's link alive: knows the one that is up, says when to dial
 * another, and hands out stream numbers.  Links have threads of their own;
 * main starts those when keeper_due() says so. */

enum {
	KEEPER_WAIT_MS = 10000,		/* a local connection, for a link */
	KEEPER_ATTEMPTS = 4,		/* at once */
	KEEPER_RENEW_MS = 3600000,	/* a link's keys are used so long */
	KEEPER_ASKS = 64		/* requests of the server, waiting */
};

struct keeper {
	pthread_mutex_t mu;	/* guards all of it; under it a link may be
				 * ordered to end, which does not block */
	pthread_cond_t changed;	/* a link is up, or none is to be had */
	uint8_t instance[CTL_INSTANCE];
	struct link *link;	/* the one that is up, or NULL */
	unsigned generation;	/* of links */
	struct kex_keys keys;	/* of that link, and its: */
	struct net_addr server;
	int64_t up_at;
	uint64_t next_number;
	struct retry retry;
	unsigned attempts, max;	/* under way; at once */
	bool carrying;		/* one of them carries a stream itself */
	int64_t begun_at;	/* the last of them */
	int64_t due_at;		/* the next one, not before */
	bool wanted;		/* another beside the link that is up */
	bool known;		/* the server has known our token */
	bool over;		/* no more attempts */
	bool reached;		/* see keeper_reached() */
	uint64_t asks[KEEPER_ASKS];	/* of the link that is up */
	unsigned nasks;
	int64_t claimed_at;	/* an attempt said hello then; 0: none */
	unsigned claims, up;	/* so many did; the link's own */
};

/* What a stream needs of its link; the owner wipes it. */
struct keeper_lease {
	struct kex_keys keys;
	struct net_addr server;
	uint64_t number;
	unsigned generation;
};

/* Draw the instance.  max: how many attempts may be under way at once, 1 to
 * KEEPER_ATTEMPTS.  Returns 0, or -1 with errno: no randomness. */
int keeper_init(struct keeper *k, unsigned max);

/* By main: when is another attempt to be begun?  (On task_now()'s clock; in
 * the past: now; INT64_MAX: not as things stand.)  One has begun. */
int64_t keeper_due(struct keeper *k);
void keeper_begun(struct keeper *k);

/* Before that: was the relay reached, and the server not there?  When that
 * is new, the server can be expected soon: waits begin anew, short. */
void keeper_reached(struct keeper *k, bool reached);

/* By the thread of an attempt: it came to nothing; random: 32 bits.  Returns
 * how long the next one will wait, in ms. */
uint32_t keeper_failed(struct keeper *k, bool refused, uint32_t random);

/* The attempt came to a link that carries a stream itself: no more attempts
 * until that is over, well or not. */
void keeper_carries(struct keeper *k);
void keeper_carried(struct keeper *k);

/* An attempt that began then was let in, and is about to say hello.  (When a
 * network comes back, all those under way are let in at once; each hello ends
 * the links before it.)  Returns a number that counts up from 1; or 0 if it is
 * no longer needed: another one has come first, and this one is over. */
unsigned keeper_claim(struct keeper *k, int64_t began);

/* The attempt came to a link that is up; the one before, if there is, is
 * ordered to end; but if that said hello later, this one is.  keys are
 * copied.  Returns the link's generation, or 0. */
unsigned keeper_up(struct keeper *k, unsigned claim, struct link *l,
    const struct kex_keys *keys, const struct net_addr *server);

/* That link has ended: wipes its keys.  Before it is closed.  Returns true if
 * it was the one in use. */
bool keeper_down(struct keeper *k, struct link *l, bool refused,
    uint32_t random);

/* Have another link dialled beside the one that is up: now, because the user
 * says so; or because the one of this generation seems dead, if that still
 * is the one, and not more often than links are dialled anyway. */
void keeper_hurry(struct keeper *k);
void keeper_want(struct keeper *k, unsigned generation);

/* No more attempts, and nobody needs to wait for one. */
void keeper_end(struct keeper *k);

/* Has the server ever known our token?  Is a link up? */
bool keeper_known(struct keeper *k);
bool keeper_linked(struct keeper *k);

/* Get what a stream needs from a link newer than generation `after` (0: any),
 * and a number, waiting until `until` if there is none; gone(arg) ends the
 * wait.  Returns 0, or -1: no link. */
int keeper_lease(struct keeper *k, unsigned after, int64_t until,
    bool (*gone)(void *), void *arg, struct keeper_lease *lease);

/* By the thread of the link of this generation: the server asks for a stream.
 * Its number is kept for main; returns false if there are too many.  And: it
 * does not want it any more. */
bool keeper_put_ask(struct keeper *k, unsigned generation, uint64_t number);
void keeper_drop_ask(struct keeper *k, unsigned generation, uint64_t number);

/* Take the next one, as a lease without keys; false: there is none.  Then add
 * the keys: returns 0, or -1 if its link is not the one that is up. */
bool keeper_take_ask(struct keeper *k, struct keeper_lease *lease);
int keeper_lease_ask(struct keeper *k, struct keeper_lease *lease);

/* Say something on the link of this generation, if it is up. */
void keeper_say(struct keeper *k, unsigned generation, const struct ctl *m);

#endif
