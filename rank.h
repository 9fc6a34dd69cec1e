/* SPDX-License-Identifier: MIT */
#ifndef RANK_H
#define RANK_H

#include <stdint.h>

/* In which order a room's two sides try the addresses of a relay: rendezvous
 * hashing, highest random weight first.  Both sides, whatever order their
 * resolvers gave, come to the same one, and an address more or less moves only
 * the rooms that were, or will be, at that address.
 *
 * weight = fmix64(FNV-1a(id || room)), the 64-bit FNV-1a (RFC 9923) with the
 * offset basis cbf29ce484222325 and the prime 100000001b3, then MurmurHash3's
 * finaliser: x ^= x >> 33, x *= ff51afd7ed558ccd, x ^= x >> 33,
 * x *= c4ceb9fe1a85ec53, x ^= x >> 33. */

enum {
	RANK_ID = 16 + 2,	/* IPv6 address, or IPv4 as ::ffff:a.b.c.d
				 * (RFC 4291 2.5.5.2), and port, big-endian */
	RANK_MAX = 16
};

/* Put the numbers 0..n-1 of these n <= RANK_MAX addresses in order[], that of
 * the largest weight first; of equal weights that of the smaller id, and equal
 * ids in the order they came. */
void rank_order(const uint8_t (*ids)[RANK_ID], unsigned n, const char *room,
    unsigned order[RANK_MAX]);

#endif
