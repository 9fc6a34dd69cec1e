/* SPDX-License-Identifier: MIT */
/* turn.c - the queue before the key exchange, where sources take turns.
 *
 * Whoever makes room (an answer is computed, a handshake over) chooses who is
 * next, and wakes that one alone.  If only the clock stands in the way, one
 * of those who wait is made the timer, and chooses when the time has come.
 * Everybody else wakes now and then to look whether to wait on.  Nothing is
 * read or written here. */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "task.h"
#include "turn.h"

enum {
	LOOK_MS = 250		/* how often those who wait look around */
};

_Static_assert((int)GUESS_SOURCE == (int)NET_SOURCE, "one kind of source");

void
turn_init(struct turns *q, bool strong)
{
	memset(q, 0, sizeof(*q));
	(void)pthread_mutex_init(&q->mu, NULL);
	guess_init(&q->guess, strong);
}

static void
append(struct turn_list *l, struct turn *t)
{
	t->next = NULL;
	t->prev = l->last;
	if (l->last != NULL)
		l->last->next = t;
	else
		l->first = t;
	l->last = t;
	l->n++;
}

static void
take_out(struct turn_list *l, struct turn *t)
{
	if (t->prev != NULL)
		t->prev->next = t->next;
	else
		l->first = t->next;
	if (t->next != NULL)
		t->next->prev = t->prev;
	else
		l->last = t->prev;
	l->n--;
}

static unsigned
count(const struct turn_list *list, const uint8_t source[GUESS_SOURCE])
{
	const struct turn *t;
	unsigned n = 0;

	for (t = list->first; t != NULL; t = t->next)
		n += memcmp(t->source, source, GUESS_SOURCE) == 0;
	return n;
}

/* If there is room, let the next one in: of those who may go first, one whose
 * source has known the token before; then whose source has waited longest for
 * a turn; then who came first.  If that is not yet, it is the timer. */
static void
serve_next(struct turns *q)
{
	struct turn *t, *best = NULL;
	uint64_t served, best_served = 0;
	int64_t when, best_when = 0, now = task_now();
	bool proven, best_proven = false;

	q->timer = NULL;
	if (q->computing != NULL ||
	    q->open.n >= TURN_OPEN_MAX + TURN_OPEN_PROVEN)
		return;
	for (t = q->waiting.first; t != NULL; t = t->next) {
		when = guess_when(&q->guess, t->source, &served);
		if (when < now)
			when = now;
		proven = guess_proven(&q->guess, t->source);
		if (!proven && q->open.n >= TURN_OPEN_MAX)
			continue;
		if (best != NULL && (when != best_when ? when > best_when :
		    proven != best_proven ? best_proven :
		    served >= best_served))
			continue;
		if (count(&q->open, t->source) >= TURN_OPEN_SOURCE)
			continue;
		best = t;
		best_when = when;
		best_served = served;
		best_proven = proven;
	}
	if (best == NULL)
		return;
	if (best_when > now) {
		q->timer = best;
		q->timer_at = best_when;
	} else {
		take_out(&q->waiting, best);
		append(&q->open, best);
		best->waiting = false;
		q->computing = best;
		guess_take(&q->guess, best->source, now);
	}
	(void)pthread_cond_signal(&best->changed);
}

/* Leave, from wherever it is. */
static void
leave(struct turns *q, struct turn *me, bool valid)
{
	if (me->waiting) {
		take_out(&q->waiting, me);
		if (q->timer != me)
			return;
	} else {
		take_out(&q->open, me);
		if (valid && q->computing != me)
			guess_prove(&q->guess, me->source);
		if (valid || q->computing == me)
			guess_return(&q->guess, me->source);
		if (q->computing == me)
			q->computing = NULL;
	}
	serve_next(q);
}

/* Why not to wait on, as an errno, or 0. */
static int
look_around(int fd, const struct net_wait *w)
{
	if (task_stopping())
		return ECANCELED;
	if (net_readable(fd))
		return ECONNRESET;
	return task_now() >= w->until ? ETIMEDOUT : 0;
}

static void
doze(struct turns *q, struct turn *me, int64_t until)
{
	int64_t wake = task_now() + LOOK_MS;

	if (wake > until)
		wake = until;
	if (q->timer == me && wake > q->timer_at)
		wake = q->timer_at;
	task_cond_wait(&me->changed, &q->mu, wake);
}

/* Returns 0 when it is me, or an errno; then it may be me all the same. */
static int
await_turn(struct turns *q, struct turn *me, int fd, const struct net_wait *w)
{
	int err;

	for (;;) {
		/* Also when it is me: a peer that has gone while we waited
		 * shall not cost us what follows. */
		(void)pthread_mutex_unlock(&q->mu);
		err = look_around(fd, w);
		(void)pthread_mutex_lock(&q->mu);
		if (err != 0 || !me->waiting)
			return err;
		if (q->timer == me && task_now() >= q->timer_at)
			serve_next(q);
		if (me->waiting)
			doze(q, me, w->until);
	}
}

int
turn_begin(struct turns *q, struct turn *me, int fd,
    const struct net_addr *from, const struct net_wait *w)
{
	int err = ENOBUFS;

	net_source(from, me->source);
	task_cond_init(&me->changed);
	(void)pthread_mutex_lock(&q->mu);
	if (q->waiting.n < TURN_WAITING_MAX &&
	    count(&q->waiting, me->source) < TURN_WAITING_SOURCE) {
		me->waiting = true;
		append(&q->waiting, me);
		serve_next(q);
		if ((err = await_turn(q, me, fd, w)) != 0)
			leave(q, me, false);
	}
	(void)pthread_mutex_unlock(&q->mu);
	/* Nobody can signal it any more: that is done under the mutex, to
	 * those who wait. */
	(void)pthread_cond_destroy(&me->changed);
	if (err != 0) {
		errno = err;
		return -1;
	}
	return 0;
}

void
turn_computed(struct turns *q, struct turn *me)
{
	(void)pthread_mutex_lock(&q->mu);
	assert(q->computing == me);
	q->computing = NULL;
	serve_next(q);
	(void)pthread_mutex_unlock(&q->mu);
}

void
turn_end(struct turns *q, struct turn *me, bool valid)
{
	(void)pthread_mutex_lock(&q->mu);
	assert(!me->waiting);
	leave(q, me, valid);
	(void)pthread_mutex_unlock(&q->mu);
}
