/* SPDX-License-Identifier: MIT */
/* hash.c - numbers for bytes. */

#include "hash.h"

uint64_t
hash_bytes(uint64_t h, const void *p, size_t n)
{
	const uint8_t *byte = p;

	for (; n > 0; n--)
		h = (h ^ *byte++) * UINT64_C(0x100000001b3);
	return h;
}

size_t
hash_bucket(const void *p, size_t n, size_t buckets)
{
	uint64_t h = hash_bytes(HASH_START, p, n);

	/* The high bits know of more bytes than the low ones. */
	return (size_t)((h ^ h >> 32) % buckets);
}
