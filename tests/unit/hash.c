/* SPDX-License-Identifier: MIT */
/* hash.c: well-known values of the 64-bit FNV-1a (the test vectors of its
 * authors), the same bytes in two parts, and what a bucket is. */

#include <string.h>

#include "hash.h"
#include "unit.h"

static void
published(void)
{
	static const struct {
		const char *text;
		uint64_t value;
	} rows[] = {
		{ "", UINT64_C(0xcbf29ce484222325) },
		{ "a", UINT64_C(0xaf63dc4c8601ec8c) },
		{ "foobar", UINT64_C(0x85944171f73967e8) }
	};
	size_t i, n, cut;
	uint64_t h;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("\"%s\"", rows[i].text);
		n = strlen(rows[i].text);
		for (cut = 0; cut <= n; cut++) {
			h = hash_bytes(HASH_START, rows[i].text, cut);
			h = hash_bytes(h, rows[i].text + cut, n - cut);
			CHECK(h == rows[i].value);
		}
	}
}

/* The folded value of "a" is 0xaf63dc4c296230c0. */
static void
buckets(void)
{
	CHECK_EQ(hash_bucket("a", 1, 1), 0);
	CHECK_EQ(hash_bucket("a", 1, 256), 0xc0);
	CHECK_EQ(hash_bucket("a", 1, 65536), 0x30c0);
	CHECK_EQ(hash_bucket("a", 1, 1000),
	    UINT64_C(0xaf63dc4c296230c0) % 1000);
}

int
main(void)
{
	unit_case("hash: published values, whole and in two parts", published);
	unit_case("hash: buckets", buckets);
	return unit_end();
}
