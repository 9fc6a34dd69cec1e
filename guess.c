/* SPDX-License-Identifier: MIT */
/* guess.c - how many guesses at the token, and when.
 *
 * Each limit is a bucket of `burst` guesses into which one comes back every
 * so many ms.  All that is kept of it is the time at which it is full again:
 * a guess moves that one interval on, and may be taken while it is less than
 * `burst` intervals away.  A guess that is given back after the bucket has
 * filled up moves it into the past, which is as good as now. */

#include <string.h>

#include "guess.h"

void
guess_init(struct guess *g, bool strong)
{
	memset(g, 0, sizeof(*g));
	g->strong = strong;
}

static int64_t
total_every_ms(const struct guess *g)
{
	return g->strong ? GUESS_STRONG_EVERY_MS : GUESS_EVERY_MS;
}

/* Since when has the bucket had one guess, or when will it? */
static int64_t
ready_at(int64_t full_at, int64_t every_ms, int burst)
{
	return full_at - (burst - 1) * every_ms;
}

static int64_t
after_one(int64_t full_at, int64_t every_ms, int64_t now)
{
	return (full_at > now ? full_at : now) + every_ms;
}

/* Where this source stands in the table, or would.  (Sorted, not hashed:
 * nobody can choose addresses that make it slow.) */
static unsigned
place(const struct guess *g, const uint8_t source[GUESS_SOURCE])
{
	unsigned low = 0, high = g->n, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (memcmp(g->source[middle].name, source, GUESS_SOURCE) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
stands_at(const struct guess *g, unsigned i,
    const uint8_t source[GUESS_SOURCE])
{
	return i < g->n &&
	    memcmp(g->source[i].name, source, GUESS_SOURCE) == 0;
}

static void
forget_oldest(struct guess *g)
{
	struct guess_source *s = g->source;
	unsigned i, oldest = 0;

	for (i = 1; i < g->n; i++) {
		if (s[i].proven != s[oldest].proven ? s[oldest].proven :
		    s[i].served < s[oldest].served)
			oldest = i;
	}
	g->n--;
	memmove(&s[oldest], &s[oldest + 1], (g->n - oldest) * sizeof(*s));
}

/* The source's entry, new if need be. */
static struct guess_source *
enter(struct guess *g, const uint8_t source[GUESS_SOURCE])
{
	struct guess_source *s;
	unsigned i = place(g, source);

	if (stands_at(g, i, source))
		return &g->source[i];
	if (g->n == GUESS_SOURCES) {
		forget_oldest(g);
		i = place(g, source);
	}
	s = &g->source[i];
	memmove(s + 1, s, (g->n - i) * sizeof(*s));
	g->n++;
	memcpy(s->name, source, GUESS_SOURCE);
	s->full_at = 0;
	s->served = 0;
	s->proven = false;
	return s;
}

int64_t
guess_when(const struct guess *g, const uint8_t source[GUESS_SOURCE],
    uint64_t *served)
{
	const struct guess_source *s;
	unsigned i = place(g, source);
	int64_t all, own;

	all = ready_at(g->full_at, total_every_ms(g),
	    g->strong ? GUESS_STRONG_BURST : GUESS_BURST);
	*served = 0;
	if (!stands_at(g, i, source))
		return all;
	s = &g->source[i];
	*served = s->served;
	own = ready_at(s->full_at, GUESS_SOURCE_EVERY_MS, GUESS_SOURCE_BURST);
	return g->strong || all > own ? all : own;
}

void
guess_take(struct guess *g, const uint8_t source[GUESS_SOURCE], int64_t now)
{
	struct guess_source *s = enter(g, source);

	g->full_at = after_one(g->full_at, total_every_ms(g), now);
	s->full_at = after_one(s->full_at, GUESS_SOURCE_EVERY_MS, now);
	s->served = ++g->turns;
}

void
guess_return(struct guess *g, const uint8_t source[GUESS_SOURCE])
{
	unsigned i = place(g, source);

	g->full_at -= total_every_ms(g);
	if (stands_at(g, i, source))
		g->source[i].full_at -= GUESS_SOURCE_EVERY_MS;
}

void
guess_prove(struct guess *g, const uint8_t source[GUESS_SOURCE])
{
	enter(g, source)->proven = true;
}

bool
guess_proven(const struct guess *g, const uint8_t source[GUESS_SOURCE])
{
	unsigned i = place(g, source);

	return stands_at(g, i, source) && g->source[i].proven;
}
