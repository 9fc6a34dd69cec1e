/* SPDX-License-Identifier: MIT */
/* gate.c - who may wait at the door, and for whom somebody must go. */

#include <netinet/in.h>
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

/* One IPv4 address, as such or mapped into IPv6 (RFC 4291 2.5.5.2), is one
 * source; so is one IPv6 /64, the least a customer gets (RFC 6177). */
static void
source_of(const struct net_addr *a, uint8_t source[16])
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)&a->ss;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&a->ss;

	memset(source, 0, 16);
	if (a->ss.ss_family == AF_INET) {
		source[10] = source[11] = 0xff;
		memcpy(source + 12, &four->sin_addr, 4);
	} else if (a->ss.ss_family == AF_INET6)
		memcpy(source, &six->sin6_addr,
		    IN6_IS_ADDR_V4MAPPED(&six->sin6_addr) ? 16 : 8);
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

uint64_t
gate_enter(struct gate *g, int fd, const struct net_addr *from)
{
	struct gate_slot *s, *vacant = NULL, *victim = NULL, *mate = NULL;
	uint8_t source[16];
	int64_t now = task_now();
	uint64_t ticket;
	unsigned i, mates = 0;

	source_of(from, source);
	(void)pthread_mutex_lock(&g->mu);
	for (i = 0; i < g->max; i++) {
		s = &g->slot[i];
		if (s->ticket == 0) {
			vacant = s;
			continue;
		}
		if (memcmp(s->source, source, 16) == 0) {
			mates++;
			if (now - s->since >= GATE_GRACE_MS &&
			    (mate == NULL || s->ticket < mate->ticket))
				mate = s;
		}
		/* Of the largest source, the one that has waited longest: an
		 * honest client is through in a round trip. */
		if (victim == NULL || s->mates > victim->mates ||
		    (s->mates == victim->mates && s->ticket < victim->ticket))
			victim = s;
	}
	if (mates >= GATE_PER_SOURCE && mate != NULL) {
		evict(g, mate);
		vacant = mate;
		mates--;
	} else if (vacant == NULL) {
		evict(g, victim);
		vacant = victim;
		if (memcmp(victim->source, source, 16) == 0)
			mates--;
	}
	ticket = ++g->next_ticket;
	vacant->ticket = ticket;
	memcpy(vacant->source, source, 16);
	vacant->fd = fd;
	vacant->since = now;
	vacant->delayed = false;
	for (i = 0; i < g->max; i++) {
		if (g->slot[i].ticket != 0 &&
		    memcmp(g->slot[i].source, source, 16) == 0)
			g->slot[i].mates = mates + 1;
	}
	(void)pthread_mutex_unlock(&g->mu);
	return ticket;
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
