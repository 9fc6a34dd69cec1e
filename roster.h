/* SPDX-License-Identifier: MIT */
#ifndef ROSTER_H
#define ROSTER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "ctl.h"
#include "net.h"
#include "pump.h"
#include "tell.h"

/* Who is here: at a server its clients, each with its streams; at a client
 * itself.  A session is a client, known by its instance, whatever links it has
 * in the course of time: it begins with the first and ends with the last of
 * them, and either is told once, and in that order. */

enum {
	ROSTER_ID = 2 * 8 + 1,		/* hexadecimal digits, and a NUL */
	ROSTER_BANNED = 64
};

struct roster_client {
	struct roster_client *next;	/* of those that are here, or spare */
	uint8_t instance[CTL_INSTANCE];
	char id[ROSTER_ID];		/* its first 8 bytes, for programs */
	char addr[NET_NAME_MAX];	/* the newest link's */
	unsigned links;			/* that are up */
	unsigned holds;			/* links, streams, threads that wait */
	bool said;			/* CONNECTED, and not DISCONNECT yet */
	bool telling;			/* a thread does */
	int64_t began;			/* task_now() */
	unsigned long streams;
	uint64_t sent, received;	/* of streams that are over */
	uint64_t sum_sent, sum_received;	/* by the thread that lists */
};

/* A stream of a client's; all zeros: of nobody's. */
struct roster_member {
	struct roster_member *next, *prev;
	struct roster_client *client;
	struct pump *pump;		/* while it runs */
	bool cut;			/* it is not to go on */
};

struct roster {
	pthread_mutex_t mu;	/* guards all of it; not held while telling */
	pthread_cond_t told;
	struct roster_client *pool, *first, *spare;
	unsigned size, used;	/* of pool */
	struct roster_member *members;
	uint8_t banned[ROSTER_BANNED][CTL_INSTANCE];	/* the last ones */
	unsigned nbanned;	/* ever */
	bool own;		/* the one client is us, and if so: */
	bool listens;		/* it is not CONNECTED before that is ready */
	uint16_t port;
};

/* Nobody is here.  own: we are a client; listens: that accepts local
 * connections. */
void roster_init(struct roster *r, bool own, bool listens);

/* By main: have room for n clients.  Returns 0, or -1 with errno ENOMEM. */
int roster_make_room(struct roster *r, unsigned n);

/* By main, of a client: it listens at this port, which `local` names; told. */
void roster_ready(struct roster *r, uint16_t port, const char *local);

/* A link of this instance with peer is up, and told; for people in these
 * words, or NULL.  Returns NULL if there is no room. */
struct roster_client *roster_up(struct roster *r,
    const uint8_t instance[CTL_INSTANCE], const char *peer, const char *line);

/* It is down, as in tell_session_down(): told.  c may be gone then; NULL does
 * nothing. */
struct roster_end {
	const char *peer, *why;
	uint32_t rtt_ms;
	bool lost;
	bool replaced;		/* a client: the server has our next link,
				 * which just does not know it yet */
};
void roster_down(struct roster *r, struct roster_client *c,
    const struct roster_end *e);

/* A client: that next link has come to nothing, if there was none.  Then what
 * roster_down() did not tell is told. */
void roster_lapse(struct roster *r, const char *why);

/* A stream of c's (NULL: of nobody's) begins, while a link of c's is known to
 * be up; m, all zeros before, stays in its place until it leaves.  Leaving
 * twice, or as nobody's, does nothing. */
void roster_join(struct roster *r, struct roster_client *c,
    struct roster_member *m);
void roster_leave(struct roster *r, struct roster_member *m);

/* Its pump, of which pump_init() was called, is about to run; is over. */
void roster_run(struct roster *r, struct roster_member *m, struct pump *p);
void roster_rest(struct roster *r, struct roster_member *m);

/* Add all clients with a link to the list, which was begun; it can be sent
 * then. */
void roster_list(struct roster *r, struct tell_list *l);

/* The client with this id is to go: its streams are cut, and it is banned.
 * Returns true and its instance; false: none with a link has that id. */
bool roster_dismiss(struct roster *r, const char *id,
    uint8_t instance[CTL_INSTANCE]);

/* Is it banned?  The last ROSTER_BANNED are. */
bool roster_banned(struct roster *r, const uint8_t instance[CTL_INSTANCE]);

#endif
