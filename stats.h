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
 * minutes, so they are 64 bits wide everywhere, under a mutex: count them for
 * each pair, and hand them over at ticks and at its end, not at each read. */

enum {
	STATS_TEXT_MAX = 4096,		/* bytes */
	STATS_VERSION_MAX = 64
};

enum stats_what {
	/* How many there are: these go up and down. */
	STATS_ROOMS, STATS_PAIRS, STATS_PARKED, STATS_WAITING,
	/* How many there were: these go up only.  One connection adds to one
	 * of the refusals at most. */
	STATS_PAIRS_TOTAL, STATS_VISITORS_TOTAL, STATS_CONNECTIONS_TOTAL,
	STATS_NO_ROOM, STATS_FULL, STATS_BUSY, STATS_AUTH, STATS_LIMIT,
	STATS_VERSION, STATS_DRAINING, STATS_TIMEOUT,
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
