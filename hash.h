/* SPDX-License-Identifier: MIT */
#ifndef HASH_H
#define HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START UINT64_C(0xcbf29ce484222325)

/* FNV-1a of 64 bits (RFC 9923): h with n more bytes in it; the first time, h is
 * HASH_START.  Whoever chooses the bytes can make them collide: for tables with
 * a limit, and for choices that need not be secret. */
uint64_t hash_bytes(uint64_t h, const void *p, size_t n);

/* The place of n bytes in a table of so many buckets. */
size_t hash_bucket(const void *p, size_t n, size_t buckets);

#endif
