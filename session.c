/* SPDX-License-Identifier: MIT */
/* session.c - what the server knows of its links, and wants of them.
 *
 * A key must never meet the same nonce twice.  Nonces count from 0 in each
 * direction of each connection, so it is the keys that must be fresh: a
 * stream's come of its session's PRK, which is fresh for every link, and of
 * the hash of a hello with 16 random bytes of the dialler (and 16 more of
 * ours for our own direction).  Numbers are used once as well, so that a
 * recorded hello cannot be answered twice: its records would be accepted
 * again, although nobody could read our answers. */

#include <stdio.h>
#include <string.h>

#include "secret.h"
#include "session.h"
#include "task.h"

enum { LOOK_MS = 250 };		/* how often a waiting one looks around */

void
session_init(struct sessions *t, struct roster *roster)
{
	(void)pthread_mutex_init(&t->mu, NULL);
	t->first = NULL;
	t->asks = NULL;
	t->roster = roster;
}

static struct session *
find_session(struct sessions *t, const uint8_t sid[KEX_SID])
{
	struct session *s;

	for (s = t->first; s != NULL; s = s->next) {
		if (memcmp(s->keys.sid, sid, KEX_SID) == 0)
			return s;
	}
	return NULL;
}

static struct ask *
find_ask(struct sessions *t, const uint8_t sid[KEX_SID], uint64_t number)
{
	struct ask *a;

	for (a = t->asks; a != NULL; a = a->next) {
		if (a->state == ASK_SENT && a->number == number &&
		    memcmp(a->sid, sid, KEX_SID) == 0)
			return a;
	}
	return NULL;
}

/* Ask the oldest link that takes requests, if there is one; mu is held. */
static void
send_ask(struct sessions *t, struct ask *a)
{
	struct ctl m = { .kind = CTL_ASK };
	struct session *s;

	for (s = t->first; s != NULL; s = s->next) {
		if (s->mode == CTL_SERVER_ASKS && s->link != NULL &&
		    atomic_load(&s->link->ordered) == 0)
			break;
	}
	if (s == NULL)
		return;
	a->number = m.number = s->next_odd;
	s->next_odd += 2;
	memcpy(a->sid, s->keys.sid, KEX_SID);
	a->state = ASK_SENT;
	link_say(s->link, &m);
}

static void
send_waiting(struct sessions *t)
{
	struct ask *a;

	for (a = t->asks; a != NULL; a = a->next) {
		if (a->state == ASK_WAITING)
			send_ask(t, a);
	}
}

/* What this one was asked for, others may do; mu is held. */
static void
take_back_asks(struct sessions *t, const struct session *s)
{
	struct ask *a;

	for (a = t->asks; a != NULL; a = a->next) {
		if (a->state == ASK_SENT &&
		    memcmp(a->sid, s->keys.sid, KEX_SID) == 0)
			a->state = ASK_WAITING;
	}
}

void
session_enter(struct sessions *t, struct session *s)
{
	struct ctl welcome = {
		.kind = CTL_WELCOME, .mode = s->mode, .port = s->port
	};
	struct session **p;

	s->next = NULL;
	s->next_odd = 1;
	memset(&s->even, 0, sizeof(s->even));
	(void)pthread_mutex_lock(&t->mu);
	for (p = &t->first; *p != NULL; p = &(*p)->next) {
		if (memcmp((*p)->instance, s->instance, CTL_INSTANCE) != 0)
			continue;
		take_back_asks(t, *p);
		if ((*p)->link != NULL)
			link_order_end((*p)->link, CTL_REPLACED);
		else
			(*p)->newer++;
	}
	*p = s;
	link_say(s->link, &welcome);
	send_waiting(t);
	(void)pthread_mutex_unlock(&t->mu);
}

void
session_leave(struct sessions *t, struct session *s)
{
	struct session **p;

	(void)pthread_mutex_lock(&t->mu);
	for (p = &t->first; *p != s; p = &(*p)->next)
		continue;
	*p = s->next;
	take_back_asks(t, s);
	send_waiting(t);
	(void)pthread_mutex_unlock(&t->mu);
	secret_wipe(&s->keys, sizeof(s->keys));
}

void
session_dismiss(struct sessions *t, const uint8_t instance[CTL_INSTANCE])
{
	struct session *s;

	(void)pthread_mutex_lock(&t->mu);
	for (s = t->first; s != NULL; s = s->next) {
		if (memcmp(s->instance, instance, CTL_INSTANCE) != 0)
			continue;
		if (s->link != NULL)
			link_order_end(s->link, CTL_DISMISSED);
		else
			s->newer = SESSION_GRACE_LINKS;
	}
	(void)pthread_mutex_unlock(&t->mu);
}

void
session_retire(struct sessions *t, struct session *s)
{
	(void)pthread_mutex_lock(&t->mu);
	s->link = NULL;
	s->client = NULL;		/* which may be gone soon */
	take_back_asks(t, s);
	send_waiting(t);
	(void)pthread_mutex_unlock(&t->mu);
}

bool
session_stale(struct sessions *t, struct session *s)
{
	bool stale;

	(void)pthread_mutex_lock(&t->mu);
	stale = s->newer >= SESSION_GRACE_LINKS;
	(void)pthread_mutex_unlock(&t->mu);
	return stale;
}

/* May this hello's number be used?  mu is held. */
static bool
allowed(struct sessions *t, const struct session *s,
    const struct kex_hello *h)
{
	if (h->role != KEX_CLIENT)
		return false;		/* our own role, reflected */
	if (h->number % 2 != 0)
		return find_ask(t, h->sid, h->number) != NULL;
	return s->mode == CTL_CLIENT_OPENS &&
	    number_free(&s->even, h->number);
}

bool
session_find(struct sessions *t, const struct kex_hello *h,
    struct kex_keys *keys)
{
	struct session *s;
	bool ok;

	(void)pthread_mutex_lock(&t->mu);
	s = find_session(t, h->sid);
	if ((ok = s != NULL && allowed(t, s, h)))
		*keys = s->keys;
	(void)pthread_mutex_unlock(&t->mu);
	return ok;
}

bool
session_use(struct sessions *t, const struct kex_hello *h, struct ask **ask,
    struct roster_member *m)
{
	struct session *s;
	bool ok;

	*ask = NULL;
	(void)pthread_mutex_lock(&t->mu);
	s = find_session(t, h->sid);
	if ((ok = s != NULL && allowed(t, s, h))) {
		if (h->number % 2 != 0) {
			*ask = find_ask(t, h->sid, h->number);
			(*ask)->state = ASK_TAKEN;
			m = (*ask)->member;
		} else
			number_use(&s->even, h->number);
		/* Its session is here, and so are the links it is of. */
		roster_join(t->roster, s->client, m);
	}
	(void)pthread_mutex_unlock(&t->mu);
	return ok;
}

void
session_give(struct sessions *t, struct ask *a, int fd, struct seal *s,
    const char *peer)
{
	(void)pthread_mutex_lock(&t->mu);
	a->fd = fd;
	a->seal = s;
	(void)snprintf(a->peer, sizeof(a->peer), "%s", peer);
	a->state = s != NULL ? ASK_OPENED : ASK_REFUSED;
	a->reason = CTL_FAILED;
	(void)pthread_cond_signal(&a->changed);
	(void)pthread_mutex_unlock(&t->mu);
}

void
session_cancel(struct sessions *t, struct session *s, const struct ctl *m)
{
	struct ask *a;

	(void)pthread_mutex_lock(&t->mu);
	if (number_free(&s->even, m->number))
		number_use(&s->even, m->number);
	else if ((a = find_ask(t, s->keys.sid, m->number)) != NULL) {
		a->state = ASK_REFUSED;
		a->reason = m->reason;
		(void)snprintf(a->text, sizeof(a->text), "%.255s", m->text);
		(void)pthread_cond_signal(&a->changed);
	}
	(void)pthread_mutex_unlock(&t->mu);
}

/* If it was asked for, and nobody wants it any more: say so; mu is held. */
static void
give_up(struct sessions *t, const struct ask *a)
{
	struct ctl m = {
		.kind = CTL_CANCEL, .number = a->number, .reason = CTL_TIMEOUT
	};
	struct session *s;

	if (a->state == ASK_SENT &&
	    (s = find_session(t, a->sid)) != NULL && s->link != NULL)
		link_say(s->link, &m);
}

bool
session_ask(struct sessions *t, struct ask *a, struct roster_member *m,
    bool (*gone)(void *), void *arg)
{
	int64_t until = task_now() + SESSION_ASK_MS;
	struct ask **p;
	bool left;

	memset(a, 0, sizeof(*a));
	a->fd = -1;
	a->member = m;
	task_cond_init(&a->changed);
	(void)pthread_mutex_lock(&t->mu);
	for (p = &t->asks; *p != NULL; p = &(*p)->next)
		continue;
	*p = a;
	send_ask(t, a);
	while (a->state != ASK_OPENED && a->state != ASK_REFUSED) {
		/* Once it is taken, the other thread has our address. */
		if (a->state != ASK_TAKEN && task_now() >= until)
			break;
		task_cond_wait(&a->changed, &t->mu, task_now() + LOOK_MS);
		(void)pthread_mutex_unlock(&t->mu);
		left = task_stopping() || gone(arg);
		(void)pthread_mutex_lock(&t->mu);
		if (left && a->state != ASK_TAKEN)
			break;
	}
	for (p = &t->asks; *p != a; p = &(*p)->next)
		continue;
	*p = a->next;
	give_up(t, a);
	(void)pthread_mutex_unlock(&t->mu);
	(void)pthread_cond_destroy(&a->changed);
	if (a->state == ASK_WAITING || a->state == ASK_SENT)
		a->reason = CTL_TIMEOUT;
	return a->state == ASK_OPENED;
}
