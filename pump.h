/* SPDX-License-Identifier: MIT */
#ifndef PUMP_H
#define PUMP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bulk.h"
#include "conn.h"
#include "rate.h"
#include "stats.h"
#include "task.h"

enum {
	PUMP_BUF = 3 * 1024,	/* on the stack, per direction: with 4 KiB an
				 * idle stream costs a page more */
	PUMP_BULK_AFTER = 8,	/* so many full reads in a row are bulk */
	PUMP_COUNT_BYTES = 1024 * 1024,	/* counted at least so often, */
	PUMP_COUNT_MS = 500,		/* ... if bytes pass at all */
	PUMP_REASON_MAX = NET_NAME_MAX + 64
};

enum pump_fate {
	PUMP_RUNNING,
	PUMP_DONE,		/* both directions ended, or a flow is over */
	PUMP_LOST,		/* `lost` broke, with lost_errno */
	PUMP_IDLE,		/* nothing moved for too long */
	PUMP_LINGERED,		/* the same, half-closed */
	PUMP_STOPPED,		/* a stop, and patience was over */
	PUMP_NO_THREAD,		/* no thread for the second direction */
	PUMP_CUT		/* by pump_cut() */
};

struct pump;

/* One direction. */
struct lane {
	struct pump *pump;
	struct conn *from, *to;
	uint8_t *buf;		/* cap bytes; PUMP_BUF or the caller's */
	size_t cap;
	struct bulk bulk;
	unsigned full;		/* full reads in a row */
	/* Guarded by pump.mu: */
	uint64_t moved;		/* bytes */
	uint64_t counted;	/* of them, in pump.stats ... */
	uint32_t counted_ms;	/* ... when */
	bool ended, over;	/* its end is passed on; it does nothing more */
};

/* One forwarded connection.  The caller sets the first part, calls
 * pump_init() and pump_run(), reads the last part, and calls pump_free(). */
struct pump {
	struct conn *local, *tunnel;
	struct task *task;
	uint32_t idle_ms;	/* 0: no limit; ends a flow, resets a stream */
	uint32_t linger_ms;	/* 0: no limit */
	uint64_t early;		/* bytes of `local` sent before */
	uint8_t *bufs;		/* datagrams: 2 * CONN_DATAGRAM_BUF, borrowed */
	struct stats *stats;	/* bytes are counted there while they pass, */
	struct rate *rate;	/* ... and limited so; both borrowed, or NULL */

	pthread_mutex_t mu;	/* guards fate, lost*, lane.moved ... */
	pthread_cond_t changed;
	_Atomic uint32_t last_ms;	/* when bytes last moved */
	atomic_bool broken;	/* both directions must end now */
	atomic_bool delivered;	/* a pipe: all up to the tunnel's end is */
	struct lane lane[2];

	enum pump_fate fate;
	const struct conn *lost;
	int lost_errno;
	bool lost_writing;	/* to it, not reading from it */
	bool peer_stopped;	/* a pipe: its end was not that of its input */
	uint64_t sent, received;	/* local to tunnel, tunnel to local */
};

/* Before all else, and after it. */
void pump_init(struct pump *p);
void pump_free(struct pump *p);

/* Forward both ways until both directions have ended or one has failed; uses
 * p->task's helper thread.  The conns stay open: close them clean only if
 * p->fate is PUMP_DONE. */
void pump_run(struct pump *p);

/* By any thread between pump_init() and pump_free(), while both conns are
 * open: how many bytes have gone each way so far; have it end now, as PUMP_CUT
 * if it has not ended by itself.  The tunnel is a socket. */
void pump_moved(struct pump *p, uint64_t *sent, uint64_t *received);
void pump_cut(struct pump *p);

/* Say in a few words how it ended. */
void pump_reason(const struct pump *p, char text[PUMP_REASON_MAX]);

#endif
