/* SPDX-License-Identifier: MIT */
/* mint.c - new tokens: how long, how different, and none without entropy. */

#include "entropy.h"
#include "mint.h"
#include "unit.h"

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

static void
without(void)
{
	char text[WORD_TEXT_MAX] = "old";

	/* entropy_init() was not called. */
	CHECK_EQ(mint_token(128, text), -1);
	CHECK_STR(text, "old");
}

int
main(void)
{
	unit_case("mint: sizes", sizes);
	unit_case("mint: no two are alike", different);
	unit_case("mint: nothing without entropy", without);
	return unit_end();
}
