/* SPDX-License-Identifier: MIT */
/* buf.c - cursors: whole, at every length, against the edge; and spans. */

#include "buf.h"
#include "unit.h"

static const uint8_t wire[] = { 0x01, 0xfe, 0xff, 0x00, 0x7f, 0x80, 0xad };

/* u8, u16, three bytes: what a decoder would do. */
static void
reading(void)
{
	const uint8_t *p;
	struct rd r = { unit_guard(wire, sizeof(wire)), sizeof(wire), false };

	CHECK_EQ(rd_u8(&r), 0x01);
	CHECK_EQ(rd_u16(&r), 0xfeff);
	p = rd_bytes(&r, 3);
	CHECK(p != NULL);
	CHECK_BYTES(p, wire + 3, 3);
	CHECK_EQ(r.left, 1);
	CHECK(!r.bad);
	CHECK(rd_bytes(&r, 0) != NULL);
	CHECK_EQ(rd_u8(&r), 0xad);
	CHECK_EQ(r.left, 0);
	CHECK(!r.bad);
}

static void
truncated(void)
{
	struct rd r;
	size_t n;

	for (n = 0; n <= sizeof(wire); n++) {
		unit_row("%zu bytes", n);
		r = (struct rd){ unit_guard(wire, n), n, false };
		CHECK_EQ(rd_u8(&r), n >= 1 ? 0x01 : 0);
		CHECK_EQ(rd_u16(&r), n >= 3 ? 0xfeff : 0);
		CHECK((rd_bytes(&r, 3) != NULL) == (n >= 6));
		CHECK_EQ(r.bad, n < 6);
	}
}

static void
latched(void)
{
	struct rd r = { unit_guard(wire, 3), 3, false };
	const uint8_t *p = r.p;

	/* What does not fit moves nothing, and nothing fits after it. */
	CHECK(rd_bytes(&r, 4) == NULL);
	CHECK(r.bad && r.p == p && r.left == 3);
	CHECK_EQ(rd_u8(&r), 0);
	CHECK_EQ(rd_u16(&r), 0);
	CHECK(rd_bytes(&r, 0) == NULL);
	CHECK(rd_bytes(&r, SIZE_MAX) == NULL);
	CHECK(r.bad && r.p == p && r.left == 3);
}

static void
writing(void)
{
	static const uint8_t should[] = { 0x12, 0xab, 0xcd, 'x', 'y' };
	struct wr w;
	size_t cap;

	for (cap = 0; cap <= sizeof(should); cap++) {
		unit_row("%zu bytes of room", cap);
		w = (struct wr){ unit_guard("-----", cap), 0, cap, false };
		wr_u8(&w, 0x12);
		wr_u16(&w, 0xabcd);
		wr_bytes(&w, "xy", 2);
		CHECK_EQ(w.bad, cap < sizeof(should));
		CHECK_EQ(w.n, cap < 1 ? 0 : cap < 3 ? 1 : cap < 5 ? 3 : 5);
		CHECK_BYTES(w.p, should, w.n);
		/* Once bad, even what would fit is not written. */
		wr_bytes(&w, "", 0);
		if (w.bad) {
			wr_u8(&w, 0xff);
			CHECK(w.n == 0 || w.p[w.n - 1] != 0xff);
		}
	}
	w = (struct wr){ unit_guard("ab", 2), 2, 2, false };
	wr_bytes(&w, NULL, 0);
	CHECK(!w.bad && w.n == 2);
	wr_bytes(&w, "x", SIZE_MAX);
	CHECK(w.bad && w.n == 2);
}

/* Four and eight bytes, with every bit in its place. */
static void
long_numbers(void)
{
	static const uint8_t bytes[] = {
		0x81, 0x02, 0x03, 0xfe, 0xff, 0x80, 0x00, 0x01, 0x7f, 0xad,
		0x17, 0xc4
	};
	static const uint64_t edges[] = {
		0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff,
		0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
		UINT64_C(0x100000000), UINT64_C(0x7fffffffffffffff),
		UINT64_C(0x8000000000000000), UINT64_MAX
	};
	uint8_t space[12];
	struct rd r;
	struct wr w;
	size_t i, n;

	for (n = 0; n <= sizeof(bytes); n++) {
		unit_row("%zu bytes", n);
		r = (struct rd){ unit_guard(bytes, n), n, false };
		CHECK_EQ(rd_u32(&r), n >= 4 ? 0x810203fe : 0);
		CHECK(rd_u64(&r) ==
		    (n >= 12 ? UINT64_C(0xff8000017fad17c4) : 0));
		CHECK_EQ(r.bad, n < 12);
		CHECK_EQ(r.left, n < 4 ? n : n < 12 ? n - 4 : 0);
		w = (struct wr){ unit_guard("------------", n), 0, n, false };
		wr_u32(&w, 0x810203fe);
		wr_u64(&w, UINT64_C(0xff8000017fad17c4));
		CHECK_EQ(w.bad, n < 12);
		CHECK_EQ(w.n, n < 4 ? 0 : n < 12 ? 4 : 12);
		CHECK_BYTES(w.p, bytes, w.n);
	}
	for (i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		unit_row("edge %zu", i);
		w = (struct wr){ space, 0, sizeof(space), false };
		wr_u64(&w, edges[i]);
		wr_u32(&w, (uint32_t)edges[i]);
		r = (struct rd){ space, sizeof(space), false };
		CHECK(rd_u64(&r) == edges[i]);
		CHECK(rd_u32(&r) == (uint32_t)edges[i]);
	}
	for (i = 0; i < 64; i++) {
		unit_row("bit %zu", i);
		w = (struct wr){ space, 0, sizeof(space), false };
		wr_u64(&w, UINT64_C(1) << i);
		wr_u32(&w, UINT32_C(1) << i % 32);
		for (n = 0; n < 12; n++)
			CHECK_EQ(space[n], n < 8 ?
			    (n == 7 - i / 8 ? 1u << i % 8 : 0) :
			    n == 11 - i % 32 / 8 ? 1u << i % 8 : 0);
	}
	/* Once bad, the next one is as well, even if it would fit. */
	r = (struct rd){ unit_guard(bytes, 7), 7, false };
	CHECK(rd_u64(&r) == 0);
	CHECK_EQ(rd_u32(&r), 0);
	CHECK_EQ(rd_u8(&r), 0);
	CHECK(r.bad && r.left == 7);
	w = (struct wr){ unit_guard("-------", 7), 0, 7, false };
	wr_u64(&w, UINT64_MAX);
	wr_u32(&w, UINT32_MAX);
	CHECK(w.bad && w.n == 0);
	CHECK_BYTES(w.p, "-------", 7);
}

static void
spans(void)
{
	static const struct {
		size_t off, end;
	} rows[] = { { 0, 0 }, { 0, 8 }, { 8, 8 }, { 3, 3 },
	    { 1, 8 }, { 5, 7 } };
	uint8_t bytes[8];
	struct span s;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("%zu to %zu", rows[i].off, rows[i].end);
		memcpy(bytes, "01234567", 8);
		s = (struct span){ bytes, rows[i].off, rows[i].end, 8 };
		CHECK_EQ(span_used(&s), rows[i].end - rows[i].off);
		CHECK_EQ(span_room(&s), 8 - rows[i].end);
		span_pack(&s);
		CHECK_EQ(s.off, 0);
		CHECK_EQ(s.end, rows[i].end - rows[i].off);
		CHECK_EQ(span_room(&s), 8 - s.end);
		CHECK_BYTES(s.buf, "01234567" + rows[i].off, s.end);
	}
}

int
main(void)
{
	unit_case("buf: reads whole", reading);
	unit_case("buf: reads truncated at every byte", truncated);
	unit_case("buf: reads latch", latched);
	unit_case("buf: writes at every room", writing);
	unit_case("buf: numbers of four and eight bytes", long_numbers);
	unit_case("buf: spans", spans);
	return unit_end();
}
