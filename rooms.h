/* SPDX-License-Identifier: MIT */
#ifndef ROOMS_H
#define ROOMS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "meet.h"
#include "net.h"
#include "post.h"

/* The relay's rooms: who waits where, which connections are parked there, and
 * which tickets are good.  One table, one mutex; under it a message may be
 * sent, which does not block.  (PROTOCOL.md 10.2 to 10.4) */

enum {
	ROOMS_BUCKETS = 4096,
	ROOMS_BEAT_MS = 5000,		/* a sign of life on all connections */
	ROOMS_FRESH_MS = 7000,		/* a parked one heard since is used */
	ROOMS_DEAD_MS = 15000,		/* one not heard for so long is gone */
	ROOMS_CALL_MS = 10000,		/* a ticket of CALL is good so long */
	ROOMS_GRANT_MS = 30000,		/* ... and one of GRANT */
	ROOMS_NEAR_MS = 2000,		/* the owner must be heard so soon if a
					 * newcomer comes from its source, */
	ROOMS_FAR_MS = 10000,		/* ... or from another one */
	ROOMS_ASKED_MS = 30000,		/* not asked for that source again */
	ROOMS_ASKERS = 4		/* sources a room remembers for that,
					 * and newcomers at once */
};

struct room;

/* What a ticket is good for. */
struct pass {
	struct pass *next;
	uint8_t ticket[MEET_TICKET];
	struct room *room;		/* NULL: not in use */
	struct call *call;		/* NULL: for parking */
	int64_t until;
};

struct parked {
	int fd;
	int64_t heard_at;
};

/* A server that waits; on the stack of the thread of its connection. */
struct room {
	struct room *next;
	char name[MEET_ROOM_MAX + 1];
	uint8_t owner[MEET_ID];
	uint8_t source[NET_SOURCE];
	struct post *post;
	int64_t heard_at;
	unsigned heard;			/* the table's count at that time */
	unsigned askers;		/* newcomers who wait for it */
	bool linked;			/* it has the room, */
	bool open;			/* ... and may be sent tickets */
	bool replaced;			/* ... and somebody else has it now */
	bool source_full;		/* refused: its source has too many */
	unsigned wanted;		/* so many parked */
	struct parked parked[MEET_PARKED_MAX];
	unsigned nparked;
	struct pass grants[MEET_PARKED_MAX];
	struct call *calls;		/* who waits for this server */
	struct {
		uint8_t source[NET_SOURCE];
		int64_t until;
	} asked[ROOMS_ASKERS];
};

/* Somebody who has dialled; on the stack of its thread. */
struct call {
	struct call *next;
	struct pass pass;
	int fd;				/* -1: not yet */
	bool gone;			/* the room is */
	pthread_cond_t changed;
};

struct rooms {
	pthread_mutex_t mu;	/* guards all of it, rooms and calls included */
	struct room *bucket[ROOMS_BUCKETS];
	struct pass *passes[ROOMS_BUCKETS];
	unsigned n, max, max_source, parked;
	unsigned heard;		/* hellos and signs of life so far */
};

/* No rooms.  At most max in all, max_source from one source. */
void rooms_init(struct rooms *t, unsigned max, unsigned max_source);

/* Get the room r->name, for r, whose owner, source, post and wanted are set:
 * at once if it is free, or after its owner was asked for a sign of life.
 * Returns 0, or why not.  Once it is r's, PING and BYE may be
 * sent by others. */
int rooms_enter(struct rooms *t, struct room *r);

/* Say WAITING: from now on others may come.  Whoever hears of it finds the room
 * open, and CALL and GRANT come behind it. */
void rooms_open(struct rooms *t, struct room *r, const struct meet *waiting);

/* Give it back, if it is still r's; close what is parked. */
void rooms_leave(struct rooms *t, struct room *r);

/* By r's thread: its server was heard; has r been replaced? */
void rooms_heard(struct rooms *t, struct room *r);
bool rooms_replaced(struct rooms *t, struct room *r);

/* By r's thread: the descriptors of those parked, to be waited for; what came
 * on one of them, if it is still parked. */
unsigned rooms_parked(struct rooms *t, struct room *r,
    int fds[MEET_PARKED_MAX]);
void rooms_read_parked(struct rooms *t, struct room *r, int fd);

/* By r's thread, every ROOMS_BEAT_MS: signs of life to those parked; let go of
 * what is dead or too late.  Grants that are due are sent, now and whenever a
 * parked connection was used.  Returns false if the server itself was not
 * heard for too long. */
bool rooms_beat(struct rooms *t, struct room *r);

/* Find a connection of the server in this room for c: one that is parked, or
 * one that it is asked for.  c->fd is then the caller's.  The death of the
 * socket `watch` ends the wait.  Returns MEET_JOINED, or why not, as a status.
 * asked: set if the server had to be asked. */
enum meet_status rooms_call(struct rooms *t, const char *name,
    struct call *c, int watch, bool *asked);

/* A server comes with a ticket: if it is good, fd is taken. */
bool rooms_accept(struct rooms *t, const uint8_t ticket[MEET_TICKET], int fd);

/* How many rooms, and parked connections, there are. */
unsigned rooms_count(struct rooms *t, unsigned *parked);

#endif
