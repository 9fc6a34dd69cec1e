/* SPDX-License-Identifier: MIT */
/* rank.c - which address of a relay comes first for a room.
 *
 * Bytes in, an order out: which addresses there are is resolve.c's business.
 * The hash keeps nothing secret and withstands nobody; it spreads. */

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "hash.h"
#include "rank.h"

/* FNV's high bits hardly know of the last bytes; now all depend on all. */
static uint64_t
mix(uint64_t h)
{
	h ^= h >> 33;
	h *= UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 33;
}

static uint64_t
weight(const uint8_t id[RANK_ID], const char *room)
{
	return mix(hash_bytes(hash_bytes(HASH_START, id, RANK_ID), room,
	    strlen(room)));
}

struct item {
	const uint8_t *id;
	uint64_t weight;
};

/* Does a come before b, whichever of them came first? */
static bool
goes_first(const struct item *a, const struct item *b)
{
	if (a->weight != b->weight)
		return a->weight > b->weight;
	return memcmp(a->id, b->id, RANK_ID) < 0;
}

void
rank_order(const uint8_t (*ids)[RANK_ID], unsigned n, const char *room,
    unsigned order[RANK_MAX])
{
	struct item items[RANK_MAX];
	unsigned i, k;

	assert(n <= RANK_MAX);
	for (i = 0; i < n; i++) {
		items[i].id = ids[i];
		items[i].weight = weight(ids[i], room);
		for (k = i; k > 0; k--) {
			if (!goes_first(&items[i], &items[order[k - 1]]))
				break;
			order[k] = order[k - 1];
		}
		order[k] = i;
	}
}
