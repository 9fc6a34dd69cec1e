/* SPDX-License-Identifier: MIT */
/* mint.c - new secrets and rooms: how long, how different, and none without
 * entropy.  The source is included so that the entropy can be ours. */

#include "entropy.h"
#include "unit.h"

/* What the next calls of entropy_get() give, before it is itself again. */
static const uint32_t *script;
static size_t nscript;

static int
test_entropy_get(void *p, size_t n)
{
	if (nscript == 0)
		return entropy_get(p, n);
	REQUIRE(n == sizeof(*script));
	memcpy(p, script++, n);
	nscript--;
	return 0;
}

#define entropy_get test_entropy_get
#include "../../mint.c"
#undef entropy_get

static void
sizes(void)
{
	static const unsigned wrong[] = {
		0, 1, 16, 31, 32, 513, 514, 528, 1024, 65536 + 64,
		(unsigned)-1, (unsigned)-15, (unsigned)-16
	};
	char text[WORD_TEXT_MAX];
	unsigned bits;
	size_t i, n;

	REQUIRE(entropy_init() == 0);
	for (bits = 33; bits <= 512; bits++) {
		unit_row("%u bits", bits);
		memset(text, 'x', sizeof(text));
		REQUIRE(mint_token(bits, text) == 0);
		n = strlen(text);
		CHECK_EQ(n, ((bits + 15) / 16 + 1) * (WORD_LETTERS + 1) - 1);
		CHECK(word_check(text, n, ""));
	}
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		unit_row("%u bits", wrong[i]);
		errno = 0;
		CHECK_EQ(mint_token(wrong[i], text), -1);
		CHECK_EQ(errno, EINVAL);
	}
}

/* Each of the first five letters takes all its values, and no two tokens have
 * the same first three words: one in 2^48 pairs does. */
static void
different(void)
{
	enum { N = 1000 };
	static char text[N][WORD_TEXT_MAX];
	unsigned seen[WORD_LETTERS] = { 0 }, i, k;

	REQUIRE(entropy_init() == 0);
	for (i = 0; i < N; i++) {
		REQUIRE(mint_token(128, text[i]) == 0);
		for (k = 0; k < i; k++)
			CHECK(memcmp(text[i], text[k], 17) != 0);
		for (k = 0; k < WORD_LETTERS; k++)
			seen[k] |= 1u << (text[i][k] - 'a');
	}
	for (i = 0; i < WORD_LETTERS; i++) {
		for (k = 0; seen[i] != 0; seen[i] &= seen[i] - 1)
			k++;
		CHECK_EQ(k, i % 2 == 0 ? 16 : 4);
	}
}

/* The check word is that of the room, and of no other. */
static void
secrets(void)
{
	static const char *const rooms[] = { "", "7", "8", "4711", "a_b.c" };
	char text[WORD_TEXT_MAX];
	size_t i, k, n;

	REQUIRE(entropy_init() == 0);
	for (i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		REQUIRE(mint_secret(MINT_BITS, rooms[i], text) == 0);
		n = strlen(text);
		CHECK_EQ(n, 5 * (WORD_LETTERS + 1) - 1);
		for (k = 0; k < sizeof(rooms) / sizeof(rooms[0]); k++) {
			unit_row("'%s' in '%s'", rooms[i], rooms[k]);
			CHECK_EQ(word_check(text, n, rooms[k]), i == k);
		}
	}
	unit_row("too short");
	errno = 0;
	CHECK_EQ(mint_secret(32, "7", text), -1);
	CHECK_EQ(errno, EINVAL);
}

/* Which number becomes which room, and which are drawn again: those from the
 * largest multiple of 9999 (and so on) on that 32 bits hold. */
static void
rooms_of(void)
{
	static const struct {
		unsigned digits;
		uint32_t draws[3];
		const char *room;
		size_t used;
	} rows[] = {
		{ 4, { 0, 5, 5 }, "1", 1 },
		{ 4, { 9998, 5, 5 }, "9999", 1 },
		{ 4, { 9999, 5, 5 }, "1", 1 },
		{ 4, { 4710, 5, 5 }, "4711", 1 },
		/* 429539 * 9999 = 4294960461 */
		{ 4, { 4294960460u, 5, 5 }, "9999", 1 },
		{ 4, { 4294960461u, 4710, 5 }, "4711", 2 },
		{ 4, { UINT32_MAX, UINT32_MAX, 9 }, "10", 3 },
		/* 42950 * 99999 = 4294957050 */
		{ 5, { 4294957049u, 5, 5 }, "99999", 1 },
		{ 5, { 4294957050u, 5, 5 }, "6", 2 },
		/* 4294 * 999999 = 4293995706 */
		{ 6, { 4293995705u, 5, 5 }, "999999", 1 },
		{ 6, { 4293995706u, 5, 5 }, "6", 2 },
		/* 429 * 9999999 = 4289999571 */
		{ 7, { 4289999570u, 5, 5 }, "9999999", 1 },
		{ 7, { 4289999571u, 5, 5 }, "6", 2 },
		/* 42 * 99999999 = 4199999958 */
		{ 8, { 4199999957u, 5, 5 }, "99999999", 1 },
		{ 8, { 4199999958u, 5, 5 }, "6", 2 },
		/* 4 * 999999999 = 3999999996 */
		{ 9, { 3999999995u, 5, 5 }, "999999999", 1 },
		{ 9, { 3999999996u, 5, 5 }, "6", 2 },
		{ 9, { 123456788, 5, 5 }, "123456789", 1 }
	};
	char room[MINT_ROOM_MAX];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("%u digits, %lu", rows[i].digits,
		    (unsigned long)rows[i].draws[0]);
		script = rows[i].draws;
		nscript = 3;
		memset(room, 'x', sizeof(room));
		CHECK_EQ(mint_room(rows[i].digits, room), 0);
		CHECK_STR(room, rows[i].room);
		CHECK_EQ(3 - nscript, rows[i].used);
	}
	nscript = 0;
}

static void
rooms(void)
{
	static const unsigned wrong[] = {
		0, 1, 3, 10, 11, 65536 + 4, (unsigned)-1
	};
	enum { N = 20000, BINS = 10 };
	unsigned bins[BINS] = { 0 }, digits, v, most, i;
	char room[MINT_ROOM_MAX], again[MINT_ROOM_MAX];

	REQUIRE(entropy_init() == 0);
	for (digits = MINT_DIGITS_MIN, most = 9999; digits <= MINT_DIGITS_MAX;
	    digits++, most = most * 10 + 9) {
		unit_row("%u digits", digits);
		memset(bins, 0, sizeof(bins));
		for (i = 0; i < N; i++) {
			memset(room, 'x', sizeof(room));
			REQUIRE(mint_room(digits, room) == 0);
			REQUIRE(memchr(room, '\0', sizeof(room)) != NULL);
			REQUIRE(sscanf(room, "%u", &v) == 1);
			CHECK(v >= 1 && v <= most);
			bins[(v - 1) / (most / BINS + 1)]++;
			(void)snprintf(again, sizeof(again), "%u", v);
			CHECK_STR(room, again);
		}
		/* Standard deviation 42: six of them. */
		for (i = 0; i < BINS; i++)
			CHECK(bins[i] > N / BINS - 252 &&
			    bins[i] < N / BINS + 252);
	}
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		unit_row("%u digits", wrong[i]);
		memcpy(room, "old", 4);
		errno = 0;
		CHECK_EQ(mint_room(wrong[i], room), -1);
		CHECK_EQ(errno, EINVAL);
		CHECK_STR(room, "old");
	}
}

static void
without(void)
{
	char text[WORD_TEXT_MAX] = "old", room[MINT_ROOM_MAX] = "old";

	/* entropy_init() was not called. */
	CHECK_EQ(mint_token(128, text), -1);
	CHECK_EQ(mint_secret(128, "7", text), -1);
	CHECK_STR(text, "old");
	CHECK_EQ(mint_room(4, room), -1);
	CHECK_STR(room, "old");
}

int
main(void)
{
	unit_case("mint: sizes", sizes);
	unit_case("mint: no two are alike", different);
	unit_case("mint: secrets for a room", secrets);
	unit_case("mint: which number is which room", rooms_of);
	unit_case("mint: rooms, all equally likely", rooms);
	unit_case("mint: nothing without entropy", without);
	return unit_end();
}
