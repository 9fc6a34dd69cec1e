/* SPDX-License-Identifier: MIT */
/* buf.c - spans and latching cursors.
 *
 * The only pointer arithmetic on a peer's bytes.  Nothing here allocates,
 * and nothing can read or write outside the array it was given. */

#include <string.h>

#include "buf.h"

const uint8_t *
rd_bytes(struct rd *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->bad || r->left < n) {
		r->bad = true;
		return NULL;
	}
	r->p += n;
	r->left -= n;
	return p;
}

uint8_t
rd_u8(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 1);

	return p != NULL ? p[0] : 0;
}

uint16_t
rd_u16(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 2);

	return p != NULL ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static uint64_t
rd_number(struct rd *r, size_t n)
{
	const uint8_t *p = rd_bytes(r, n);
	uint64_t v = 0;
	size_t i;

	for (i = 0; p != NULL && i < n; i++)
		v = v << 8 | p[i];
	return v;
}

uint32_t
rd_u32(struct rd *r)
{
	return (uint32_t)rd_number(r, 4);
}

uint64_t
rd_u64(struct rd *r)
{
	return rd_number(r, 8);
}

void
wr_bytes(struct wr *w, const void *p, size_t n)
{
	if (w->bad || w->cap - w->n < n) {
		w->bad = true;
		return;
	}
	if (n > 0)
		memcpy(w->p + w->n, p, n);
	w->n += n;
}

void
wr_u8(struct wr *w, uint8_t v)
{
	wr_bytes(w, &v, 1);
}

void
wr_u16(struct wr *w, uint16_t v)
{
	uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)(v & 0xff) };

	wr_bytes(w, b, 2);
}

static void
wr_number(struct wr *w, uint64_t v, size_t n)
{
	uint8_t b[8];
	size_t i;

	for (i = n; i-- > 0; v >>= 8)
		b[i] = (uint8_t)(v & 0xff);
	wr_bytes(w, b, n);
}

void
wr_u32(struct wr *w, uint32_t v)
{
	wr_number(w, v, 4);
}

void
wr_u64(struct wr *w, uint64_t v)
{
	wr_number(w, v, 8);
}

size_t
span_used(const struct span *s)
{
	return s->end - s->off;
}

size_t
span_room(const struct span *s)
{
	return s->cap - s->end;
}

void
span_pack(struct span *s)
{
	if (s->off == 0)
		return;
	memmove(s->buf, s->buf + s->off, span_used(s));
	s->end -= s->off;
	s->off = 0;
}
