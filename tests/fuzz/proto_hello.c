/* SPDX-License-Identifier: MIT */
/* proto_hello.c - the first bytes from a stranger, in portions.
 *
 * Input: one byte that says how the rest is cut, then what a peer sends. */

#include "../../buf.c"
#include "../../proto.c"
#include "fuzz.h"

/* Feed portions of 1..step bytes (step 0: as much as is wanted) until there
 * is a verdict; returns it, and in *took how many bytes that was. */
static enum proto_verdict
feed(struct proto_hello *h, const uint8_t *p, size_t n, size_t step,
    size_t *took)
{
	enum proto_verdict v = PROTO_MORE;
	size_t k, off = 0;
	uint8_t *copy;

	memset(h, 0, sizeof(*h));
	while (v == PROTO_MORE && off < n) {
		k = proto_hello_want(h);
		MUST(k > 0 && k <= TOKEN_MAX);
		if (step > 0 && k > 1 + off % step)
			k = 1 + off % step;
		if (k > n - off)
			k = n - off;
		copy = fuzz_copy(p + off, k);
		v = proto_hello_feed(h, copy, k);
		free(copy);
		off += k;
	}
	MUST(v == PROTO_MORE || proto_hello_want(h) == 0);
	*took = off;
	return v;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proto_hello whole, cut;
	uint8_t out[PROTO_HELLO_MAX];
	size_t took, again, step, i;
	enum proto_verdict v;

	if (size < 1)
		return 0;
	step = data[0] > 0 ? data[0] : 1;
	v = feed(&whole, data + 1, size - 1, 0, &took);
	MUST(v == feed(&cut, data + 1, size - 1, step, &again));
	MUST(took == again);
	MUST(memcmp(&whole.token, &cut.token, sizeof(whole.token)) == 0);
	MUST(v == feed(&cut, data + 1, size - 1, 1, &again));
	MUST(took == again);
	MUST(memcmp(&whole.token, &cut.token, sizeof(whole.token)) == 0);
	/* What is past the token is zero: secret_equal() counts on it. */
	for (i = whole.token.len; i < TOKEN_MAX; i++)
		MUST(whole.token.bytes[i] == 0);
	if (v == PROTO_DONE) {
		MUST(whole.token.len >= 1 && whole.token.len <= TOKEN_MAX);
		MUST(proto_hello_put(&whole.token, out) == took);
		MUST(memcmp(out, data + 1, took) == 0);
	} else if (v != PROTO_MORE)
		MUST(took == PROTO_LEN_SIZE);
	return 0;
}
