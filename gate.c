/* SPDX-License-Identifier: MIT */
/* gate.c - who may wait at the door, and for whom somebody must go. */

#include <sys/socket.h>

#include <string.h>

#include "gate.h"
#include "task.h"

void
gate_init(struct gate *g, unsigned max)
{
	memset(g, 0, sizeof(*g));
	(void)pthread_mutex_init(&g->mu, NULL);
	g->max = max;
}

/* Free a slot; its mates have one mate less. */
static void
vacate(struct gate *g, struct gate_slot *s)
{
	unsigned i;

	s->ticket = 0;
	for (i = 0; i < g->max; i++) {
		if (g->slot[i].ticket != 0 &&
		    memcmp(g->slot[i].source, s->source, 16) == 0)
			g->slot[i].mates--;
	}
}

static void
evict(struct gate *g, struct gate_slot *s)
{
	/* Its owner finds the end of the stream, leaves and closes. */
	(void)shutdown(s->fd, SHUT_RD);
	vacate(g, s);
}

static struct gate_slot *
find(struct gate *g, uint64_t ticket)
{
	unsigned i;

	for (i = 0; i < g->max; i++) {
		if (g->slot[i].ticket == ticket)
			return &g->slot[i];
	}
	return NULL;
}

static unsigned
count_mates(const struct gate *g, const uint8_t source[16])
{
	unsigned i, n = 0;

	for (i = 0; i < g->max; i++) {
		if (g->slot[i].ticket != 0 &&
		    memcmp(g->slot[i].source, source, 16) == 0)
			n++;
	}
	return n;
}

/* Of one source, the one that has waited longest, if that is long enough:
 * an honest client is through in a round trip. */
static struct gate_slot *
oldest_mate(struct gate *g, const uint8_t source[16], int64_t now)
{
	struct gate_slot *s, *oldest = NULL;
	unsigned i;

	for (i = 0; i < g->max; i++) {
		s = &g->slot[i];
		if (s->ticket != 0 && now - s->since >= GATE_GRACE_MS &&
		    memcmp(s->source, source, 16) == 0 &&
		    (oldest == NULL || s->ticket < oldest->ticket))
			oldest = s;
	}
	return oldest;
}

/* Of the largest source, the one that has waited longest; all are taken. */
static struct gate_slot *
largest(struct gate *g)
{
	struct gate_slot *s, *found = &g->slot[0];
	unsigned i;

	for (i = 1; i < g->max; i++) {
		s = &g->slot[i];
		if (s->mates > found->mates || (s->mates == found->mates &&
		    s->ticket < found->ticket))
			found = s;
	}
	return found;
}

uint64_t
gate_enter(struct gate *g, int fd, const struct net_addr *from)
{
	struct gate_slot *s;
	uint8_t source[16];
	int64_t now = task_now();
	uint64_t ticket;
	unsigned i, mates;

	net_source(from, source);
	(void)pthread_mutex_lock(&g->mu);
	while (count_mates(g, source) >= GATE_PER_SOURCE &&
	    (s = oldest_mate(g, source, now)) != NULL)
		evict(g, s);
	if ((s = find(g, 0)) == NULL) {
		s = largest(g);
		evict(g, s);
	}
	ticket = ++g->next_ticket;
	s->ticket = ticket;
	memcpy(s->source, source, 16);
	s->fd = fd;
	s->since = now;
	s->delayed = false;
	mates = count_mates(g, source);
	for (i = 0; i < g->max; i++) {
		if (g->slot[i].ticket != 0 &&
		    memcmp(g->slot[i].source, source, 16) == 0)
			g->slot[i].mates = mates;
	}
	(void)pthread_mutex_unlock(&g->mu);
	return ticket;
}

bool
gate_may_delay(struct gate *g, uint64_t ticket)
{
	struct gate_slot *s;
	bool may = true;
	unsigned i;

	(void)pthread_mutex_lock(&g->mu);
	if ((s = find(g, ticket)) == NULL)
		may = false;
	for (i = 0; i < g->max && may; i++) {
		if (g->slot[i].ticket != 0 && g->slot[i].delayed &&
		    memcmp(g->slot[i].source, s->source, 16) == 0)
			may = false;
	}
	if (may)
		s->delayed = true;
	(void)pthread_mutex_unlock(&g->mu);
	return may;
}

bool
gate_leave(struct gate *g, uint64_t ticket)
{
	struct gate_slot *s;

	if (ticket == 0)
		return true;
	(void)pthread_mutex_lock(&g->mu);
	if ((s = find(g, ticket)) != NULL)
		vacate(g, s);
	(void)pthread_mutex_unlock(&g->mu);
	return s != NULL;
}

unsigned
gate_count(struct gate *g)
{
	unsigned i, n = 0;

	(void)pthread_mutex_lock(&g->mu);
	for (i = 0; i < g->max; i++)
		n += g->slot[i].ticket != 0;
	(void)pthread_mutex_unlock(&g->mu);
	return n;
}
