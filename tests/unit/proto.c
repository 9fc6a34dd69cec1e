/* SPDX-License-Identifier: MIT */
/* proto.c - the vectors of PROTOCOL.md: whole, bytewise, truncated at every
 * byte, and against the edge of a page; and what we write read back. */

#include "proto.h"
#include "unit.h"

enum {
	ROW_MAX = 16 * 1024,
	BYTES_MAX = ROW_MAX / 2
};

/* One line of a vector file. */
struct vector {
	char line[ROW_MAX];
	const char *verdict, *result;	/* fields of line */
	uint8_t in[BYTES_MAX];		/* what the peer sends */
	size_t n;
};

/* Call fn for each vector of a file that must have some. */
static void
each(const char *file, void (*fn)(const struct vector *))
{
	static struct vector v;
	FILE *f = fopen(file, "r");
	char *field[4];
	int n = 0;

	REQUIRE(f != NULL);
	for (; unit_read_row(f, v.line, sizeof(v.line), field, 4); n++) {
		v.n = unit_hex(field[1], v.in, sizeof(v.in));
		v.verdict = field[2];
		v.result = field[3];
		fn(&v);
	}
	(void)fclose(f);
	CHECK(n > 10);
}

/* Feed at most `step` bytes a time, each portion against the edge, until
 * there is a verdict or the input ends.  Returns how many bytes it took. */
static size_t
hello(struct proto_hello *h, const uint8_t *p, size_t n, size_t step,
    enum proto_verdict *v)
{
	size_t off = 0, k;

	memset(h, 0, sizeof(*h));
	*v = PROTO_MORE;
	while (*v == PROTO_MORE && off < n) {
		k = proto_hello_want(h);
		CHECK(k > 0);
		if (k > step)
			k = step;
		if (k > n - off)
			k = n - off;
		*v = proto_hello_feed(h, unit_guard(p + off, k), k);
		off += k;
	}
	if (*v != PROTO_MORE)
		CHECK_EQ(proto_hello_want(h), 0);
	return off;
}

static void
plain_vector(const struct vector *v)
{
	static const size_t steps[] = { 1, 2, 3, 7, SIZE_MAX };
	struct proto_hello h;
	struct token t;
	enum proto_verdict is, should;
	size_t i, n, end = 0;

	should = strcmp(v->verdict, "ok") == 0 ? PROTO_DONE :
	    strcmp(v->verdict, "refuse") == 0 ? PROTO_REFUSE :
	    strcmp(v->verdict, "silent") == 0 ? PROTO_BAD : PROTO_MORE;
	CHECK(should != PROTO_MORE || strcmp(v->verdict, "more") == 0);
	memset(&t, 0, sizeof(t));
	t.len = unit_hex(v->result, t.bytes, sizeof(t.bytes));
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		end = hello(&h, v->in, v->n, steps[i], &is);
		CHECK_EQ(is, should);
		if (is != PROTO_DONE)
			continue;
		CHECK_EQ(h.token.len, t.len);
		CHECK_BYTES(h.token.bytes, t.bytes, TOKEN_MAX);
		/* What lies behind the hello is data, and was not touched. */
		CHECK_EQ(end, PROTO_LEN_SIZE + t.len);
	}
	/* The verdict stands from the first byte that allows it. */
	for (n = 0; n < end; n++) {
		(void)hello(&h, v->in, n, SIZE_MAX, &is);
		CHECK_EQ(is, PROTO_MORE);
	}
	if (should != PROTO_MORE && should != PROTO_DONE)
		CHECK_EQ(end, PROTO_LEN_SIZE);
}

static void
plain(void)
{
	each("tests/vectors/plain.txt", plain_vector);
}

/* Every first two bytes there are. */
static void
lengths(void)
{
	struct proto_hello h;
	enum proto_verdict v;
	unsigned len;
	uint8_t b[2];

	for (len = 0; len <= 0xffff; len++) {
		unit_row("%u", len);
		b[0] = (uint8_t)(len >> 8);
		b[1] = (uint8_t)(len & 0xff);
		(void)hello(&h, b, 2, 2, &v);
		CHECK_EQ(v, len == PROTO_SEALED ? PROTO_REFUSE :
		    len < 1 || len > TOKEN_MAX ? PROTO_BAD : PROTO_MORE);
		if (v == PROTO_MORE)
			CHECK_EQ(proto_hello_want(&h), len);
	}
}

/* The other side's reader takes what ours writes, at every length. */
static void
written(void)
{
	uint8_t out[PROTO_HELLO_MAX];
	struct proto_hello h;
	enum proto_verdict v;
	struct token t;
	size_t n;

	for (n = 1; n <= TOKEN_MAX; n++) {
		unit_row("%zu bytes", n);
		memset(&t, 0, sizeof(t));
		unit_fill(t.bytes, n, (unsigned)n);
		t.len = n;
		CHECK_EQ(proto_hello_put(&t, out), PROTO_LEN_SIZE + n);
		CHECK_EQ(hello(&h, out, n + 2, SIZE_MAX, &v), n + 2);
		CHECK_EQ(v, PROTO_DONE);
		CHECK(secret_equal(&t, &h.token));
	}
}

static void
answers(void)
{
	int c;

	for (c = 0; c < 256; c++) {
		unit_row("%d", c);
		CHECK_EQ(proto_answer((uint8_t)c), c == 1 ? PROTO_DONE :
		    c == 0 ? PROTO_REFUSE : PROTO_BAD);
	}
}

/* Take all frames out of what comes in portions of `step`.  The bytes stand
 * against the edge, so that looking too far crashes.  Checks each datagram
 * with the list; returns the verdict that the vector files name. */
static const char *
frames(const uint8_t *p, size_t n, size_t step, const char *list)
{
	static uint8_t want[BYTES_MAX];
	char item[ROW_MAX];
	enum proto_verdict v = PROTO_MORE;
	struct span in = { unit_guard(p, n), 0, 0, n };
	const uint8_t *d;
	size_t len, k;

	while (v == PROTO_MORE || v == PROTO_DONE) {
		v = proto_datagram_get(&in, &d, &len);
		if (v == PROTO_DONE && list != NULL) {
			k = strcspn(list, ",");
			(void)snprintf(item, sizeof(item), "%.*s", (int)k,
			    list);
			list += list[k] == ',' ? k + 1 : k;
			CHECK(item[0] != '\0' && strcmp(item, "-") != 0);
			k = unit_hex(item, want, sizeof(want));
			CHECK_EQ(len, k);
			if (len == k)
				CHECK_BYTES(d, want, k);
		}
		if (v != PROTO_MORE)
			continue;
		if (in.end == n)
			break;
		in.end = n - in.end > step ? in.end + step : n;
	}
	if (list != NULL)
		CHECK(list[0] == '\0' || strcmp(list, "-") == 0);
	if (v == PROTO_MORE)
		return span_used(&in) > 0 ? "more" : "ok";
	return v == PROTO_BAD ? "bad" : "?";
}

static void
datagram_vector(const struct vector *v)
{
	static const size_t steps[] = { 1, 2, 3, 5, SIZE_MAX };
	const char *cut;
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		CHECK_STR(frames(v->in, v->n, steps[i], v->result), v->verdict);
	/* Cut anywhere it is never worse than the whole, nor than in bits. */
	for (i = 0; i < v->n; i++) {
		cut = frames(v->in, i, SIZE_MAX, NULL);
		CHECK_STR(frames(v->in, i, 1, NULL), cut);
		CHECK(strcmp(cut, "bad") != 0 ||
		    strcmp(v->verdict, "bad") == 0);
	}
}

static void
datagrams(void)
{
	each("tests/vectors/datagram.txt", datagram_vector);
}

/* What is put comes out, at every length that matters, where it just fits
 * and where it just does not. */
static void
round_trip(void)
{
	static const size_t lens[] = {
		0, 1, 2, 255, 256, 257, 1472, 65506, PROTO_DATAGRAM_MAX
	};
	static uint8_t buf[PROTO_FRAME_MAX + 3], data[PROTO_DATAGRAM_MAX + 1];
	const uint8_t *d;
	struct span s;
	size_t i, n, len;

	unit_fill(data, sizeof(data), 3);
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		n = lens[i];
		unit_row("%zu bytes", n);
		s = (struct span){ buf, 3, 3, 3 + n + 1 };
		CHECK_EQ(proto_datagram_put(&s, data, n), -1);
		CHECK_EQ(s.end, 3);
		s.cap++;
		CHECK_EQ(proto_datagram_put(&s, unit_guard(data, n), n), 0);
		CHECK_EQ(s.end, s.cap);
		CHECK_EQ(proto_datagram_get(&s, &d, &len), PROTO_DONE);
		CHECK_EQ(len, n);
		CHECK_BYTES(d, data, n);
		CHECK_EQ(span_used(&s), 0);
		CHECK_EQ(proto_datagram_get(&s, &d, &len), PROTO_MORE);
	}
	s = (struct span){ buf, 0, 0, sizeof(buf) };
	CHECK_EQ(proto_datagram_put(&s, data, PROTO_DATAGRAM_MAX + 1), -1);
	CHECK_EQ(proto_datagram_put(&s, data, SIZE_MAX), -1);
	CHECK_EQ(s.end, 0);
}

int
main(void)
{
	unit_case("proto: plain vectors", plain);
	unit_case("proto: every length", lengths);
	unit_case("proto: a hello written and read", written);
	unit_case("proto: answers", answers);
	unit_case("proto: datagram vectors", datagrams);
	unit_case("proto: datagrams written and read", round_trip);
	return unit_end();
}
