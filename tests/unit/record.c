/* SPDX-License-Identifier: MIT */
/* record.c - the whole table of 10.3: every type at every length, in every
 * state of every use, in both directions; what is sent as well as taken.
 *
 * What may pass is written down here once more, in another form: a letter for
 * each type, a word of letters for each state. */

#include "record.h"
#include "unit.h"

enum { SPACE = CRYPT_RECORD_MAX + 64 };

/* A letter is a type; the first of them is type 1, DATA. */
static const char types[] = "DGCEdKAOoR";

static uint8_t space[SPACE], body[CRYPT_BODY_MAX];

/* How a half comes into a state: the records that pass, one letter each; '!'
 * makes a pipe of a link.  Then the types that may follow. */
static const struct state {
	enum record_use use;
	int side;		/* 1: the dialler's half, 0: the acceptor's,
				 * 2: both alike */
	const char *way, *may;
} states[] = {
	{ RECORD_LINK, 2, "", "C" },
	{ RECORD_LINK, 2, "C", "CK" },
	{ RECORD_LINK, 2, "CC", "CK" },
	{ RECORD_LINK, 2, "CK", "CK" },
	{ RECORD_LINK, 2, "!", "C" },
	{ RECORD_LINK, 2, "C!", "DCEdK" },
	{ RECORD_LINK, 2, "C!D", "DCEdK" },
	{ RECORD_LINK, 2, "C!CK", "DCEdK" },
	{ RECORD_LINK, 2, "C!E", "CdK" },
	{ RECORD_LINK, 2, "C!DE", "CdK" },
	{ RECORD_LINK, 2, "C!ECK", "CdK" },
	{ RECORD_LINK, 2, "C!d", "DCEK" },
	{ RECORD_LINK, 2, "C!DdD", "DCEK" },
	{ RECORD_LINK, 2, "C!Ed", "" },
	{ RECORD_LINK, 2, "C!dE", "" },
	{ RECORD_LINK, 2, "C!DDdKE", "" },
	{ RECORD_STREAM, 1, "", "O" },
	{ RECORD_STREAM, 1, "O", "DE" },
	{ RECORD_STREAM, 1, "OD", "DE" },
	{ RECORD_STREAM, 1, "OE", "" },
	{ RECORD_STREAM, 1, "ODDE", "" },
	{ RECORD_STREAM, 0, "", "oR" },
	{ RECORD_STREAM, 0, "o", "DE" },
	{ RECORD_STREAM, 0, "oD", "DE" },
	{ RECORD_STREAM, 0, "oE", "" },
	{ RECORD_STREAM, 0, "R", "" },
	{ RECORD_FLOW, 1, "", "O" },
	{ RECORD_FLOW, 1, "O", "GE" },
	{ RECORD_FLOW, 1, "OG", "GE" },
	{ RECORD_FLOW, 1, "OGE", "" },
	{ RECORD_FLOW, 0, "", "oR" },
	{ RECORD_FLOW, 0, "o", "GE" },
	{ RECORD_FLOW, 0, "oG", "GE" },
	{ RECORD_FLOW, 0, "oE", "" },
	{ RECORD_FLOW, 0, "R", "" }
};
enum { NSTATES = sizeof(states) / sizeof(states[0]) };

/* How long each type may be. */
static const struct { size_t min, max; } range[] = {
	{ 1, 16384 }, { 0, 65507 }, { 1, 1024 }, { 0, 0 }, { 0, 0 },
	{ 8, 8 }, { 1, 0 }, { 1, 512 }, { 0, 0 }, { 1, 256 }
};
static const size_t lens[] = {
	0, 1, 2, 7, 8, 9, 255, 256, 257, 511, 512, 513, 1023, 1024, 1025,
	16383, 16384, 16385, 65506, 65507
};
enum { NLENS = sizeof(lens) / sizeof(lens[0]) };

static enum record_type
type_of(char letter)
{
	const char *at = strchr(types, letter);

	REQUIRE(letter != '\0' && at != NULL);
	return (enum record_type)(at - types + 1);
}

static bool
may(const char *word, unsigned type, size_t n)
{
	return type >= 1 && type < sizeof(types) &&
	    strchr(word, types[type - 1]) != NULL &&
	    n >= range[type - 1].min && n <= range[type - 1].max;
}

static struct span
empty(void)
{
	return (struct span){ space, 0, 0, sizeof(space) };
}

/* Both ends of a direction. */
struct pair {
	struct record_half sends, takes;
};

static void
begin(struct pair *p, enum record_use use, bool dialler)
{
	uint8_t keys[CRYPT_KEYS];

	unit_fill(keys, sizeof(keys), 5);
	record_init(&p->sends, use, dialler, BEAR_CHACHA20_POLY1305, keys);
	record_init(&p->takes, use, dialler, BEAR_CHACHA20_POLY1305, keys);
}

/* What is in the span is one record, and this. */
static void
expect(struct record_half *h, struct span *s, enum record_type type, size_t n)
{
	enum record_type t = 0;
	uint8_t *b = NULL;
	size_t len = SIZE_MAX;

	CHECK_EQ(record_get(h, s, &t, &b, &len), CRYPT_RECORD);
	CHECK_EQ(t, type);
	CHECK_EQ(len, n);
	if (b != NULL && len == n)
		CHECK_BYTES(b, body, n);
	CHECK_EQ(span_used(s), 0);
}

static void
walk(struct pair *p, const struct state *st, bool dialler)
{
	enum record_type type;
	struct span s;
	const char *c;
	size_t n;

	begin(p, st->use, dialler);
	for (c = st->way; *c != '\0'; c++) {
		if (*c == '!') {
			record_become_pipe(&p->sends);
			record_become_pipe(&p->takes);
			continue;
		}
		type = type_of(*c);
		n = range[type - 1].min;
		s = empty();
		REQUIRE(record_put(&p->sends, type, body, n, &s) == 0);
		expect(&p->takes, &s, type, n);
	}
}

/* Is this half the same as that one, but for its keys and counts? */
static bool
same_state(const struct record_half *a, const struct record_half *b)
{
	return a->use == b->use && a->first == b->first &&
	    a->dialler == b->dialler && a->ended == b->ended &&
	    a->done == b->done && a->closed == b->closed;
}

/* Whoever has the keys may send whatever it likes: what do we take? */
static void
table_for(const struct state *st, bool dialler)
{
	static const unsigned odd[] = { 0, 11, 12, 0x42, 0x80, 0xfe, 0xff };
	struct record_half takes;
	enum crypt_verdict should;
	enum record_type t;
	struct crypt crypt;
	unsigned i, type;
	struct span s;
	struct pair p;
	uint8_t *b;
	size_t k, n;

	walk(&p, st, dialler);
	for (i = 0; i < 10 + sizeof(odd) / sizeof(odd[0]); i++) {
		type = i < 10 ? i + 1 : odd[i - 10];
		for (k = 0; k < NLENS; k++) {
			unit_row("use %d, %s, after \"%s\": type %u, %zu "
			    "bytes", st->use, dialler ? "dialler" :
			    "acceptor", st->way, type, lens[k]);
			crypt = p.sends.crypt;
			takes = p.takes;
			s = empty();
			REQUIRE(crypt_seal(&crypt, (uint8_t)type, body,
			    lens[k], &s) == 0);
			should = may(st->may, type, lens[k]) ? CRYPT_RECORD :
			    CRYPT_BAD;
			CHECK_EQ(record_get(&takes, &s, &t, &b, &n), should);
			if (should == CRYPT_BAD)
				CHECK(same_state(&takes, &p.takes));
			else
				CHECK(t == type && n == lens[k]);
		}
	}
}

static void
table(void)
{
	int i, side;

	unit_fill(body, sizeof(body), 9);
	for (i = 0; i < NSTATES; i++) {
		for (side = 0; side < 2; side++) {
			if (states[i].side == 2 || states[i].side == side)
				table_for(&states[i], side == 1);
		}
	}
}

/* Does record_put() die of this?  What is not allowed is our own mistake. */
static bool
dies(const struct pair *p, enum record_type type, size_t n)
{
	struct record_half h = p->sends;
	struct span s = empty();
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		(void)close(STDERR_FILENO);	/* assert() speaks there */
		_exit(record_put(&h, type, body, n, &s) == 0 ? 0 : 1);
	}
	REQUIRE(pid != -1 && waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status))
		CHECK_EQ(WEXITSTATUS(status), 0);
	else
		CHECK_EQ(WTERMSIG(status), SIGABRT);
	return !WIFEXITED(status);
}

/* The same table for what we send, at the lengths that decide: a process for
 * each, so only with the acceptor's and the dialler's half in turn. */
static void
sending(void)
{
	bool dialler;
	size_t n[2];
	unsigned type;
	struct pair p;
	int i, k;

	for (i = 0; i < NSTATES; i++) {
		dialler = states[i].side == 2 ? i % 2 == 0 :
		    states[i].side == 1;
		walk(&p, &states[i], dialler);
		for (type = 1; type < sizeof(types); type++) {
			n[0] = range[type - 1].min;
			n[1] = range[type - 1].max + 1;
			for (k = 0; k < 2; k++) {
				if (k == 1 && (type == RECORD_DATAGRAM ||
				    i % 3 != 0))
					continue;
				unit_row("use %d, after \"%s\": type %u, %zu "
				    "bytes", states[i].use, states[i].way,
				    type, n[k]);
				CHECK_EQ(dies(&p, (enum record_type)type,
				    n[k]), !may(states[i].may, type, n[k]));
			}
		}
	}
}

/* A record that does not fit changes nothing: END can be said again. */
static void
no_room(void)
{
	static const char way[] = "C!DEd";
	struct record_half before;
	struct span s;
	struct pair p;
	size_t cap, n, i;

	begin(&p, RECORD_LINK, true);
	for (i = 0; way[i] != '\0'; i++) {
		if (way[i] == '!') {
			record_become_pipe(&p.sends);
			record_become_pipe(&p.takes);
			continue;
		}
		n = range[type_of(way[i]) - 1].min;
		for (cap = 0; cap < CRYPT_OVERHEAD + n; cap++) {
			unit_row("letter %zu in %zu bytes", i, cap);
			before = p.sends;
			s = (struct span){ unit_guard(space, cap), 0, 0,
			    cap };
			CHECK_EQ(record_put(&p.sends, type_of(way[i]), body,
			    n, &s), -1);
			CHECK_EQ(s.end, 0);
			CHECK(memcmp(&before, &p.sends, sizeof(before)) == 0);
		}
		s = (struct span){ unit_guard(space, cap), 0, 0, cap };
		CHECK_EQ(record_put(&p.sends, type_of(way[i]), body, n, &s),
		    0);
		expect(&p.takes, &s, type_of(way[i]), n);
	}
	CHECK(p.takes.ended && p.takes.done);
}

/* All records of a conversation, whole and byte by byte, and cut off at each
 * byte: a part of a record is none. */
static void
bytewise(void)
{
	static const char way[] = "CKDCDEKCd";
	enum record_type t;
	uint8_t wire[1024], *b;
	size_t len = 0, n, i, k = 0;
	struct span s;
	struct pair p;

	unit_fill(body, sizeof(body), 3);
	begin(&p, RECORD_LINK, false);
	for (i = 0; way[i] != '\0'; i++) {
		s = empty();
		n = range[type_of(way[i]) - 1].min;
		REQUIRE(record_put(&p.sends, type_of(way[i]), body, n, &s) ==
		    0);
		memcpy(wire + len, space, s.end);
		len += s.end;
		if (i == 0)
			record_become_pipe(&p.sends);
	}
	record_become_pipe(&p.takes);
	s = (struct span){ space, 0, 0, sizeof(space) };
	for (i = 0; i < len; i++) {
		unit_row("byte %zu", i);
		/* Not one byte more can be looked at. */
		s.buf = unit_guard(wire, i + 1);
		s.end = s.cap = i + 1;
		/* What was opened in place is sealed again in this copy. */
		switch (record_get(&p.takes, &s, &t, &b, &n)) {
		case CRYPT_RECORD:
			CHECK_EQ(t, type_of(way[k]));
			k++;
			CHECK_EQ(s.off, i + 1);
			break;
		case CRYPT_MORE:
			CHECK(s.off < i + 1);
			break;
		case CRYPT_BAD:
			CHECK(false);
			break;
		}
	}
	CHECK_EQ(k, sizeof(way) - 1);
}

/* What is announced with a length that no record has is bad at once. */
static void
lengths(void)
{
	enum record_type t;
	uint8_t head[2], *b;
	unsigned len;
	struct span s;
	struct pair p;
	size_t n;

	for (len = 0; len <= 0xffff; len += len < 40 || len > 65500 ? 1 :
	    97) {
		unit_row("%u bytes", len);
		begin(&p, RECORD_STREAM, true);
		head[0] = (uint8_t)(len >> 8);
		head[1] = (uint8_t)(len & 0xff);
		s = (struct span){ unit_guard(head, 2), 0, 2, 2 };
		CHECK_EQ(record_get(&p.takes, &s, &t, &b, &n),
		    len >= 17 && len <= 65524 ? CRYPT_MORE : CRYPT_BAD);
	}
}

/* The other direction's records, or another use's first one, do not pass. */
static void
crossed(void)
{
	static const enum record_use uses[] = {
		RECORD_LINK, RECORD_STREAM, RECORD_FLOW
	};
	enum record_type t, type;
	struct pair from, to;
	struct span s;
	uint8_t *b;
	size_t n;
	int i, k, a, c;

	for (i = 0; i < 12; i++) {
		for (k = 0; k < 12; k++) {
			a = i % 6 / 2;
			c = k % 6 / 2;
			begin(&from, uses[a], i % 2 == 0);
			begin(&to, uses[c], k % 2 == 0);
			type = a == 0 ? RECORD_CONTROL : i % 2 == 0 ?
			    RECORD_OPEN : i < 6 ? RECORD_OPENED :
			    RECORD_REFUSED;
			unit_row("a first record %d to a half %d", i, k);
			s = empty();
			REQUIRE(record_put(&from.sends, type, body,
			    range[type - 1].min, &s) == 0);
			/* UDP's and TCP's first records are the same. */
			CHECK_EQ(record_get(&to.takes, &s, &t, &b, &n),
			    (a == 0) == (c == 0) && (a == 0 || i % 2 ==
			    k % 2) ? CRYPT_RECORD : CRYPT_BAD);
		}
	}
}

int
main(void)
{
	unit_case("record: what is taken, in every state", table);
	unit_case("record: what is sent, in every state", sending);
	unit_case("record: no room", no_room);
	unit_case("record: byte by byte", bytewise);
	unit_case("record: every length", lengths);
	unit_case("record: first records that went astray", crossed);
	return unit_end();
}
