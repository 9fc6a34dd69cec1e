/* SPDX-License-Identifier: MIT */
#ifndef BUF_H
#define BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes in an array somebody else owns: buf[off..end) is unread,
 * buf[end..cap) is free. */
struct span {
	uint8_t *buf;
	size_t off, end, cap;
};

/* A reading cursor over wire bytes.  The first read past the end sets bad;
 * from then on every read gives zeros and moves nothing, so a decoder is
 * straight-line code with one check of bad at its end. */
struct rd {
	const uint8_t *p;
	size_t left;
	bool bad;
};

/* A writing cursor with the same latch; n counts what was written. */
struct wr {
	uint8_t *p;
	size_t n, cap;
	bool bad;
};

/* Read one byte, or a big-endian number. */
uint8_t rd_u8(struct rd *r);
uint16_t rd_u16(struct rd *r);
uint32_t rd_u32(struct rd *r);
uint64_t rd_u64(struct rd *r);

/* Returns the next n bytes, borrowed from the cursor's array, or NULL (and
 * bad) if fewer are left. */
const uint8_t *rd_bytes(struct rd *r, size_t n);

/* Append one byte, a big-endian number, or n bytes. */
void wr_u8(struct wr *w, uint8_t v);
void wr_u16(struct wr *w, uint16_t v);
void wr_u32(struct wr *w, uint32_t v);
void wr_u64(struct wr *w, uint64_t v);
void wr_bytes(struct wr *w, const void *p, size_t n);

/* Number of unread bytes, and of bytes that fit behind them. */
size_t span_used(const struct span *s);
size_t span_room(const struct span *s);

/* Move the unread bytes to the front, so that all room is behind them. */
void span_pack(struct span *s);

#endif
