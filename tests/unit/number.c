/* SPDX-License-Identifier: MIT */
/* number.c - each number once, and none from before the window; against a
 * model that remembers every number there was. */

#include "number.h"
#include "unit.h"

enum { MODEL_MAX = 40000 };

/* What the rule says, in its own words. */
struct model {
	uint64_t used[MODEL_MAX], highest;
	size_t n;
};

static bool
model_free(const struct model *m, uint64_t n)
{
	size_t i;

	if (n == 0 || n % 2 != 0)
		return false;
	/* The 4096 even numbers up to the highest one seen. */
	if (n <= m->highest && m->highest - n >= 2 * UINT64_C(4096))
		return false;
	for (i = m->n; i-- > 0;) {
		if (m->used[i] == n)
			return false;
	}
	return true;
}

static void
model_use(struct model *m, uint64_t n)
{
	REQUIRE(m->n < MODEL_MAX);
	m->used[m->n++] = n;
	if (n > m->highest)
		m->highest = n;
}

static uint64_t state = 88172645463325252u;

static uint64_t
draw(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void
first(void)
{
	static const uint64_t never[] = {
		0, 1, 3, 5, 8191, 8193, UINT64_MAX, UINT64_MAX - 2
	};
	struct numbers s;
	uint64_t n;
	size_t i;

	memset(&s, 0, sizeof(s));
	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		CHECK(!number_free(&s, never[i]));
	for (n = 2; n < 40000; n += 2)
		CHECK(number_free(&s, n));
	CHECK(number_free(&s, UINT64_MAX - 1));
	/* In order, as a client does. */
	for (n = 2; n < 40000; n += 2) {
		unit_row("number %llu", (unsigned long long)n);
		CHECK(number_free(&s, n));
		number_use(&s, n);
		CHECK(!number_free(&s, n));
		CHECK(!number_free(&s, n - 1));
		CHECK(!number_free(&s, n + 1));
		CHECK(number_free(&s, n + 2));
		if (n > 2)
			CHECK(!number_free(&s, n - 2));
	}
}

/* A jump by each distance around the window's, with some behind us: what was
 * used before stays used, what was not is free if it is not too old. */
static void
jumps(void)
{
	static const uint64_t far[] = {
		1, 2, 63, 64, 65, 127, 128, 2047, 4094, 4095, 4096, 4097,
		4159, 4160, 8191, 8192, 8193, 100000,
		UINT64_C(0x3fffffffffffff00)
	};
	static const uint64_t behind[] = { 0, 2, 6, 128, 130, 4000, 8188 };
	static const uint64_t bases[] = { 2, 8190, 100000 };
	struct numbers s;
	uint64_t base, n, top, oldest;
	size_t i, k, j;
	bool used;

	for (k = 0; k < 3; k++) {
		for (i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
			base = bases[k];
			memset(&s, 0, sizeof(s));
			for (j = 7; j-- > 0;) {
				if (behind[j] < base)
					number_use(&s, base - behind[j]);
			}
			top = base + 2 * far[i];
			unit_row("from %llu by %llu", (unsigned long long)base,
			    (unsigned long long)far[i]);
			CHECK(number_free(&s, top));
			number_use(&s, top);
			oldest = top > 8190 ? top - 8190 : 2;
			n = oldest > 100 ? oldest - 100 : 2;
			for (; n <= top + 100; n += 2) {
				used = n == top;
				for (j = 0; j < 7; j++)
					used |= behind[j] < base &&
					    n == base - behind[j];
				unit_row("from %llu by %llu: %llu",
				    (unsigned long long)base,
				    (unsigned long long)far[i],
				    (unsigned long long)n);
				CHECK_EQ(number_free(&s, n), !used &&
				    n >= oldest);
			}
		}
	}
	/* At the very end nothing is left but what is late. */
	memset(&s, 0, sizeof(s));
	number_use(&s, UINT64_MAX - 1);
	CHECK(!number_free(&s, UINT64_MAX - 1));
	CHECK(!number_free(&s, UINT64_MAX));
	CHECK(!number_free(&s, 0));
	CHECK(!number_free(&s, 2));
	CHECK(number_free(&s, UINT64_MAX - 3));
	number_use(&s, UINT64_MAX - 3);
	CHECK(!number_free(&s, UINT64_MAX - 3));
}

/* The whole window, filled backwards: each once. */
static void
backwards(void)
{
	struct numbers s;
	uint64_t n, top = 20000;

	memset(&s, 0, sizeof(s));
	for (n = top; n > top - 2 * UINT64_C(4096); n -= 2) {
		unit_row("number %llu", (unsigned long long)n);
		CHECK(number_free(&s, n));
		number_use(&s, n);
		CHECK(!number_free(&s, n));
	}
	CHECK(!number_free(&s, n));		/* too old */
	for (n = 0; n <= top; n++)
		CHECK(!number_free(&s, n));
	for (n = top + 2; n < top + 10000; n += 2)
		CHECK(number_free(&s, n));
}

/* Random numbers near the highest one, and now and then far from it. */
static void
against_model(void)
{
	static struct model m;
	struct numbers s;
	uint64_t n, r;
	unsigned taken = 0, i, run;
	bool ok;

	for (run = 0; run < 6; run++) {
		memset(&s, 0, sizeof(s));
		memset(&m, 0, sizeof(m));
		if (run == 5) {		/* at the end of all numbers */
			m.highest = s.highest = UINT64_MAX - 30001;
			m.used[m.n++] = m.highest;
			number_use(&s, m.highest);
		}
		for (i = 0; i < 6000; i++) {
			r = draw();
			switch (r % 16) {
			case 0:
				n = draw() % 20000;
				break;
			case 1:
				n = m.highest + draw() % 40000;
				break;
			case 2:
				n = m.n > 0 ? m.used[draw() % m.n] : 0;
				break;
			case 3:
				n = m.highest - 8192 + draw() % 16 - 8;
				break;
			default:
				n = m.highest + 60 - draw() % (run % 2 == 0 ?
				    400 : 9000);
				break;
			}
			if (r % 5 != 0)
				n &= ~UINT64_C(1);
			unit_row("run %u, step %u: %llu after %llu", run, i,
			    (unsigned long long)n,
			    (unsigned long long)m.highest);
			ok = model_free(&m, n);
			CHECK_EQ(number_free(&s, n), ok);
			if (!ok || r % 7 == 0)
				continue;
			number_use(&s, n);
			model_use(&m, n);
			taken++;
			CHECK(s.highest == m.highest);
			CHECK(!number_free(&s, n));
		}
	}
	CHECK(taken > 5000);
}

int
main(void)
{
	unit_case("number: in order", first);
	unit_case("number: jumps", jumps);
	unit_case("number: backwards", backwards);
	unit_case("number: against a model", against_model);
	return unit_end();
}
