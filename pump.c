/* SPDX-License-Identifier: MIT */
/* pump.c - forward between two conns until both directions are over.
 *
 * Each direction ("lane") is a thread: read, write, and at the end of one
 * side pass the end on to the other.  Reads and writes block; every so often
 * they return with nothing (a tick), and then the lane looks around: has
 * somebody broken the pair, was a stop asked, has nothing moved for too long.
 * A tick by itself never ends anything, so a reader may pause for ever.
 *
 * An error in one direction breaks both.  The conns are then closed without
 * an orderly end, which their other sides see as a reset: half of a stream
 * never passes for a whole one.
 *
 * The lane that is over first becomes the watchman of the other: nobody reads
 * its socket any more, so somebody must notice when that peer dies; it keeps
 * the clock of a half-closed pair; and when the pair is broken it wakes the
 * other lane out of whatever it is blocked in until that is over, too.
 *
 * Bytes may be counted and limited as they pass.  A lane that has passed more
 * than the limit allows pays for it by waiting, and is not idle meanwhile.
 *
 * Idle pairs are cheap: 4 KiB on each stack.  A direction that fills its
 * buffer several times in a row borrows a pipe or a large buffer (bulk.c) and
 * gives it back at its first tick. */

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "pump.h"

enum {
	WATCH_MS = 1000,	/* a watchman's round */
	WATCH_STOP_MS = 100,	/* the same once a stop was asked */
	PAY_MS = 100,		/* a round of one who waits for the limit */
	KICK_MS = 50,		/* between two attempts to wake a lane */
	PIPE_QUIET_MS = 1000	/* stdin/stdout after a stop: so long without
				 * bytes is the end */
};

/* Settle how this ends; the first to speak is right. */
static void
settle(struct pump *p, enum pump_fate fate, const struct conn *lost, int err,
    bool writing)
{
	(void)pthread_mutex_lock(&p->mu);
	if (p->fate == PUMP_RUNNING) {
		p->fate = fate;
		p->lost = lost;
		p->lost_errno = err;
		p->lost_writing = writing;
	}
	atomic_store(&p->broken, true);
	(void)pthread_cond_broadcast(&p->changed);
	(void)pthread_mutex_unlock(&p->mu);
	task_kick_other(p->task);
}

static void
end_both(struct pump *p, enum pump_fate fate)
{
	settle(p, fate, NULL, 0, false);
}

static void
lose(struct pump *p, const struct conn *c, int err, bool writing)
{
	settle(p, PUMP_LOST, c, err, writing);
}

static bool
half_closed(struct pump *p)
{
	bool half;

	(void)pthread_mutex_lock(&p->mu);
	half = p->lane[0].ended || p->lane[1].ended;
	(void)pthread_mutex_unlock(&p->mu);
	return half;
}

/* Look around.  Returns false if the lane must end. */
static bool
look_around(struct pump *p)
{
	bool datagrams = p->bufs != NULL;
	bool pipe = p->local->kind == CONN_STDIO;
	bool stopping = task_stopping();
	/* First what was stored, then the clock: the other way round the other
	 * lane could store a later time, and the difference be enormous. */
	uint32_t last = atomic_load(&p->last_ms);
	uint32_t stopped = task_stopped_ms();
	uint32_t now = (uint32_t)task_now();
	uint32_t quiet = now - last;

	if (atomic_load(&p->broken))
		return false;
	if (task_killed())
		end_both(p, PUMP_STOPPED);
	else if (stopping && datagrams)
		end_both(p, PUMP_DONE);
	else if (stopping && pipe && quiet >= PIPE_QUIET_MS &&
	    now - stopped >= PIPE_QUIET_MS)
		end_both(p, PUMP_STOPPED);
	else if (p->idle_ms > 0 && quiet >= p->idle_ms)
		end_both(p, datagrams ? PUMP_DONE : PUMP_IDLE);
	else if (p->linger_ms > 0 && quiet >= p->linger_ms && !pipe &&
	    half_closed(p))
		end_both(p, PUMP_LINGERED);
	else
		return true;
	return false;
}

/* A call on `c` failed with errno.  Returns true if it was only a tick and
 * the lane goes on.  While a lane is stuck on one side nobody might be
 * touching the other, so this is when to see whether it still is there. */
static bool
only_a_tick(struct lane *l, const struct conn *c)
{
	const struct conn *other = c == l->from ? l->to : l->from;

	if (errno != EAGAIN)
		/* A reader of stdin says EPIPE if stdout has no reader. */
		lose(l->pump, c, errno, c == l->to || errno == EPIPE);
	else if (conn_gone(other))
		lose(l->pump, other, ECONNRESET, c == l->from);
	else if (look_around(l->pump)) {
		conn_keep_alive(l->to);
		return true;
	}
	return false;
}

static size_t
at_most(const struct lane *l, size_t n)
{
	size_t most = l->pump->rate != NULL ? rate_most(l->pump->rate) : n;

	/* A datagram is whole or nothing. */
	return most < n && l->pump->bufs == NULL ? most : n;
}

static ssize_t
lane_read(struct lane *l, bool *empty)
{
	*empty = false;
	if (l->bulk.pipe[0] != -1)
		return conn_got(l->from, bulk_in(&l->bulk,
		    conn_raw_in(l->from), at_most(l, l->bulk.size)));
	if (l->bulk.buf != NULL)
		return conn_read(l->from, l->bulk.buf, at_most(l, l->bulk.size),
		    empty);
	return conn_read(l->from, l->buf, at_most(l, l->cap), empty);
}

/* Have stats know what has moved since the last time. */
static void
lane_count(struct lane *l)
{
	struct pump *p = l->pump;
	uint64_t n = l->moved - l->counted;

	if (p->stats == NULL || n == 0)
		return;
	if (l == &p->lane[0])
		stats_bytes(p->stats, n, 0);
	else
		stats_bytes(p->stats, 0, n);
	l->counted = l->moved;
}

/* Write all n bytes that lane_read() returned.  Returns 0, or -1: over. */
static int
lane_write(struct lane *l, size_t n)
{
	const uint8_t *buf = l->bulk.buf != NULL ? l->bulk.buf : l->buf;
	size_t off = 0;
	ssize_t put;

	do {
		if (l->bulk.pipe[0] != -1)
			put = conn_wrote(
			    bulk_out(&l->bulk, conn_raw_out(l->to), n - off));
		else
			put = conn_write(l->to, buf + off, n - off);
		if (put >= 0)
			off += (size_t)put;
		else if (!only_a_tick(l, l->to))
			return -1;
	} while (off < n || put == -1);
	while (conn_flush(l->to) == -1) {
		if (!only_a_tick(l, l->to))
			return -1;
	}
	(void)pthread_mutex_lock(&l->pump->mu);
	l->moved += n;
	(void)pthread_mutex_unlock(&l->pump->mu);
	return 0;
}

/* After a read of n bytes: is this bulk? */
static void
lane_shift_up(struct lane *l, size_t n)
{
	bool splice = conn_raw_in(l->from) != -1 && conn_raw_out(l->to) != -1;

	if (l->bulk.pipe[0] != -1 || l->bulk.buf != NULL)
		return;
	l->full = n == l->cap ? l->full + 1 : 0;
	if (l->full >= PUMP_BULK_AFTER) {
		l->full = 0;	/* refused: do not ask for every read */
		(void)bulk_open(&l->bulk, splice);
	}
}

/* Wait for something to change; p->mu is held. */
static void
wait_changed(struct pump *p, int64_t ms)
{
	task_cond_wait(&p->changed, &p->mu, task_now() + ms);
}

/* A round of one who waits for the other lane: nobody else might be touching
 * the sockets.  Returns false if the lane must end. */
static bool
watch_round(struct pump *p)
{
	if (atomic_load(&p->broken)) {
		task_kick_other(p->task);
		return false;
	}
	if (conn_gone(p->local))
		lose(p, p->local, ECONNRESET, false);
	else if (conn_gone(p->tunnel))
		lose(p, p->tunnel, ECONNRESET, false);
	else
		return look_around(p);
	return false;
}

/* n bytes have been written.  Returns 0, or -1: over. */
static int
lane_account(struct lane *l, size_t n)
{
	struct pump *p = l->pump;
	int64_t now = task_now(), until, left;
	uint32_t ms = (uint32_t)now;
	bool go_on = true;

	atomic_store(&p->last_ms, ms);
	if (l->moved - l->counted >= PUMP_COUNT_BYTES ||
	    ms - l->counted_ms >= PUMP_COUNT_MS) {
		lane_count(l);
		l->counted_ms = ms;
	}
	if (p->rate == NULL)
		return 0;
	until = now + rate_pass(p->rate, n, now);
	while (go_on && (left = until - task_now()) > 0) {
		(void)pthread_mutex_lock(&p->mu);
		wait_changed(p, left < PAY_MS ? left : PAY_MS);
		(void)pthread_mutex_unlock(&p->mu);
		atomic_store(&p->last_ms, (uint32_t)task_now());
		go_on = watch_round(p);
	}
	return go_on ? 0 : -1;
}

static void
set_ended(struct lane *l)
{
	(void)pthread_mutex_lock(&l->pump->mu);
	l->ended = true;
	(void)pthread_mutex_unlock(&l->pump->mu);
}

/* Into a pipe, when our end has been passed on: wait until all that comes out
 * of it is delivered, too, and say so.  Returns 0, or -1: over. */
static int
say_done(struct lane *l)
{
	struct pump *p = l->pump;
	bool go_on = true;

	(void)pthread_mutex_lock(&p->mu);
	while (go_on && !atomic_load(&p->delivered)) {
		wait_changed(p, task_stopping() ? WATCH_STOP_MS : WATCH_MS);
		(void)pthread_mutex_unlock(&p->mu);
		if ((go_on = watch_round(p)))
			conn_keep_alive(l->to);
		(void)pthread_mutex_lock(&p->mu);
	}
	(void)pthread_mutex_unlock(&p->mu);
	if (!go_on)
		return -1;
	while (conn_done(l->to) == -1) {
		if (!only_a_tick(l, l->to))
			return -1;
	}
	return 0;
}

/* Out of a pipe, when its end has been delivered: have the other lane say so,
 * and wait until the peer has said it of ours. */
static void
hear_done(struct lane *l)
{
	struct pump *p = l->pump;

	(void)pthread_mutex_lock(&p->mu);
	atomic_store(&p->delivered, true);
	(void)pthread_cond_broadcast(&p->changed);
	(void)pthread_mutex_unlock(&p->mu);
	task_kick_other(p->task);
	while (conn_await_done(l->from) == -1) {
		if (!only_a_tick(l, l->from))
			return;
	}
}

/* Before a read: if all that came out of the pipe is delivered, say it. */
static int
keep_word(struct lane *l)
{
	if (!conn_is_pipe(l->to) || !atomic_load(&l->pump->delivered))
		return 0;
	while (conn_done(l->to) == -1) {
		if (!only_a_tick(l, l->to))
			return -1;
	}
	return 0;
}

/* The end of l->from has come.  Pass it on. */
static void
lane_end(struct lane *l)
{
	struct pump *p = l->pump;

	/* A flow of datagrams has no half: its end is the end of both. */
	if (p->bufs != NULL) {
		end_both(p, PUMP_DONE);
		return;
	}
	/* Half of something must not look whole to a service.  (Who reads our
	 * stdout learns it by our exit code.) */
	if (conn_was_stopped(l->from) && l->to->kind != CONN_STDIO) {
		lose(p, l->from, ECONNRESET, false);
		return;
	}
	if (l->from->stopped && !conn_say_stopped(l->to)) {
		end_both(p, PUMP_STOPPED);
		return;
	}
	while (conn_end(l->to) == -1) {
		if (!only_a_tick(l, l->to))
			return;
	}
	set_ended(l);
	/* A reader of stdin that sleeps in poll() holds stdout open. */
	if (l->to->kind == CONN_STDIO)
		task_kick_other(p->task);
	if (conn_is_pipe(l->to))
		(void)say_done(l);
	else if (conn_is_pipe(l->from))
		hear_done(l);
}

static void
lane_run(struct lane *l)
{
	struct pump *p = l->pump;
	bool empty;
	ssize_t n;

	while (!atomic_load(&p->broken) && keep_word(l) == 0) {
		n = lane_read(l, &empty);
		if (n == -1) {
			if (!only_a_tick(l, l->from))
				return;
			lane_count(l);
			bulk_close(&l->bulk);
			conn_rest_in(l->from);
			conn_rest_out(l->to);
			continue;
		}
		if (n == 0 && !empty)
			break;
		atomic_store(&p->last_ms, (uint32_t)task_now());
		if (lane_write(l, (size_t)n) == -1 ||
		    lane_account(l, (size_t)n) == -1)
			return;
		lane_shift_up(l, (size_t)n);
	}
	if (!atomic_load(&p->broken))
		lane_end(l);
}

static void
watch(struct pump *p, const struct lane *other)
{
	(void)pthread_mutex_lock(&p->mu);
	while (!other->over) {
		if (atomic_load(&p->broken))
			wait_changed(p, KICK_MS);
		else
			wait_changed(p,
			    task_stopping() ? WATCH_STOP_MS : WATCH_MS);
		if (other->over)
			break;
		(void)pthread_mutex_unlock(&p->mu);
		(void)watch_round(p);
		(void)pthread_mutex_lock(&p->mu);
	}
	(void)pthread_mutex_unlock(&p->mu);
}

static void
lane_over(struct lane *l)
{
	struct pump *p = l->pump;

	bulk_close(&l->bulk);
	(void)pthread_mutex_lock(&p->mu);
	l->over = true;
	(void)pthread_cond_broadcast(&p->changed);
	(void)pthread_mutex_unlock(&p->mu);
	watch(p, l == &p->lane[0] ? &p->lane[1] : &p->lane[0]);
}

static void
lane_main(void *arg)
{
	struct lane *l = arg;
	uint8_t small[PUMP_BUF];

	if (l->buf == NULL) {
		l->buf = small;
		l->cap = sizeof(small);
	}
	lane_run(l);
	lane_count(l);
	l->buf = NULL;
	lane_over(l);
}

static void
lane_init(struct pump *p, int i, struct conn *from, struct conn *to)
{
	struct lane *l = &p->lane[i];

	memset(l, 0, sizeof(*l));
	l->pump = p;
	l->from = from;
	l->to = to;
	bulk_init(&l->bulk);
	if (p->bufs != NULL) {
		l->buf = p->bufs + (size_t)i * CONN_DATAGRAM_BUF;
		l->cap = CONN_DATAGRAM_BUF;
	}
}

/* Ticks that keep an idle limit to about a quarter of itself, and a pipe
 * alive. */
static void
set_ticks(struct pump *p)
{
	uint32_t ms = NET_READ_TICK_MS;

	if (conn_is_pipe(p->tunnel))
		ms = CONN_LINK_TICK_MS;
	if (p->idle_ms > 0 && p->idle_ms / 4 < ms)
		ms = p->idle_ms / 4 < 100 ? 100 : p->idle_ms / 4;
	if (ms == NET_READ_TICK_MS)
		return;
	conn_set_tick(p->local, ms);
	conn_set_tick(p->tunnel, ms);
}

void
pump_init(struct pump *p)
{
	(void)pthread_mutex_init(&p->mu, NULL);
	task_cond_init(&p->changed);
	atomic_init(&p->last_ms, (uint32_t)task_now());
	atomic_init(&p->broken, false);
	atomic_init(&p->delivered, false);
	p->fate = PUMP_RUNNING;
	p->lost = NULL;
	p->lost_errno = 0;
	p->lost_writing = false;
	lane_init(p, 0, p->local, p->tunnel);
	lane_init(p, 1, p->tunnel, p->local);
}

void
pump_free(struct pump *p)
{
	(void)pthread_cond_destroy(&p->changed);
	(void)pthread_mutex_destroy(&p->mu);
}

void
pump_moved(struct pump *p, uint64_t *sent, uint64_t *received)
{
	(void)pthread_mutex_lock(&p->mu);
	*sent = p->early + p->lane[0].moved;
	*received = p->lane[1].moved;
	(void)pthread_mutex_unlock(&p->mu);
}

void
pump_cut(struct pump *p)
{
	end_both(p, PUMP_CUT);
	/* A kick alone could come just before a lane blocks.  This wakes who
	 * reads the tunnel, and that lane then wakes the other. */
	net_end_reading(p->tunnel->rfd);
}

/* The lanes are over, or never began: that is how it ended. */
static void
conclude(struct pump *p, enum pump_fate fate)
{
	(void)pthread_mutex_lock(&p->mu);
	if (p->fate == PUMP_RUNNING)
		p->fate = fate;
	(void)pthread_mutex_unlock(&p->mu);
}

void
pump_run(struct pump *p)
{
	assert((p->bufs != NULL) == conn_is_datagram(p->local));
	assert((p->bufs != NULL) == conn_is_datagram(p->tunnel));
	set_ticks(p);
	if (task_help(p->task, lane_main, &p->lane[1]) == 0) {
		lane_main(&p->lane[0]);
		task_help_join(p->task);
		conclude(p, PUMP_DONE);
	} else
		conclude(p, PUMP_NO_THREAD);
	/* Whoever found that a flow is over, the other side is told. */
	if (p->fate == PUMP_DONE && p->bufs != NULL)
		(void)conn_end(p->tunnel);
	p->peer_stopped = conn_was_stopped(p->tunnel);
	pump_moved(p, &p->sent, &p->received);
}

void
pump_reason(const struct pump *p, char text[PUMP_REASON_MAX])
{
	switch (p->fate) {
	case PUMP_RUNNING:
	case PUMP_DONE:
		(void)snprintf(text, PUMP_REASON_MAX, "done");
		break;
	case PUMP_LOST:
		if (p->lost_errno == ECONNRESET || p->lost_errno == EPIPE)
			(void)snprintf(text, PUMP_REASON_MAX, "reset by %s",
			    p->lost->name);
		else if (p->lost_errno == ECONNREFUSED)
			(void)snprintf(text, PUMP_REASON_MAX,
			    "given up by %s", p->lost->name);
		else if (p->lost_errno == ECONNABORTED)
			(void)snprintf(text, PUMP_REASON_MAX,
			    "cut off: no end came from %s", p->lost->name);
		else if (p->lost_errno == EPROTO)
			(void)snprintf(text, PUMP_REASON_MAX,
			    "damaged on the way from %s", p->lost->name);
		else
			(void)snprintf(text, PUMP_REASON_MAX, "%s: %s",
			    p->lost->name, strerror(p->lost_errno));
		break;
	case PUMP_IDLE:
		(void)snprintf(text, PUMP_REASON_MAX, "idle for %lu s",
		    (unsigned long)p->idle_ms / 1000);
		break;
	case PUMP_LINGERED:
		(void)snprintf(text, PUMP_REASON_MAX,
		    "half-closed and idle for %lu s",
		    (unsigned long)p->linger_ms / 1000);
		break;
	case PUMP_STOPPED:
		(void)snprintf(text, PUMP_REASON_MAX, "stopped");
		break;
	case PUMP_CUT:
		(void)snprintf(text, PUMP_REASON_MAX,
		    "ended by an order");
		break;
	case PUMP_NO_THREAD:
		(void)snprintf(text, PUMP_REASON_MAX, "no thread to be had");
		break;
	}
}
