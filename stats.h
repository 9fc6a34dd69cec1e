/* SPDX-License-Identifier: MIT */
#ifndef STATS_H
#define STATS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a relay counts, and that as Prometheus wants it (text exposition
 * format 0.0.4).
 *
 * What is counted by ones is an atomic of the machine's own width: 64 bits of
 * them would want libatomic on 32-bit ARM and MIPS.  There, totals begin anew
 * after 2^32, which Prometheus takes for a restart.  Bytes would get there in
 * minutes, so they are 64 bits wide everywhere, under a mutex: they are counted
 * in each pair, and handed over now and then, not at each read (pump.c). */

enum {
	STATS_TEXT_MAX = 6144,		/* bytes */
	STATS_VERSION_MAX = 64
};

enum stats_what {
	/* How many there are: these go up and down. */
	STATS_ROOMS, STATS_PAIRS,
	/* How many there were: these go up only. */
	STATS_PAIRS_TOTAL, STATS_VISITORS_TOTAL, STATS_CONNECTIONS_TOTAL,
	/* Refusals; one connection adds to one of them at most. */
	STATS_NO_ROOM,		/* dialled: nobody waits there */
	STATS_NO_SERVER,	/* dialled: it did not come */
	STATS_NO_TICKET,	/* accepted: not a good one, or too late */
	STATS_FULL,		/* dialled: too many pairs, */
	STATS_SOURCE_FULL,	/* ... from its source */
	STATS_ROOMS_FULL,	/* waits: too many rooms, */
	STATS_SOURCE_ROOMS_FULL,	/* ... from its source */
	STATS_BUSY,		/* waits: another server has the room */
	STATS_AUTH,		/* the wrong secret, */
	STATS_AUTH_MISSING,	/* ... none, */
	STATS_AUTH_NEEDLESS,	/* ... one, and none is asked for */
	STATS_NOT_ALLOWED,	/* waits: wants what is not to be had */
	STATS_VERSION,		/* another version of the protocol */
	STATS_NONSENSE,		/* no adit, or it broke off a handshake */
	STATS_TIMEOUT,		/* said too little in time */
	STATS_CROWDED,		/* had to go for others at the gate */
	STATS_DRAINING,		/* we are about to stop */
	STATS_FAILED,		/* we are out of something */
	STATS_COUNTED
};

struct stats {
	atomic_ulong count[STATS_COUNTED];
	pthread_mutex_t mu;	/* guards the bytes */
	uint64_t to_server, to_client;
};

/* What the relay knows besides.  What is -1 is not known, and left out. */
struct stats_process {
	const char *version;
	int64_t uptime_ms;
	int64_t start_ms;	/* wall clock, epoch */
	int64_t parked, waiting;	/* connections, now */
	int64_t open_fds, max_fds;
};

/* The type of stats_text(), for HTTP. */
extern const char stats_type[];

/* All zero, from any bytes.  There is nothing to free. */
void stats_init(struct stats *s);

/* One more; one less, of those that go down. */
void stats_up(struct stats *s, enum stats_what what);
void stats_down(struct stats *s, enum stats_what what);

/* So many more bytes were copied to a server and to a client. */
void stats_bytes(struct stats *s, uint64_t to_server, uint64_t to_client);

/* Write all as text.  The numbers are read one after another while others go
 * on counting: they need not add up.  Returns the length, without a NUL; 0 if
 * it does not fit: STATS_TEXT_MAX always does. */
size_t stats_text(struct stats *s, const struct stats_process *p, char *out,
    size_t cap);

#endif
