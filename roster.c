/* SPDX-License-Identifier: MIT */
/* roster.c - who is here, since when, and with how much.
 *
 * What is told of a client is told by the threads of its links, one after
 * another: each decides under the mutex what it has to say, and lets go of it
 * to say so; the next of the same client waits.  Others do not, so that a
 * reader of events that is slow holds up nobody for long.
 *
 * A client stays for as long as it has links or streams, which may outlive
 * them: if it comes back before they end, it still has them. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "roster.h"
#include "task.h"

enum { LOOK_MS = 250 };

void
roster_init(struct roster *r, bool own, bool listens)
{
	memset(r, 0, sizeof(*r));
	(void)pthread_mutex_init(&r->mu, NULL);
	task_cond_init(&r->told);
	r->own = own;
	r->listens = listens;
}

int
roster_make_room(struct roster *r, unsigned n)
{
	struct roster_client *pool = calloc(n, sizeof(*pool));

	if (pool == NULL) {
		errno = ENOMEM;
		return -1;
	}
	(void)pthread_mutex_lock(&r->mu);
	r->pool = pool;
	r->size = n;
	(void)pthread_mutex_unlock(&r->mu);
	return 0;
}

/* From here on, mu is held where no comment says otherwise. */

static bool
banned(const struct roster *r, const uint8_t *instance)
{
	unsigned i, n = r->nbanned < ROSTER_BANNED ? r->nbanned :
	    ROSTER_BANNED;

	for (i = 0; i < n; i++) {
		if (memcmp(r->banned[i], instance, CTL_INSTANCE) == 0)
			return true;
	}
	return false;
}

/* Find the client, or make one; NULL: there is no room. */
static struct roster_client *
find(struct roster *r, const uint8_t *instance)
{
	struct roster_client *c, **p;
	size_t i;

	for (p = &r->first; *p != NULL; p = &(*p)->next) {
		if (memcmp((*p)->instance, instance, CTL_INSTANCE) == 0)
			return *p;
	}
	if ((c = r->spare) != NULL)
		r->spare = c->next;
	else if (r->used < r->size)
		c = &r->pool[r->used++];
	else
		return NULL;
	memset(c, 0, sizeof(*c));
	memcpy(c->instance, instance, CTL_INSTANCE);
	for (i = 0; i < (ROSTER_ID - 1) / 2; i++)
		(void)snprintf(&c->id[2 * i], 3, "%02x", instance[i]);
	*p = c;				/* the oldest first */
	return c;
}

static void
release(struct roster *r, struct roster_client *c)
{
	struct roster_client **p;

	if (--c->holds > 0)
		return;
	for (p = &r->first; *p != c; p = &(*p)->next)
		continue;
	*p = c->next;
	c->next = r->spare;
	r->spare = c;
}

/* Have the turn to tell of c; c is held.  An event takes 100 ms at most. */
static void
take_turn(struct roster *r, struct roster_client *c)
{
	while (c->telling)
		task_cond_wait(&r->told, &r->mu, task_now() + LOOK_MS);
	c->telling = true;
}

/* The same, at the end; mu is not held. */
static void
give_turn(struct roster *r, struct roster_client *c)
{
	(void)pthread_mutex_lock(&r->mu);
	c->telling = false;
	(void)pthread_cond_broadcast(&r->told);
}

void
roster_ready(struct roster *r, uint16_t port, const char *local)
{
	struct roster_client *c;

	(void)pthread_mutex_lock(&r->mu);
	r->port = port;
	if ((c = r->first) != NULL) {
		c->holds++;
		take_turn(r, c);
		if (c->links > 0)
			c->said = true;
	}
	(void)pthread_mutex_unlock(&r->mu);
	if (c == NULL) {
		tell_ready("client", NULL, local);
		return;
	}
	if (c->said)			/* ours to change while we tell */
		tell_client_ready(c->id, port, local);
	else
		tell_ready("client", NULL, local);
	give_turn(r, c);
	release(r, c);
	(void)pthread_mutex_unlock(&r->mu);
}

struct roster_client *
roster_up(struct roster *r, const uint8_t instance[CTL_INSTANCE],
    const char *peer, const char *line)
{
	struct tell_session told = { .peer = peer, .own = r->own };
	struct roster_client *c;
	bool first;

	(void)pthread_mutex_lock(&r->mu);
	if ((c = find(r, instance)) == NULL) {
		(void)pthread_mutex_unlock(&r->mu);
		return NULL;
	}
	c->holds++;
	take_turn(r, c);
	if (c->links == 0 && c->said)
		c->holds--;		/* it was held for us */
	else if (c->links == 0)
		c->began = task_now();
	c->links++;
	(void)snprintf(c->addr, sizeof(c->addr), "%s", peer);
	first = !c->said && (!r->listens || r->port != 0);
	c->said = c->said || first;
	told.port = r->port;
	(void)pthread_mutex_unlock(&r->mu);
	told.id = c->id;
	tell_session_up(&told, line, first);
	give_turn(r, c);
	(void)pthread_mutex_unlock(&r->mu);
	return c;
}

void
roster_down(struct roster *r, struct roster_client *c,
    const struct roster_end *e)
{
	bool last, stays;

	if (c == NULL)
		return;
	(void)pthread_mutex_lock(&r->mu);
	take_turn(r, c);
	last = --c->links == 0 && c->said;
	stays = last && e->replaced;
	last = last && !stays;
	if (last)
		c->said = false;
	(void)pthread_mutex_unlock(&r->mu);
	tell_session_down(c->id, e->peer, e->why, e->rtt_ms, e->lost, last);
	give_turn(r, c);
	if (!stays)			/* else it is held for the next one */
		release(r, c);
	(void)pthread_mutex_unlock(&r->mu);
}

void
roster_lapse(struct roster *r, const char *why)
{
	struct roster_client *c;
	bool lapses = false;

	(void)pthread_mutex_lock(&r->mu);
	if ((c = r->first) != NULL) {
		c->holds++;
		take_turn(r, c);
		lapses = c->said && c->links == 0;
		if (lapses)
			c->said = false;
	}
	(void)pthread_mutex_unlock(&r->mu);
	if (c == NULL)
		return;
	if (lapses)
		tell_session_down(c->id, c->addr, why, UINT32_MAX, true, true);
	give_turn(r, c);
	if (lapses)
		c->holds--;		/* what was for the next one */
	release(r, c);
	(void)pthread_mutex_unlock(&r->mu);
}

void
roster_join(struct roster *r, struct roster_client *c,
    struct roster_member *m)
{
	if (c == NULL)
		return;
	(void)pthread_mutex_lock(&r->mu);
	m->client = c;
	m->pump = NULL;
	m->cut = banned(r, c->instance);
	c->holds++;
	c->streams++;
	m->prev = NULL;
	m->next = r->members;
	if (m->next != NULL)
		m->next->prev = m;
	r->members = m;
	(void)pthread_mutex_unlock(&r->mu);
}

void
roster_leave(struct roster *r, struct roster_member *m)
{
	if (m->client == NULL)
		return;
	(void)pthread_mutex_lock(&r->mu);
	if (m->prev != NULL)
		m->prev->next = m->next;
	else
		r->members = m->next;
	if (m->next != NULL)
		m->next->prev = m->prev;
	m->client->streams--;
	release(r, m->client);
	m->client = NULL;
	(void)pthread_mutex_unlock(&r->mu);
}

void
roster_run(struct roster *r, struct roster_member *m, struct pump *p)
{
	if (m->client == NULL)
		return;
	(void)pthread_mutex_lock(&r->mu);
	m->pump = p;
	if (m->cut)
		pump_cut(p);
	(void)pthread_mutex_unlock(&r->mu);
}

void
roster_rest(struct roster *r, struct roster_member *m)
{
	uint64_t sent, received;

	if (m->client == NULL)
		return;
	(void)pthread_mutex_lock(&r->mu);
	pump_moved(m->pump, &sent, &received);
	m->client->sent += sent;
	m->client->received += received;
	m->pump = NULL;
	(void)pthread_mutex_unlock(&r->mu);
}

void
roster_list(struct roster *r, struct tell_list *l)
{
	struct tell_client told;
	struct roster_client *c;
	struct roster_member *m;
	uint64_t sent, received;

	(void)pthread_mutex_lock(&r->mu);
	for (c = r->first; c != NULL; c = c->next) {
		c->sum_sent = c->sent;
		c->sum_received = c->received;
		if (c->links > 0)
			tell_list_id(l, c->id);
	}
	for (m = r->members; m != NULL; m = m->next) {
		if (m->pump == NULL)
			continue;
		pump_moved(m->pump, &sent, &received);
		m->client->sum_sent += sent;
		m->client->sum_received += received;
	}
	tell_list_next(l);
	for (c = r->first; c != NULL; c = c->next) {
		if (c->links == 0)
			continue;
		told.id = c->id;
		told.addr = c->addr;
		told.streams = c->streams;
		told.sent = c->sum_sent;
		told.received = c->sum_received;
		told.age_s = (uint64_t)(task_now() - c->began) / 1000;
		tell_list_client(l, &told);
	}
	(void)pthread_mutex_unlock(&r->mu);
}

bool
roster_dismiss(struct roster *r, const char *id,
    uint8_t instance[CTL_INSTANCE])
{
	struct roster_client *c;
	struct roster_member *m;

	(void)pthread_mutex_lock(&r->mu);
	for (c = r->first; c != NULL; c = c->next) {
		if (c->links > 0 && strcmp(c->id, id) == 0)
			break;
	}
	if (c != NULL) {
		memcpy(instance, c->instance, CTL_INSTANCE);
		memcpy(r->banned[r->nbanned++ % ROSTER_BANNED], instance,
		    CTL_INSTANCE);
	}
	for (m = r->members; c != NULL && m != NULL; m = m->next) {
		if (m->client != c)
			continue;
		m->cut = true;
		if (m->pump != NULL)
			pump_cut(m->pump);
	}
	(void)pthread_mutex_unlock(&r->mu);
	return c != NULL;
}

bool
roster_banned(struct roster *r, const uint8_t instance[CTL_INSTANCE])
{
	bool is;

	(void)pthread_mutex_lock(&r->mu);
	is = banned(r, instance);
	(void)pthread_mutex_unlock(&r->mu);
	return is;
}
