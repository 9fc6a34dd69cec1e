/* SPDX-License-Identifier: MIT */
/* rate.c - how fast bytes may pass through a room.
 *
 * The room itself may come and go while its pairs live, so the bucket belongs
 * to them: to the first, and when that one leaves, to the next. */

#include <stdio.h>
#include <string.h>

#include "hash.h"
#include "rate.h"

enum { MILLI = 1000 };

void
rate_init(struct rate_table *t, uint32_t per_s)
{
	memset(t, 0, sizeof(*t));
	(void)pthread_mutex_init(&t->mu, NULL);
	t->per_s = per_s;
}

static struct rate **
bucket(struct rate_table *t, const char *room)
{
	return &t->bucket[hash_bucket(room, strlen(room), RATE_BUCKETS)];
}

/* The first of this room from r on, or NULL; mu is held. */
static struct rate *
first(struct rate *r, const char *room)
{
	while (r != NULL && strcmp(r->room, room) != 0)
		r = r->next;
	return r;
}

static int64_t
full(const struct rate_table *t)
{
	return (int64_t)t->per_s * MILLI / RATE_BURST_DIV;
}

void
rate_join(struct rate_table *t, struct rate *r, const char *room, int64_t now)
{
	struct rate **p = bucket(t, room);

	r->table = t;
	r->next = NULL;
	(void)snprintf(r->room, sizeof(r->room), "%s", room);
	r->level = full(t);
	r->at = now;
	(void)pthread_mutex_lock(&t->mu);
	while (*p != NULL)
		p = &(*p)->next;
	*p = r;
	(void)pthread_mutex_unlock(&t->mu);
}

void
rate_leave(struct rate *r)
{
	struct rate_table *t = r->table;
	struct rate **p, *heir;

	(void)pthread_mutex_lock(&t->mu);
	p = bucket(t, r->room);
	heir = first(*p, r->room) == r ? first(r->next, r->room) : NULL;
	if (heir != NULL) {
		heir->level = r->level;
		heir->at = r->at;
	}
	while (*p != r)
		p = &(*p)->next;
	*p = r->next;
	(void)pthread_mutex_unlock(&t->mu);
}

size_t
rate_most(const struct rate *r)
{
	return r->table->per_s / RATE_BURST_DIV;
}

int64_t
rate_pass(struct rate *r, size_t n, int64_t now)
{
	struct rate_table *t = r->table;
	int64_t level, most = full(t), since;

	(void)pthread_mutex_lock(&t->mu);
	r = first(*bucket(t, r->room), r->room);
	/* Who read the clock first need not come first. */
	since = now > r->at ? now - r->at : 0;
	level = r->level;
	/* A thousandth of a byte for each byte a second and millisecond. */
	if (since > (most - level) / (int64_t)t->per_s)
		level = most;
	else
		level += since * (int64_t)t->per_s;
	level -= (int64_t)n * MILLI;
	r->level = level;
	r->at = now > r->at ? now : r->at;
	(void)pthread_mutex_unlock(&t->mu);
	if (level >= 0)
		return 0;
	return (-level + (int64_t)t->per_s - 1) / (int64_t)t->per_s;
}
