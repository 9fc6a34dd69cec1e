/* SPDX-License-Identifier: MIT */
/* ctl.c - messages there and back, whole, cut at each byte, with each byte
 * changed, and with texts at the edge; modes and keepalives. */

#include "ctl.h"
#include "unit.h"

static uint8_t out[RECORD_CONTROL_MAX];
static const char target[] = "db.example:5432";

enum { MAX = RECORD_CONTROL_MAX };

/* One of each kind; how long its text may be, -1: it has none; how many bytes
 * there are without it; its bytes, which the specification says. */
static const struct row {
	struct ctl c;
	int max;
	size_t fixed;
	const char *head;
} rows[] = {
	{ { .kind = CTL_HELLO, .instance = "0123456789abcdef",
	    .end = CTL_STDIO, .protocol = CTL_TCP }, CTL_TARGET_MAX, 19,
	    "\1" "0123456789abcdef" "\1\1" },
	{ { .kind = CTL_HELLO, .instance = "0123456789abcdef",
	    .end = CTL_SERVICE, .protocol = CTL_UDP }, CTL_TARGET_MAX, 19,
	    "\1" "0123456789abcdef" "\3\2" },
	{ { .kind = CTL_WELCOME, .mode = CTL_PIPE }, -1, 4, "\2\1\0\0" },
	{ { .kind = CTL_WELCOME, .mode = CTL_SERVER_ASKS, .port = 0x0304 },
	    -1, 4, "\2\3\3\4" },
	{ { .kind = CTL_REFUSED, .reason = CTL_BUSY }, CTL_SENTENCE_MAX, 2,
	    "\3\1" },
	{ { .kind = CTL_ASK, .number = UINT64_C(0x0102030405060709) }, -1, 9,
	    "\4\1\2\3\4\5\6\7\11" },
	{ { .kind = CTL_CANCEL, .number = UINT64_C(0xffeeddccbbaa9988),
	    .reason = CTL_TIMEOUT }, CTL_SENTENCE_MAX, 10,
	    "\5\xff\xee\xdd\xcc\xbb\xaa\x99\x88\11" },
	{ { .kind = CTL_BYE, .reason = CTL_REPLACED }, CTL_SENTENCE_MAX, 2,
	    "\6\6" }
};
enum { NROWS = sizeof(rows) / sizeof(rows[0]) };

static struct ctl
with_text(const struct row *r, const char *text)
{
	struct ctl c = r->c;

	(void)snprintf(c.text, sizeof(c.text), "%s", r->max >= 0 ? text : "");
	return c;
}

static bool
same(const struct ctl *a, const struct ctl *b)
{
	return a->kind == b->kind && a->end == b->end &&
	    a->protocol == b->protocol && a->mode == b->mode &&
	    a->reason == b->reason && a->number == b->number &&
	    memcmp(a->instance, b->instance, CTL_INSTANCE) == 0 &&
	    strcmp(a->text, b->text) == 0;
}

static void
there_and_back(void)
{
	struct ctl c, is;
	size_t i, n;
	int k;

	for (i = 0; i < NROWS; i++) {
		for (k = 0; k < 2; k++) {
			unit_row("row %zu, %s", i, k ? "text" : "no text");
			c = with_text(&rows[i], k ? target : "");
			n = ctl_put(&c, out);
			CHECK_EQ(n, rows[i].fixed + strlen(c.text));
			CHECK_BYTES(out, rows[i].head, rows[i].fixed);
			CHECK_BYTES(out + rows[i].fixed, c.text,
			    strlen(c.text));
			memset(&is, 0xa5, sizeof(is));
			CHECK(ctl_get(&is, unit_guard(out, n), n));
			CHECK(same(&is, &c));
		}
	}
}

/* Cut at each byte: the fixed part must be whole, of a text any part is one;
 * and what has no text has nothing behind it. */
static void
truncated(void)
{
	struct ctl c, is;
	size_t i, n, k;

	for (i = 0; i < NROWS; i++) {
		c = with_text(&rows[i], target);
		n = ctl_put(&c, out);
		for (k = 0; k <= n; k++) {
			unit_row("row %zu, %zu bytes", i, k);
			CHECK_EQ(ctl_get(&is, unit_guard(out, k), k),
			    k >= rows[i].fixed);
			if (k >= rows[i].fixed) {
				CHECK_EQ(strlen(is.text), k - rows[i].fixed);
				CHECK_BYTES(is.text, c.text,
				    k - rows[i].fixed);
			}
		}
		out[n] = 'x';
		unit_row("row %zu, a byte more", i);
		CHECK_EQ(ctl_get(&is, unit_guard(out, n + 1), n + 1),
		    rows[i].max >= 0);
	}
	CHECK(!ctl_get(&is, NULL, 0));
}

/* Where only some values have a meaning, no other is taken. */
static void
values(void)
{
	/* Offset, first good value, last good value. */
	static const struct { int at[3][3]; } good[NROWS] = {
		{ { { 0, 1, 1 }, { 17, 1, 3 }, { 18, 1, 2 } } },
		{ { { 0, 1, 1 }, { 17, 1, 3 }, { 18, 1, 2 } } },
		{ { { 1, 1, 3 }, { 1, 1, 3 }, { 1, 1, 3 } } },
		{ { { 1, 1, 3 }, { 1, 1, 3 }, { 1, 1, 3 } } },
		{ { { 1, 1, 10 }, { 1, 1, 10 }, { 1, 1, 10 } } },
		{ { { 1, 0, 255 }, { 5, 0, 255 }, { 8, 0, 255 } } },
		{ { { 9, 1, 10 }, { 1, 0, 255 }, { 8, 0, 255 } } },
		{ { { 1, 1, 10 }, { 1, 1, 10 }, { 1, 1, 10 } } }
	};
	struct ctl c, is;
	const int *g;
	size_t i, n;
	int k, v;

	for (i = 0; i < NROWS; i++) {
		c = with_text(&rows[i], "x");
		for (k = 0; k < 3; k++) {
			g = good[i].at[k];
			for (v = 0; v < 256; v++) {
				unit_row("row %zu, byte %d is %d", i, g[0],
				    v);
				n = ctl_put(&c, out);
				out[g[0]] = (uint8_t)v;
				/* Another kind may be one by chance. */
				if (g[0] == 0 && v >= 1 && v <= 6 && v != 1)
					continue;
				CHECK_EQ(ctl_get(&is, unit_guard(out, n), n),
				    v >= g[1] && v <= g[2]);
			}
		}
	}
	for (v = 0; v < 256; v++) {
		unit_row("kind %d alone", v);
		out[0] = (uint8_t)v;
		CHECK(!ctl_get(&is, unit_guard(out, 1), 1));
	}
	/* A kind that is none, at every length. */
	memset(out, 0, sizeof(out));
	for (v = 7; v < 256; v += 31) {
		out[0] = (uint8_t)v;
		for (n = 0; n <= MAX; n += 13) {
			unit_row("kind %d, %zu bytes", v, n);
			CHECK(!ctl_get(&is, unit_guard(out, n), n));
		}
	}
}

/* Texts as long as they may be, and longer; with a NUL anywhere. */
static void
texts(void)
{
	struct ctl c, is;
	size_t i, n, max;

	for (i = 0; i < NROWS; i++) {
		if (rows[i].max < 0)
			continue;
		max = (size_t)rows[i].max;
		c = with_text(&rows[i], "");
		memset(c.text, 'x', max);
		n = ctl_put(&c, out);
		unit_row("row %zu", i);
		CHECK_EQ(n, rows[i].fixed + max);
		CHECK(n <= MAX);
		CHECK(ctl_get(&is, unit_guard(out, n), n));
		CHECK_EQ(strlen(is.text), max);
		CHECK(same(&is, &c));
		/* One that we have is cut, one that comes is refused. */
		if (max < CTL_TARGET_MAX) {
			memset(c.text, 'x', CTL_TARGET_MAX);
			CHECK_EQ(ctl_put(&c, out), rows[i].fixed + max);
		}
		memset(out + n, 'x', MAX - n);
		for (n++; n <= MAX; n++) {
			unit_row("row %zu, %zu bytes", i, n);
			CHECK(!ctl_get(&is, unit_guard(out, n), n));
		}
		for (n = 0; n < max; n++) {
			unit_row("row %zu, a NUL at %zu", i, n);
			out[rows[i].fixed + n] = '\0';
			CHECK(!ctl_get(&is, out, rows[i].fixed + max));
			CHECK(!ctl_get(&is, out, rows[i].fixed + n + 1));
			CHECK(ctl_get(&is, out, rows[i].fixed + n));
			out[rows[i].fixed + n] = 'x';
		}
	}
}

/* A stream's first records: the same, without a kind. */
static void
openings(void)
{
	struct ctl c, is;
	size_t n, k;
	int v, refused;
	bool ok;

	memset(&c, 0, sizeof(c));
	for (refused = 0; refused < 2; refused++) {
		for (v = 0; v < 256; v++) {
			unit_row("%s %d", refused ? "REFUSED" : "OPEN", v);
			c.protocol = (enum ctl_protocol)v;
			c.reason = (enum ctl_reason)v;
			(void)snprintf(c.text, sizeof(c.text), "%s", target);
			n = refused ? ctl_refused_put(&c, out) :
			    ctl_open_put(&c, out);
			CHECK_EQ(n, 1 + sizeof(target) - 1);
			CHECK_EQ(out[0], v);
			CHECK_BYTES(out + 1, target, n - 1);
			ok = v >= 1 && v <= (refused ? CTL_DISMISSED : 2);
			for (k = 0; k <= n; k++) {
				CHECK_EQ(refused ? ctl_refused_get(&is,
				    unit_guard(out, k), k) : ctl_open_get(&is,
				    unit_guard(out, k), k), ok && k >= 1);
				if (!ok || k == 0)
					continue;
				CHECK_EQ(refused ? (int)is.reason :
				    (int)is.protocol, v);
				CHECK_EQ(strlen(is.text), k - 1);
			}
		}
		/* At most as long as the record may be. */
		c.protocol = CTL_TCP;
		c.reason = CTL_BUSY;
		memset(c.text, 'y', CTL_TARGET_MAX);
		c.text[CTL_TARGET_MAX] = '\0';
		memset(out, 'y', sizeof(out));
		n = refused ? ctl_refused_put(&c, out) :
		    ctl_open_put(&c, out);
		CHECK_EQ(n, refused ? (int)RECORD_REFUSED_MAX :
		    (int)RECORD_OPEN_MAX);
		for (k = n - 2; k < n + 3; k++) {
			unit_row("%zu bytes", k);
			CHECK_EQ(refused ? ctl_refused_get(&is, unit_guard(out,
			    k), k) : ctl_open_get(&is, unit_guard(out, k), k),
			    k <= n);
		}
		out[5] = '\0';
		CHECK(!(refused ? ctl_refused_get(&is, out, 9) :
		    ctl_open_get(&is, out, 9)));
	}
}

/* 10.5's table. */
static void
modes(void)
{
	static const struct {
		enum ctl_end client, server;
		int mode;
	} table[] = {
		{ CTL_STDIO, CTL_STDIO, 1 }, { CTL_STDIO, CTL_SERVICE, 1 },
		{ CTL_STDIO, CTL_LISTENS, 3 }, { CTL_LISTENS, CTL_STDIO, 2 },
		{ CTL_LISTENS, CTL_SERVICE, 2 },
		{ CTL_LISTENS, CTL_LISTENS, 0 },
		{ CTL_SERVICE, CTL_STDIO, 1 },
		{ CTL_SERVICE, CTL_SERVICE, 0 },
		{ CTL_SERVICE, CTL_LISTENS, 3 }
	};
	size_t i;

	CHECK_EQ(sizeof(table) / sizeof(table[0]), 9);
	for (i = 0; i < 9; i++) {
		unit_row("client %d, server %d", table[i].client,
		    table[i].server);
		CHECK_EQ(ctl_mode(table[i].client, table[i].server),
		    table[i].mode);
	}
}

/* Each reason has words of its own, which fit into a line. */
static void
reasons(void)
{
	int i, k;

	for (i = CTL_BUSY; i <= CTL_DISMISSED; i++) {
		unit_row("reason %d", i);
		CHECK(strlen(ctl_reason_text((enum ctl_reason)i)) > 3);
		CHECK(strlen(ctl_reason_text((enum ctl_reason)i)) < 60);
		for (k = CTL_BUSY; k < i; k++)
			CHECK(strcmp(ctl_reason_text((enum ctl_reason)i),
			    ctl_reason_text((enum ctl_reason)k)) != 0);
	}
}

static void
keepalives(void)
{
	static const uint32_t edges[] = {
		0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x01020304
	};
	uint8_t bytes[RECORD_KEEPALIVE_LEN];
	struct ctl_keepalive k, is;
	size_t i, j;

	for (i = 0; i < 6; i++) {
		for (j = 0; j < 6; j++) {
			k.stamp = edges[i];
			k.echo = edges[j];
			ctl_keepalive_put(&k, bytes);
			ctl_keepalive_get(&is, unit_guard(bytes,
			    sizeof(bytes)));
			CHECK_EQ(is.stamp, edges[i]);
			CHECK_EQ(is.echo, edges[j]);
		}
	}
	k.stamp = 0x01020304;
	k.echo = 0xfffefdfc;
	ctl_keepalive_put(&k, bytes);
	CHECK_BYTES(bytes, "\1\2\3\4\xff\xfe\xfd\xfc", 8);
}

int
main(void)
{
	unit_case("ctl: there and back", there_and_back);
	unit_case("ctl: cut at each byte", truncated);
	unit_case("ctl: unknown values", values);
	unit_case("ctl: texts", texts);
	unit_case("ctl: OPEN and REFUSED", openings);
	unit_case("ctl: modes", modes);
	unit_case("ctl: reasons", reasons);
	unit_case("ctl: keepalives", keepalives);
	return unit_end();
}
