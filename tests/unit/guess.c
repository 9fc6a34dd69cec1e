/* SPDX-License-Identifier: MIT */
/* guess.c - how many guesses, and when; the clock is a number. */

#include "guess.h"
#include "unit.h"

enum {
	START = 1000000,		/* when a case begins, in ms */
	HOUR_MS = 3600 * 1000
};

static struct guess g;

/* The source of that number; neighbours in number are none in the table. */
static const uint8_t *
source(unsigned i)
{
	static uint8_t name[GUESS_SOURCE];

	unit_fill(name, 8, i);
	memset(name + 8, 0, 8);
	name[12] = (uint8_t)(i >> 24);
	name[13] = (uint8_t)(i >> 16);
	name[14] = (uint8_t)(i >> 8);
	name[15] = (uint8_t)i;
	return name;
}

static int64_t
when(unsigned i)
{
	uint64_t served;

	return guess_when(&g, source(i), &served);
}

static uint64_t
served(unsigned i)
{
	uint64_t n;

	(void)guess_when(&g, source(i), &n);
	return n;
}

/* Take one if it is allowed. */
static bool
try_take(unsigned i, int64_t now)
{
	if (when(i) > now)
		return false;
	guess_take(&g, source(i), now);
	return true;
}

static void
total(void)
{
	static const struct {
		bool strong;
		int burst, every_ms;
	} rows[] = { { false, 20, 1000 }, { true, 50, 20 } };
	int64_t now;
	size_t r;
	int i;

	for (r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		unit_row("%s", rows[r].strong ? "strong" : "other");
		guess_init(&g, rows[r].strong);
		now = START;
		CHECK(when(0) <= 0);
		for (i = 0; i < rows[r].burst; i++)
			CHECK(try_take((unsigned)i, now));
		CHECK_EQ(when(100), now + rows[r].every_ms);
		CHECK(!try_take(100, now));
		/* One by one from here on. */
		for (i = 0; i < 3; i++) {
			CHECK(!try_take(101, now + rows[r].every_ms - 1));
			now += rows[r].every_ms;
			CHECK(try_take(101, now));
			CHECK(!try_take(102, now));
		}
		/* After a long rest: a burst, not more. */
		now += HOUR_MS;
		for (i = 0; i < rows[r].burst; i++)
			CHECK(try_take(200 + (unsigned)i, now));
		CHECK_EQ(when(300), now + rows[r].every_ms);
	}
}

static void
per_source(void)
{
	int64_t now = START;
	int i;

	guess_init(&g, false);
	for (i = 0; i < GUESS_SOURCE_BURST; i++)
		CHECK(try_take(1, now));
	CHECK_EQ(when(1), now + GUESS_SOURCE_EVERY_MS);
	CHECK(when(2) <= now);
	now += GUESS_SOURCE_EVERY_MS;
	CHECK(try_take(1, now));
	CHECK(!try_take(1, now));
	for (i = 0; i < GUESS_SOURCE_BURST; i++)
		CHECK(try_take(2, now));
	CHECK(!try_take(2, now));
	CHECK(when(3) <= now);
	/* Half the interval more is not one more. */
	now += GUESS_SOURCE_EVERY_MS / 2;
	CHECK(!try_take(1, now) && !try_take(2, now));
	/* The later of the two limits counts, whichever it is. */
	for (i = 0; when(100) <= now; i++)
		guess_take(&g, source(200 + (unsigned)i), now);
	CHECK_EQ(when(100), g.full_at - 19 * GUESS_EVERY_MS);
	CHECK_EQ(when(1), now + GUESS_SOURCE_EVERY_MS / 2);
	/* With a strong token all may be one's own. */
	guess_init(&g, true);
	for (i = 0; i < GUESS_STRONG_BURST; i++)
		CHECK(try_take(1, now));
	CHECK_EQ(when(1), now + GUESS_STRONG_EVERY_MS);
	CHECK_EQ(when(2), now + GUESS_STRONG_EVERY_MS);
}

static void
returned(void)
{
	int64_t now = START;
	int i, strong;

	for (strong = 0; strong < 2; strong++) {
		unit_row("strong: %d", strong);
		guess_init(&g, strong);
		/* Who knows the token is never kept waiting. */
		for (i = 0; i < 1000; i++) {
			CHECK(try_take(1, now));
			guess_return(&g, source(1));
		}
		CHECK(when(1) <= now);
		/* What comes back when the bucket is full is too much. */
		for (i = 0; i < 5; i++)
			CHECK(try_take(1, now));
		now += HOUR_MS;
		for (i = 0; i < 5; i++)
			guess_return(&g, source(1));
		for (i = 0; i < 5; i++)
			CHECK(try_take(1, now));
		CHECK_EQ(when(1) > now, !strong);
		for (i = 5; i < (strong ? 50 : 20); i++)
			CHECK(try_take(2 + (unsigned)i, now));
		CHECK(!try_take(100, now));
		/* It goes where it came from, and to all. */
		guess_return(&g, source(1));
		CHECK(when(1) <= now && when(100) <= now);
		CHECK(try_take(100, now));
		CHECK(when(1) > now && when(100) > now);
		now += HOUR_MS;
	}
}

/* However greedy, from however many sources, with honest ones between. */
static void
bound(void)
{
	int64_t now = START, end = START + HOUR_MS;
	unsigned wrong = 0, pending = 0, held[8], pick[64];
	uint8_t dice[4];
	unsigned step;

	guess_init(&g, false);
	for (step = 0; now < end; step++) {
		unit_fill(dice, sizeof(dice), step);
		now += dice[0] < 2 ? dice[1] * 10 : dice[1] % 8;
		if (pending == 8 || (pending > 0 && dice[2] < 64)) {
			guess_return(&g, source(held[--pending]));
			continue;
		}
		pick[0] = dice[3] * 7u + dice[2] / 64;
		if (!try_take(pick[0], now))
			continue;
		if (dice[2] >= 224)
			held[pending++] = pick[0];
		else
			wrong++;
		if (wrong > 20 + (now - START) / 1000) {
			unit_fail(__FILE__, __LINE__, "%u after %lld ms",
			    wrong, (long long)(now - START));
			return;
		}
	}
	/* And those who ask again and again get nearly all there is. */
	CHECK(wrong > 3000);
}

static void
order(void)
{
	unsigned i;

	guess_init(&g, true);
	CHECK_EQ(served(1), 0);
	guess_take(&g, source(1), START);
	guess_take(&g, source(2), START);
	CHECK(served(1) > 0 && served(2) > served(1));
	guess_take(&g, source(1), START);
	CHECK(served(1) > served(2));
	/* A turn that cost no guess was one all the same. */
	guess_return(&g, source(1));
	CHECK(served(1) > served(2));
	for (i = 3; i < 100; i++) {
		guess_take(&g, source(i), START);
		CHECK(served(i) > served(i - 1));
	}
	CHECK_EQ(served(100), 0);
}

static unsigned
sorted(void)
{
	unsigned i;

	for (i = 1; i < g.n; i++)
		CHECK(memcmp(g.source[i - 1].name, g.source[i].name,
		    GUESS_SOURCE) < 0);
	return g.n;
}

/* The table is full: who was served longest ago is forgotten. */
static void
table(void)
{
	int64_t now = START, before;
	unsigned i;

	guess_init(&g, false);
	for (i = 0; i < GUESS_SOURCES; i++)
		guess_take(&g, source(i), now);
	CHECK_EQ(sorted(), GUESS_SOURCES);
	guess_take(&g, source(0), now);
	for (i = 0; i < 4; i++)
		guess_take(&g, source(0), now);
	guess_take(&g, source(GUESS_SOURCES), now);
	CHECK_EQ(sorted(), GUESS_SOURCES);
	CHECK_EQ(served(1), 0);
	CHECK(served(0) != 0 && served(2) != 0 && served(GUESS_SOURCES) != 0);
	/* What the forgotten one gives back, all get. */
	before = g.full_at;
	guess_return(&g, source(1));
	CHECK_EQ(g.full_at, before - GUESS_EVERY_MS);
	CHECK_EQ(served(1), 0);
	/* Many come and go; the latest ones are known. */
	for (i = 0; i < 10000; i++) {
		guess_take(&g, source(5000 + i), now);
		CHECK_EQ(served(5000 + i), g.turns);
	}
	CHECK_EQ(sorted(), GUESS_SOURCES);
	for (i = 0; i < 10000; i++)
		CHECK_EQ(served(5000 + i) != 0, i >= 10000 - GUESS_SOURCES);
	CHECK_EQ(served(0), 0);
	/* Forgetting does not loosen the limit for all. */
	CHECK_EQ(when(0), g.full_at - 19 * GUESS_EVERY_MS);
}

int
main(void)
{
	unit_case("guess: a burst, then so many a second", total);
	unit_case("guess: a source has its share", per_source);
	unit_case("guess: given back", returned);
	unit_case("guess: never more", bound);
	unit_case("guess: who was served when", order);
	unit_case("guess: more sources than remembered", table);
	return unit_end();
}
