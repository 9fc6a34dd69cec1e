/* SPDX-License-Identifier: MIT */
#ifndef WAITER_H
#define WAITER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "bear.h"
#include "door.h"
#include "meet.h"
#include "net.h"
#include "retry.h"
#include "text.h"

/* Keeps a server in its room: at the first two of its relay's addresses that
 * are relays of their own (PROTOCOL.md 10.7).  Each place has a thread; what
 * the relays ask for is kept for main, which starts threads. */

enum {
	WAITER_PLACES = 3,		/* two, and one to move to a better */
	WAITER_WANTED = 2,
	WAITER_PARKED = 2,		/* connections that each has parked */
	WAITER_CALLS = 1024,		/* requests waiting for main; and so
					 * many of one relay's connections on
					 * which nobody has come yet */
	WAITER_DEAD_MS = 10000,		/* a relay's silence */
	WAITER_PING_MS = 5000,
	WAITER_ANSWER_MS = 15000,	/* to WAIT: an owner may be asked */
	WAITER_LOOK_MS = 60000,		/* how often the name is looked up */
	WAITER_MOVE_MS = 600000		/* an old place is kept so long */
};

enum waiter_state { PLACE_IDLE, PLACE_DIALLING, PLACE_UP };

struct place {
	enum waiter_state state;
	struct net_addr at;		/* unless idle */
	uint8_t relay[MEET_ID];		/* up: which one it is */
	uint16_t port;			/* what was published there */
	unsigned waiting;		/* connections, for somebody to come */
	int64_t up_at, leave_at;	/* up: INT64_MAX, or a better is */
	struct retry retry;
};

/* A ticket of a relay's. */
struct waiter_call {
	unsigned place;
	uint8_t ticket[MEET_TICKET];
	struct net_addr relay;
};

struct waiter {
	const struct hostport *relay;	/* borrowed, as are: */
	const char *room;
	const uint8_t *auth;		/* the relay's secret, or NULL */
	uint8_t owner[MEET_ID];
	enum meet_publish publish;	/* for visitors, at this port: */
	uint16_t port;			/* 0: any */
	bool once;			/* not to be had: that is the end */

	pthread_mutex_t mu;	/* guards all below */
	struct place place[WAITER_PLACES];
	struct waiter_call calls[WAITER_CALLS];
	unsigned ncalls, first_call;	/* a ring */
	bool was_up;
	int told;			/* the last complaint, plus 1 */
	unsigned changes;		/* of places: up, or not any more */
	int exit_code;			/* of once */
};

/* Set up; the members above mu are the caller's to set before.  Draws the
 * owner.  Returns 0, or -1 with errno: no randomness. */
int waiter_init(struct waiter *w);

/* A place's thread: until stopped. */
void waiter_run(struct waiter *w, unsigned place);

/* Has a place ever been up? */
bool waiter_up(struct waiter *w);

/* By main: take the next request; false: there is none. */
bool waiter_take(struct waiter *w, struct waiter_call *call);

/* Somebody has come on that connection, or it came to nothing. */
void waiter_taken(struct waiter *w, const struct waiter_call *call);

/* Wait once, and leave: is the room to be had?  Returns 0; 1 if another
 * server has it; or -1 with a sentence in why. */
int waiter_probe(struct waiter *w, char why[DOOR_WHY_MAX]);

#endif
