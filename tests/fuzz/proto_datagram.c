/* SPDX-License-Identifier: MIT */
/* proto_datagram.c - frames from the peer, in portions.
 *
 * Input: one byte that says how the rest is cut, then what a peer sends. */

#include "../../buf.c"
#include "../../proto.c"
#include "fuzz.h"

/* What came out of a stream. */
struct result {
	enum proto_verdict verdict;
	size_t datagrams, left;
	uint32_t digest;
};

static void
take(struct result *r, const uint8_t *p, size_t n)
{
	uint8_t frame[PROTO_FRAME_MAX];
	struct span s = { frame, 0, 0, sizeof(frame) };
	size_t i;

	MUST(n <= PROTO_DATAGRAM_MAX);
	r->datagrams++;
	r->digest = r->digest * 31 + (uint32_t)n;
	for (i = 0; i < n; i++)
		r->digest = (r->digest ^ p[i]) * 16777619u;
	/* Written again it is what was read. */
	MUST(proto_datagram_put(&s, p, n) == 0);
	MUST(s.end == PROTO_LEN_SIZE + n);
	MUST(memcmp(frame, p - PROTO_LEN_SIZE, s.end) == 0);
}

/* What PROTOCOL.md says of the n bytes at p. */
static enum proto_verdict
should_be(const uint8_t *p, size_t n)
{
	size_t len;

	if (n < 2)
		return PROTO_MORE;
	if ((len = (size_t)p[0] << 8 | p[1]) > 65507)
		return PROTO_BAD;
	return n < 2 + len ? PROTO_MORE : PROTO_DONE;
}

/* The loop of conn.c: a buffer that just holds a frame, filled by portions of
 * at most step bytes. */
static struct result
receive(const uint8_t *data, size_t n, size_t step)
{
	struct span in = { malloc(PROTO_FRAME_MAX), 0, 0, PROTO_FRAME_MAX };
	struct result r = { PROTO_MORE, 0, 0, 2166136261u };
	const uint8_t *p;
	size_t k, len, off;

	MUST(in.buf != NULL);
	for (;;) {
		off = in.off;
		r.verdict = proto_datagram_get(&in, &p, &len);
		MUST(r.verdict == should_be(in.buf + off, in.end - off));
		MUST(in.off <= in.end && in.end <= in.cap);
		MUST(r.verdict == PROTO_DONE || in.off == off);
		if (r.verdict == PROTO_DONE) {
			MUST(p == in.buf + off + 2 && in.off == off + 2 + len);
			take(&r, p, len);
			continue;
		}
		if (r.verdict == PROTO_BAD || n == 0)
			break;
		span_pack(&in);
		k = span_room(&in);
		MUST(k > 0);		/* or it would wait for ever */
		if (k > step)
			k = step;
		if (k > n)
			k = n;
		memcpy(in.buf + in.end, data, k);
		in.end += k;
		data += k;
		n -= k;
	}
	/* Behind a bad length it does not matter how much has come. */
	r.left = r.verdict == PROTO_BAD ? 0 : span_used(&in);
	free(in.buf);
	return r;
}

static void
same(const struct result *a, const struct result *b)
{
	MUST(a->verdict == b->verdict);
	MUST(a->datagrams == b->datagrams);
	MUST(a->left == b->left);
	MUST(a->digest == b->digest);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct result whole, cut;

	if (size < 1)
		return 0;
	whole = receive(data + 1, size - 1, SIZE_MAX);
	cut = receive(data + 1, size - 1, data[0] + 1u);
	same(&whole, &cut);
	cut = receive(data + 1, size - 1, 1);
	same(&whole, &cut);
	return 0;
}
