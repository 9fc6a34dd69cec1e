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
	unit_case("buf: spans", spans);
	return unit_end();
}
