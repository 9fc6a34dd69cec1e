/* SPDX-License-Identifier: MIT */
/* rooms.c - who waits where.
 *
 * A room belongs to the thread of its control connection, which alone closes
 * that.  Others find it in the table, and hold the table's mutex as long as
 * they look at it.  Nothing is ever erased by name: only who is in the table
 * can be taken out of it, by itself or by who takes its place. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "entropy.h"
#include "hash.h"
#include "rooms.h"
#include "task.h"

enum {
	LOOK_MS = 100,			/* how often those who wait look */
	ASK_AGAIN_MS = 3000,
	NUDGE_MS = 1100, NUDGE_EVERY_MS = 300
};

void
rooms_init(struct rooms *t, unsigned max, unsigned max_source)
{
	memset(t, 0, sizeof(*t));
	(void)pthread_mutex_init(&t->mu, NULL);
	t->max = max;
	t->max_source = max_source;
}

static struct room **
bucket(struct rooms *t, const char *name)
{
	return &t->bucket[hash_bucket(name, strlen(name), ROOMS_BUCKETS)];
}

static struct room *
find(struct rooms *t, const char *name)
{
	struct room *r;

	for (r = *bucket(t, name); r != NULL; r = r->next) {
		if (strcmp(r->name, name) == 0)
			return r;
	}
	return NULL;
}

/* Tickets are random: two of their bytes are as good as a hash. */
static struct pass **
passes(struct rooms *t, const uint8_t *ticket)
{
	return &t->passes[(unsigned)(ticket[0] << 8 | ticket[1]) %
	    ROOMS_BUCKETS];
}

/* Make p a good ticket; mu is held.  Returns false without randomness. */
static bool
issue(struct rooms *t, struct pass *p, struct room *r, struct call *c,
    int64_t ms)
{
	struct pass **at;

	if (entropy_get(p->ticket, sizeof(p->ticket)) == -1)
		return false;
	p->room = r;
	p->call = c;
	p->until = task_now() + ms;
	at = passes(t, p->ticket);
	p->next = *at;
	*at = p;
	return true;
}

static bool
in_use(const struct pass *p)
{
	return p->room != NULL;
}

/* It is good no more; mu is held. */
static void
spend(struct rooms *t, struct pass *p)
{
	struct pass **at;

	if (!in_use(p))
		return;
	for (at = passes(t, p->ticket); *at != p; at = &(*at)->next)
		continue;
	*at = p->next;
	p->room = NULL;
}

static void
send_ticket(struct post *post, enum meet_message kind, const struct pass *p)
{
	struct meet m = { .kind = kind };

	memcpy(m.id, p->ticket, sizeof(m.id));
	post_say(post, &m);
}

/* Have as many parked as the server would like; mu is held. */
static void
grant(struct rooms *t, struct room *r)
{
	unsigned i, n = r->nparked;

	for (i = 0; i < MEET_PARKED_MAX; i++)
		n += in_use(&r->grants[i]);
	for (i = 0; i < MEET_PARKED_MAX && n < r->wanted; i++) {
		if (in_use(&r->grants[i]) ||
		    !issue(t, &r->grants[i], r, NULL, ROOMS_GRANT_MS))
			continue;
		send_ticket(r->post, MEET_M_GRANT, &r->grants[i]);
		n++;
	}
}

/* Take out the i-th of those parked; mu is held. */
static int
unpark(struct rooms *t, struct room *r, unsigned i)
{
	int fd = r->parked[i].fd;

	r->parked[i] = r->parked[--r->nparked];
	t->parked--;
	return fd;
}

/* It is no longer r's room; mu is held. */
static void
unlink_room(struct rooms *t, struct room *r)
{
	struct room **p;
	struct call *c;
	unsigned i;

	for (p = bucket(t, r->name); *p != r; p = &(*p)->next)
		continue;
	*p = r->next;
	r->linked = false;
	t->n--;
	for (i = 0; i < MEET_PARKED_MAX; i++)
		spend(t, &r->grants[i]);
	while (r->nparked > 0)
		(void)close(unpark(t, r, 0));
	for (c = r->calls; c != NULL; c = c->next) {
		spend(t, &c->pass);
		c->gone = true;
		(void)pthread_cond_signal(&c->changed);
	}
	r->calls = NULL;
}

/* Somebody else gets old's room; mu is held. */
static void
replace(struct rooms *t, struct room *old)
{
	unlink_room(t, old);
	old->replaced = true;
	post_say_reason(old->post, MEET_M_BYE, MEET_R_REPLACED, "");
	net_end_reading(old->post->fd);
}

/* There is nobody in r's room (any more): mu is held. */
static int
take(struct rooms *t, struct room *r)
{
	struct room **p = bucket(t, r->name), *other;
	unsigned i, n = 0;

	if (t->n >= t->max)
		return MEET_R_FULL;
	for (i = 0; i < ROOMS_BUCKETS && t->n >= t->max_source; i++) {
		for (other = t->bucket[i]; other != NULL; other = other->next)
			n += memcmp(other->source, r->source,
			    NET_SOURCE) == 0;
	}
	if (n >= t->max_source) {
		r->source_full = true;
		return MEET_R_FULL;
	}
	r->next = *p;
	*p = r;
	r->linked = true;
	r->heard_at = task_now();
	r->heard = ++t->heard;
	t->n++;
	return 0;
}

/* Was the owner asked for this source of late?  mu is held. */
static bool
asked_before(const struct room *old, const uint8_t *source)
{
	int i;

	for (i = 0; i < ROOMS_ASKERS; i++) {
		if (task_now() < old->asked[i].until &&
		    memcmp(old->asked[i].source, source, NET_SOURCE) == 0)
			return true;
	}
	return false;
}

static void
remember_asked(struct room *old, const uint8_t *source)
{
	int i, oldest = 0;

	for (i = 1; i < ROOMS_ASKERS; i++) {
		if (old->asked[i].until < old->asked[oldest].until)
			oldest = i;
	}
	memcpy(old->asked[oldest].source, source, NET_SOURCE);
	old->asked[oldest].until = task_now() + ROOMS_ASKED_MS;
}

/* mu is held, and let go of meanwhile. */
static int
pause_at(struct rooms *t, int watch)
{
	struct net_wait w = { task_now() + LOOK_MS, watch };
	int rc;

	(void)pthread_mutex_unlock(&t->mu);
	rc = net_pause(&w) == -1 && errno != ETIMEDOUT ? -1 : 0;
	(void)pthread_mutex_lock(&t->mu);
	return rc;
}

/* Ask on a parked connection, too.  TCP sends what was lost again after twice
 * the time each time: after a second without network that may be too late for
 * the owner, but not for a connection on which nothing was lost. */
static void
nudge(struct room *r, unsigned i)
{
	static const uint8_t beat = MEET_BEAT;

	if (i < r->nparked)
		(void)net_write_now(r->parked[i].fd, &beat, 1);
}

/* Somebody has r's room: does it live?  mu is held, and let go of meanwhile.
 * Returns 0 if the room is free now, or why r does not get it. */
static int
challenge(struct rooms *t, struct room *r)
{
	struct meet ping = { .kind = MEET_M_PING };
	struct room *old = find(t, r->name);
	int64_t since = task_now(), asked_at = 0, patience;
	uint8_t owner[MEET_ID];
	unsigned heard = old->heard, nudged = 0;
	int rc = 0;

	if (asked_before(old, r->source) || old->askers >= ROOMS_ASKERS)
		return MEET_R_BUSY;
	old->askers++;
	memcpy(owner, old->owner, sizeof(owner));
	patience = memcmp(old->source, r->source, NET_SOURCE) == 0 ?
	    ROOMS_NEAR_MS : ROOMS_FAR_MS;
	/* A hello of the same server that came later wins; and while we do
	 * not look, the room can change hands. */
	while (rc == 0 && (old = find(t, r->name)) != NULL) {
		if (memcmp(old->owner, owner, sizeof(owner)) != 0)
			return MEET_R_BUSY;
		/* Its last sign of life, be it the hello of its next
		 * connection. */
		if (old->heard != heard) {
			remember_asked(old, r->source);
			rc = MEET_R_BUSY;
		} else if (task_now() >= since + patience) {
			replace(t, old);
			return 0;
		} else if (asked_at == 0 ||
		    task_now() >= asked_at + ASK_AGAIN_MS) {
			asked_at = task_now();
			post_say(old->post, &ping);
		}
		if (task_now() >= since + NUDGE_MS +
		    (int64_t)nudged * NUDGE_EVERY_MS)
			nudge(old, nudged++);
		if (rc == 0 && pause_at(t, r->post->fd) == -1)
			rc = task_stopping() ? MEET_R_STOPPING :
			    MEET_R_FAILED;
	}
	/* It may be another connection of the same owner by now. */
	if ((old = find(t, r->name)) != NULL && old->askers > 0 &&
	    memcmp(old->owner, owner, sizeof(owner)) == 0)
		old->askers--;
	return rc;
}

int
rooms_enter(struct rooms *t, struct room *r)
{
	struct room *old;
	int rc = 0;

	(void)pthread_mutex_lock(&t->mu);
	while (rc == 0 && (old = find(t, r->name)) != NULL) {
		if (memcmp(old->owner, r->owner, MEET_ID) == 0)
			replace(t, old);
		else
			rc = challenge(t, r);
	}
	if (rc == 0)
		rc = take(t, r);
	(void)pthread_mutex_unlock(&t->mu);
	return rc;
}

void
rooms_open(struct rooms *t, struct room *r, const struct meet *waiting)
{
	(void)pthread_mutex_lock(&t->mu);
	post_say(r->post, waiting);
	r->open = true;
	(void)pthread_mutex_unlock(&t->mu);
}

void
rooms_leave(struct rooms *t, struct room *r)
{
	(void)pthread_mutex_lock(&t->mu);
	if (r->linked)
		unlink_room(t, r);
	(void)pthread_mutex_unlock(&t->mu);
}

void
rooms_heard(struct rooms *t, struct room *r)
{
	(void)pthread_mutex_lock(&t->mu);
	r->heard_at = task_now();
	r->heard = ++t->heard;
	(void)pthread_mutex_unlock(&t->mu);
}

bool
rooms_replaced(struct rooms *t, struct room *r)
{
	bool replaced;

	(void)pthread_mutex_lock(&t->mu);
	replaced = r->replaced;
	(void)pthread_mutex_unlock(&t->mu);
	return replaced;
}

unsigned
rooms_parked(struct rooms *t, struct room *r, int fds[MEET_PARKED_MAX])
{
	unsigned i, n;

	(void)pthread_mutex_lock(&t->mu);
	n = r->nparked;
	for (i = 0; i < n; i++)
		fds[i] = r->parked[i].fd;
	(void)pthread_mutex_unlock(&t->mu);
	return n;
}

/* What has come on a parked connection?  Only beats may, and they are zeros.
 * Returns how many; 0: nothing (it is another one's descriptor by now); or
 * -1: it is of no use any more. */
static int
beats_came(int fd)
{
	uint8_t buf[16];
	ssize_t i, n;

	if ((n = net_read_now(fd, buf, sizeof(buf))) == -1)
		return errno == EAGAIN ? 0 : -1;
	for (i = 0; i < n; i++) {
		if (buf[i] != MEET_BEAT)
			return -1;
	}
	/* As many at once are no answers to ours. */
	return n > 0 && n < (ssize_t)sizeof(buf) ? (int)n : -1;
}

void
rooms_read_parked(struct rooms *t, struct room *r, int fd)
{
	unsigned i;
	int n;

	(void)pthread_mutex_lock(&t->mu);
	for (i = 0; i < r->nparked && r->parked[i].fd != fd; i++)
		continue;
	n = i < r->nparked ? beats_came(fd) : 0;
	if (n > 0) {
		r->parked[i].heard_at = task_now();
		r->heard = ++t->heard;
	} else if (n == -1) {
		(void)close(unpark(t, r, i));
		grant(t, r);
	}
	(void)pthread_mutex_unlock(&t->mu);
}

bool
rooms_beat(struct rooms *t, struct room *r)
{
	static const uint8_t beat = MEET_BEAT;
	int64_t now = task_now();
	unsigned i;
	bool alive;

	(void)pthread_mutex_lock(&t->mu);
	alive = now < r->heard_at + ROOMS_DEAD_MS;
	for (i = r->nparked; i-- > 0;) {
		if (now >= r->parked[i].heard_at + ROOMS_DEAD_MS ||
		    net_write_now(r->parked[i].fd, &beat, 1) != 1)
			(void)close(unpark(t, r, i));
	}
	for (i = 0; i < MEET_PARKED_MAX; i++) {
		if (in_use(&r->grants[i]) && now >= r->grants[i].until)
			spend(t, &r->grants[i]);
	}
	if (r->linked)
		grant(t, r);
	(void)pthread_mutex_unlock(&t->mu);
	return alive;
}

/* The one that was heard last, if that is not too long ago; mu is held. */
static int
take_parked(struct rooms *t, struct room *r)
{
	unsigned i, best = 0;
	int fd;

	if (r->nparked == 0)
		return -1;
	for (i = 1; i < r->nparked; i++) {
		if (r->parked[i].heard_at > r->parked[best].heard_at)
			best = i;
	}
	if (task_now() >= r->parked[best].heard_at + ROOMS_FRESH_MS)
		return -1;
	fd = unpark(t, r, best);
	grant(t, r);
	return fd;
}

/* Ask the server in r, and wait until it comes; mu is held. */
static enum meet_status
ask(struct rooms *t, struct room *r, struct call *c, int watch)
{
	struct net_wait now = { 0, watch };
	struct call **p;
	bool left = false;

	if (!issue(t, &c->pass, r, c, ROOMS_CALL_MS))
		return MEET_NO_SERVER;
	c->next = r->calls;
	r->calls = c;
	send_ticket(r->post, MEET_M_CALL, &c->pass);
	while (c->fd == -1 && !c->gone && !left &&
	    task_now() < c->pass.until) {
		task_cond_wait(&c->changed, &t->mu, task_now() + LOOK_MS);
		(void)pthread_mutex_unlock(&t->mu);
		left = net_pause(&now) == -1 && errno != ETIMEDOUT;
		(void)pthread_mutex_lock(&t->mu);
	}
	if (c->pass.room != NULL) {
		spend(t, &c->pass);
		for (p = &r->calls; *p != c; p = &(*p)->next)
			continue;
		*p = c->next;
	}
	return c->fd != -1 ? MEET_JOINED : MEET_NO_SERVER;
}

enum meet_status
rooms_call(struct rooms *t, const char *name, struct call *c, int watch,
    bool *asked)
{
	enum meet_status status = MEET_NO_ROOM;
	struct room *r;

	memset(c, 0, sizeof(*c));
	c->fd = -1;
	*asked = false;
	task_cond_init(&c->changed);
	(void)pthread_mutex_lock(&t->mu);
	if ((r = find(t, name)) != NULL && r->open) {
		if ((c->fd = take_parked(t, r)) != -1)
			status = MEET_JOINED;
		else {
			*asked = true;
			status = ask(t, r, c, watch);
		}
	}
	(void)pthread_mutex_unlock(&t->mu);
	(void)pthread_cond_destroy(&c->changed);
	return status;
}

bool
rooms_accept(struct rooms *t, const uint8_t ticket[MEET_TICKET], int fd)
{
	struct call **at;
	struct pass *p;
	struct room *r;
	bool good;

	(void)pthread_mutex_lock(&t->mu);
	for (p = *passes(t, ticket); p != NULL; p = p->next) {
		if (memcmp(p->ticket, ticket, MEET_TICKET) == 0)
			break;
	}
	good = p != NULL && task_now() < p->until;
	if (good) {
		r = p->room;
		spend(t, p);
		if (p->call != NULL) {
			for (at = &r->calls; *at != p->call; at = &(*at)->next)
				continue;
			*at = p->call->next;
			p->call->fd = fd;
			(void)pthread_cond_signal(&p->call->changed);
		} else {
			r->parked[r->nparked].fd = fd;
			r->parked[r->nparked++].heard_at = task_now();
			t->parked++;
		}
	}
	(void)pthread_mutex_unlock(&t->mu);
	return good;
}

unsigned
rooms_count(struct rooms *t, unsigned *parked)
{
	unsigned n;

	(void)pthread_mutex_lock(&t->mu);
	n = t->n;
	*parked = t->parked;
	(void)pthread_mutex_unlock(&t->mu);
	return n;
}
