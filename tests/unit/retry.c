/* SPDX-License-Identifier: MIT */
/* retry.c - caps, jitter, refusals, and what ten minutes change. */

#include "retry.h"
#include "unit.h"

static const uint32_t most = UINT32_MAX;

/* The cap can be seen with the largest random number: it is one less, because
 * a wait is below its cap. */
static uint32_t
cap_of(struct retry *r, int64_t now)
{
	return retry_failed(r, false, now, most) + 1;
}

/* 100, 200, 400 ... 1500 ms; and after ten minutes ... 30 s. */
static void
caps(void)
{
	static const uint32_t should[] = {
		100, 200, 400, 800, 1500, 1500, 1500
	};
	struct retry r = { 0, 0, 0 };
	int64_t now = 5000;
	size_t i;

	for (i = 0; i < sizeof(should) / sizeof(should[0]); i++) {
		unit_row("failure %zu", i + 1);
		CHECK_EQ(cap_of(&r, now), should[i]);
		CHECK_EQ(r.since, 5000);
		now += 1000;
	}
	unit_row("just before ten minutes");
	CHECK_EQ(cap_of(&r, 5000 + RETRY_SOON_FOR_MS - 1), 1500);
	unit_row("ten minutes");
	CHECK_EQ(cap_of(&r, 5000 + RETRY_SOON_FOR_MS), 25600);
	CHECK_EQ(cap_of(&r, 5000 + RETRY_SOON_FOR_MS), 30000);
	for (i = 0; i < 100; i++)
		CHECK_EQ(cap_of(&r, 5000 + 2 * RETRY_SOON_FOR_MS), 30000);
	unit_row("all is well again");
	retry_reset(&r);
	CHECK_EQ(r.since, 0);
	CHECK_EQ(cap_of(&r, 5000 + 3 * RETRY_SOON_FOR_MS), 100);
	CHECK_EQ(cap_of(&r, 5000 + 3 * RETRY_SOON_FOR_MS), 200);
}

/* Few and far between for ten minutes: the cap grows by attempts, too. */
static void
seldom(void)
{
	struct retry r = { 0, 0, 0 };

	CHECK_EQ(cap_of(&r, 1), 100);
	CHECK_EQ(cap_of(&r, 1 + RETRY_SOON_FOR_MS), 200);
	CHECK_EQ(cap_of(&r, 1 + RETRY_SOON_FOR_MS), 400);
}

/* Counters do not wrap into something, and doubling does not overflow. */
static void
for_ever(void)
{
	struct retry r = { 1, UINT32_MAX - 2, UINT32_MAX - 2 };
	int i;

	for (i = 0; i < 2; i++) {
		CHECK_EQ(cap_of(&r, 2), 1500);
		r.refusals = UINT32_MAX - 2;
		CHECK_EQ(retry_failed(&r, true, 2, 0), 30000);
	}
}

/* Any wait up to the cap is as likely as any other. */
static void
jitter(void)
{
	static const uint32_t randoms[] = {
		0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff
	};
	static const uint32_t waits[] = { 0, 0, 49, 50, 99, 99 };
	struct retry r;
	unsigned seen[100] = { 0 };
	uint32_t i, ms, x = 12345;

	for (i = 0; i < 6; i++) {
		unit_row("random %u", (unsigned)randoms[i]);
		r = (struct retry){ 0, 0, 0 };
		CHECK_EQ(retry_failed(&r, false, 7, randoms[i]), waits[i]);
	}
	for (i = 0; i < 100000; i++) {
		x = x * 1664525u + 1013904223u;
		r = (struct retry){ 0, 0, 0 };
		ms = retry_failed(&r, false, 7, x);
		REQUIRE(ms < 100);
		seen[ms]++;
	}
	for (i = 0; i < 100; i++) {
		unit_row("%u ms", (unsigned)i);
		CHECK(seen[i] > 800 && seen[i] < 1200);
	}
	/* The same under the largest cap. */
	for (i = 0; i < 1000; i++) {
		x = x * 1664525u + 1013904223u;
		r = (struct retry){ 1, 1000, 0 };
		CHECK(retry_failed(&r, false, 1 + RETRY_SOON_FOR_MS, x) <
		    RETRY_LATE_MS);
	}
}

/* 1, 2, 4 ... 30 s, whatever is drawn, and whatever comes in between: neither
 * another failure nor a link makes guesses at the token come faster. */
static void
refusals(void)
{
	static const uint32_t should[] = {
		1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000
	};
	struct retry r = { 0, 0, 0 };
	size_t i;

	for (i = 0; i < sizeof(should) / sizeof(should[0]); i++) {
		unit_row("refusal %zu", i + 1);
		CHECK_EQ(retry_failed(&r, true, 9, i % 2 ? 0 : most),
		    should[i]);
		/* Ten minutes count from the first of whatever kind. */
		CHECK_EQ(r.since, 9);
	}
	retry_reset(&r);
	for (i = 0; i < sizeof(should) / sizeof(should[0]); i++) {
		unit_row("refusal %zu, and others", i + 1);
		/* A link that comes up forgets most, but not all. */
		CHECK_EQ(cap_of(&r, 9), i == 0 ? 100 : i == 1 ? 400 : 1500);
		CHECK_EQ(retry_failed(&r, true, 9, 0), should[i]);
		retry_up(&r);
		CHECK_EQ(r.since, 0);
		CHECK_EQ(cap_of(&r, 9), i == 0 ? 200 : 800);
	}
	unit_row("long enough ago");
	retry_reset(&r);
	CHECK_EQ(retry_failed(&r, true, 9, 0), 1000);
}

int
main(void)
{
	unit_case("retry: caps", caps);
	unit_case("retry: seldom", seldom);
	unit_case("retry: for ever", for_ever);
	unit_case("retry: jitter", jitter);
	unit_case("retry: refusals", refusals);
	return unit_end();
}
