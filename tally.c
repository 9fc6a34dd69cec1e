/* SPDX-License-Identifier: MIT */
/* tally.c - how many there are from one source. */

#include <string.h>

#include "hash.h"
#include "tally.h"

void
tally_init(struct tally *t, unsigned max)
{
	memset(t, 0, sizeof(*t));
	(void)pthread_mutex_init(&t->mu, NULL);
	t->max = max;
}

static struct tally_entry **
bucket(struct tally *t, const uint8_t source[NET_SOURCE])
{
	return &t->bucket[hash_bucket(source, NET_SOURCE, TALLY_BUCKETS)];
}

bool
tally_enter(struct tally *t, struct tally_entry *e,
    const struct net_addr *from)
{
	struct tally_entry **b, *other;
	unsigned n = 0;

	net_source(from, e->source);
	b = bucket(t, e->source);
	(void)pthread_mutex_lock(&t->mu);
	for (other = *b; other != NULL && n < t->max; other = other->next)
		n += memcmp(other->source, e->source, NET_SOURCE) == 0;
	if (n < t->max) {
		e->next = *b;
		*b = e;
	}
	(void)pthread_mutex_unlock(&t->mu);
	return n < t->max;
}

void
tally_leave(struct tally *t, struct tally_entry *e)
{
	struct tally_entry **p;

	(void)pthread_mutex_lock(&t->mu);
	for (p = bucket(t, e->source); *p != e; p = &(*p)->next)
		continue;
	*p = e->next;
	(void)pthread_mutex_unlock(&t->mu);
}
