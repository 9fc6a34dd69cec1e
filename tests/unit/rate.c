/* SPDX-License-Identifier: MIT */
/* rate.c - the mean over any time, who shares it, and who does not. */

#include "rate.h"
#include "unit.h"

static struct rate_table table;

/* Pass n bytes at a time through r for ms, waiting as told: how many? */
static uint64_t
run(struct rate *r, size_t n, int64_t from, int64_t ms)
{
	int64_t now = from, wait;
	uint64_t bytes = 0;

	while (now < from + ms) {
		bytes += n;
		wait = rate_pass(r, n, now);
		CHECK(wait >= 0);
		/* Whoever need not wait takes a moment for it, too. */
		now += wait > 0 ? wait : 1;
	}
	return bytes;
}

static void
mean(void)
{
	static const struct {
		uint32_t per_s;
		size_t n;
	} rows[] = {
		{ RATE_MIN, 1 }, { RATE_MIN, 128 }, { RATE_MIN, 3072 },
		{ 65536, 3072 }, { 1000003, 3072 }, { 1000000, 125000 },
		{ 1 << 20, 256 * 1024 }, { 100000000, 256 * 1024 },
		{ UINT32_MAX, 8 << 20 }
	};
	enum { SECONDS = 50 };
	struct rate r;
	uint64_t got, most;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("%lu a second, %zu at once",
		    (unsigned long)rows[i].per_s, rows[i].n);
		rate_init(&table, rows[i].per_s);
		rate_join(&table, &r, "a", 1000);
		got = run(&r, rows[i].n, 1000, SECONDS * 1000);
		most = (uint64_t)rows[i].per_s * SECONDS;
		/* A full bucket at the start, and the last piece. */
		CHECK(got <= most + rows[i].per_s / RATE_BURST_DIV +
		    rows[i].n);
		/* One byte in a millisecond need not be what it may be. */
		CHECK(got >= (rows[i].n == 1 ? (uint64_t)990 * SECONDS :
		    most - most / 50));
		rate_leave(&r);
	}
}

/* A pause is worth no more than a full bucket. */
static void
pauses(void)
{
	struct rate r;

	rate_init(&table, 8000);
	rate_join(&table, &r, "a", 0);
	CHECK_EQ(rate_most(&r), 1000);
	CHECK_EQ(rate_pass(&r, 1000, 0), 0);
	CHECK_EQ(rate_pass(&r, 8, 0), 1);
	CHECK_EQ(rate_pass(&r, 0, 1), 0);
	CHECK_EQ(rate_pass(&r, 1000, INT64_C(1) << 50), 0);
	CHECK_EQ(rate_pass(&r, 800, INT64_C(1) << 50), 100);
	/* A clock that somebody read earlier counts for nothing. */
	CHECK_EQ(rate_pass(&r, 0, 5), 100);
	/* And one byte more begins another millisecond. */
	CHECK_EQ(rate_pass(&r, 1, 5), 101);
	rate_leave(&r);
}

/* Pairs of one room share; the bucket outlives each of them, but not all. */
static void
rooms(void)
{
	struct rate a[3], b;
	int i;

	rate_init(&table, 8000);
	for (i = 0; i < 3; i++)
		rate_join(&table, &a[i], "a", 0);
	rate_join(&table, &b, "b", 0);
	CHECK_EQ(rate_pass(&a[0], 1000, 0), 0);
	CHECK_EQ(rate_pass(&a[1], 80, 0), 10);
	CHECK_EQ(rate_pass(&a[2], 80, 0), 20);
	CHECK_EQ(rate_pass(&b, 1000, 0), 0);
	rate_leave(&a[0]);
	CHECK_EQ(rate_pass(&a[1], 80, 0), 30);
	rate_leave(&a[2]);
	CHECK_EQ(rate_pass(&a[1], 80, 0), 40);
	rate_join(&table, &a[0], "a", 0);
	CHECK_EQ(rate_pass(&a[0], 80, 0), 50);
	rate_leave(&a[1]);
	CHECK_EQ(rate_pass(&a[0], 0, 10), 40);
	rate_leave(&a[0]);
	rate_join(&table, &a[0], "a", 10);
	CHECK_EQ(rate_pass(&a[0], 1000, 10), 0);
	rate_leave(&a[0]);
	CHECK_EQ(rate_pass(&b, 8, 0), 1);
	rate_leave(&b);
	for (i = 0; i < RATE_BUCKETS; i++)
		CHECK(table.bucket[i] == NULL);
}

/* Names that share a slot of the table share nothing else. */
static void
many(void)
{
	enum { ROOMS = 4 * RATE_BUCKETS };
	static struct rate r[ROOMS];
	char name[MEET_ROOM_MAX + 1];
	int i;

	rate_init(&table, 8000);
	for (i = 0; i < ROOMS; i++) {
		(void)snprintf(name, sizeof(name), "room%d", i);
		rate_join(&table, &r[i], name, 0);
	}
	for (i = 0; i < ROOMS; i++)
		CHECK_EQ(rate_pass(&r[i], 1000 + (size_t)i * 8, 0), i);
	for (i = 0; i < ROOMS; i += 2)
		rate_leave(&r[i]);
	for (i = 1; i < ROOMS; i += 2) {
		CHECK_EQ(rate_pass(&r[i], 0, 0), i);
		rate_leave(&r[i]);
	}
	for (i = 0; i < RATE_BUCKETS; i++)
		CHECK(table.bucket[i] == NULL);
}

int
main(void)
{
	unit_case("rate: the mean, whatever passes at once", mean);
	unit_case("rate: a pause is worth one bucket", pauses);
	unit_case("rate: a room's pairs share", rooms);
	unit_case("rate: many rooms", many);
	return unit_end();
}
