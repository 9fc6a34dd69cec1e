/* SPDX-License-Identifier: MIT */
/* gate.c - who may wait, and who must go for whom. */

#include <arpa/inet.h>

#include "gate.h"
#include "unit.h"

static struct gate gate;

static struct net_addr
address(const char *s, unsigned port)
{
	struct net_addr a;
	struct sockaddr_in *four = (struct sockaddr_in *)&a.ss;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&a.ss;

	memset(&a, 0, sizeof(a));
	if (inet_pton(AF_INET, s, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons((uint16_t)port);
		a.len = sizeof(*four);
	} else {
		REQUIRE(inet_pton(AF_INET6, s, &six->sin6_addr) == 1);
		six->sin6_family = AF_INET6;
		six->sin6_port = htons((uint16_t)port);
		a.len = sizeof(*six);
	}
	return a;
}

/* Somebody at the door: ours[0] is at the gate, the peer's end is fd[1]. */
struct visitor {
	int fd[2];
	uint64_t ticket;
};

static struct visitor
visit(const char *from)
{
	static unsigned port;
	struct net_addr a = address(from, ++port);
	struct visitor v;

	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, v.fd) == 0);
	v.ticket = gate_enter(&gate, v.fd[0], &a);
	CHECK(v.ticket != 0);
	return v;
}

/* Has it been told to go?  (Its socket reads as ended.) */
static bool
evicted(const struct visitor *v)
{
	char byte;

	return recv(v->fd[0], &byte, 1, MSG_DONTWAIT) == 0;
}

static void
leave(struct visitor *v)
{
	/* It is told whether it had to go, once. */
	CHECK_EQ(gate_leave(&gate, v->ticket), !evicted(v));
	CHECK(!gate_leave(&gate, v->ticket));
	(void)close(v->fd[0]);
	(void)close(v->fd[1]);
}

/* As if all had been waiting for longer than a honest client would. */
static void
grow_old(void)
{
	unsigned i;

	for (i = 0; i < gate.max; i++)
		gate.slot[i].since -= GATE_GRACE_MS;
}

/* How many slots are taken, and do all know their mates? */
static unsigned
taken(void)
{
	unsigned i, j, n = 0, mates;

	for (i = 0; i < gate.max; i++) {
		if (gate.slot[i].ticket == 0)
			continue;
		n++;
		mates = 0;
		for (j = 0; j < gate.max; j++)
			mates += gate.slot[j].ticket != 0 &&
			    memcmp(gate.slot[i].source, gate.slot[j].source,
			    16) == 0;
		CHECK_EQ(gate.slot[i].mates, mates);
	}
	return n;
}

static void
per_source(void)
{
	struct visitor v[GATE_PER_SOURCE + 1], other;
	int i;

	gate_init(&gate, GATE_MAX);
	other = visit("192.0.2.2");
	for (i = 0; i < GATE_PER_SOURCE; i++) {
		v[i] = visit("192.0.2.1");
		CHECK(!evicted(&v[0]));
	}
	CHECK_EQ(taken(), GATE_PER_SOURCE + 1);
	CHECK_EQ(gate_count(&gate), taken());
	/* One more of the same: the oldest of them goes, nobody else. */
	grow_old();
	v[i] = visit("192.0.2.1");
	CHECK(evicted(&v[0]));
	CHECK(!evicted(&other));
	for (i = 1; i <= GATE_PER_SOURCE; i++)
		CHECK(!evicted(&v[i]));
	CHECK_EQ(taken(), GATE_PER_SOURCE + 1);
	/* Whoever was evicted leaves, and later again: no slot is lost. */
	for (i = 0; i <= GATE_PER_SOURCE; i++)
		leave(&v[i]);
	CHECK_EQ(taken(), 1);
	leave(&other);
	CHECK(gate_leave(&gate, 0));		/* was never in */
	CHECK_EQ(taken(), 0);
	CHECK_EQ(gate_count(&gate), 0);
}

/* A burst of a source's connections has a moment to show its tokens. */
static void
grace(void)
{
	enum { MANY = 3 * GATE_PER_SOURCE };
	struct visitor v[MANY + 1];
	int i;

	gate_init(&gate, GATE_MAX);
	for (i = 0; i < MANY; i++)
		v[i] = visit("192.0.2.1");
	CHECK_EQ(taken(), MANY);
	for (i = 0; i < MANY; i++)
		CHECK(!evicted(&v[i]));
	grow_old();
	v[MANY] = visit("192.0.2.1");
	CHECK_EQ(taken(), GATE_PER_SOURCE);
	for (i = 0; i <= MANY; i++)
		CHECK_EQ(evicted(&v[i]), i <= MANY - GATE_PER_SOURCE);
	for (i = 0; i <= MANY; i++)
		leave(&v[i]);
	CHECK_EQ(taken(), 0);
}

static void
full(void)
{
	static const char *const from[] = {
		"192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.3",
		"192.0.2.3", "192.0.2.4"
	};
	struct visitor v[6], more;
	int i;

	gate_init(&gate, 6);
	for (i = 0; i < 6; i++)
		v[i] = visit(from[i]);
	/* Two sources have two: the oldest of those goes. */
	more = visit("192.0.2.5");
	for (i = 0; i < 6; i++)
		CHECK_EQ(evicted(&v[i]), i == 1);
	CHECK_EQ(taken(), 6);
	leave(&more);
	more = visit("192.0.2.6");		/* room again */
	for (i = 0; i < 6; i++)
		CHECK_EQ(evicted(&v[i]), i == 1);
	leave(&v[5]);
	v[5] = visit("192.0.2.2");
	/* Of .2 and of .3 there are two, and a .2 has waited longest. */
	leave(&v[1]);
	v[1] = visit("192.0.2.7");
	for (i = 0; i < 6; i++)
		CHECK_EQ(evicted(&v[i]), i == 2);
	CHECK_EQ(taken(), 6);
}

/* A source of its own, even when full, makes room among its own. */
static void
full_of_one(void)
{
	struct visitor v[3], more;

	gate_init(&gate, 3);
	v[0] = visit("192.0.2.1");
	v[1] = visit("192.0.2.2");
	v[2] = visit("192.0.2.2");
	more = visit("192.0.2.2");
	CHECK(!evicted(&v[0]));
	CHECK(evicted(&v[1]));
	CHECK(!evicted(&v[2]) && !evicted(&more));
	CHECK_EQ(taken(), 3);
	gate_init(&gate, 1);
	v[0] = visit("192.0.2.1");
	v[1] = visit("192.0.2.1");
	v[2] = visit("2001:db8::1");
	CHECK(evicted(&v[0]) && evicted(&v[1]) && !evicted(&v[2]));
	CHECK_EQ(taken(), 1);
}

static void
sources(void)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "192.0.2.1", "::ffff:192.0.2.1", true },
		{ "::ffff:192.0.2.2", "::ffff:192.0.2.1", false },
		{ "2001:db8::1", "2001:db8::2", true },
		{ "2001:db8::1", "2001:db8:0:0:ffff::1", true },
		{ "2001:db8::1", "2001:db8:0:1::1", false },
		{ "::1", "192.0.2.1", false }
	};
	struct visitor a, b;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("%s %s", rows[i].a, rows[i].b);
		gate_init(&gate, 8);
		a = visit(rows[i].a);
		b = visit(rows[i].b);
		CHECK_EQ(taken(), 2);
		CHECK(gate_may_delay(&gate, a.ticket));
		CHECK_EQ(gate_may_delay(&gate, b.ticket), !rows[i].same);
		/* Asked again: its answer is being delayed already. */
		CHECK(!gate_may_delay(&gate, a.ticket));
		leave(&a);
		CHECK_EQ(gate_may_delay(&gate, b.ticket), rows[i].same);
		leave(&b);
		CHECK(!gate_may_delay(&gate, b.ticket));
	}
}

static void *
crowd(void *arg)
{
	const char *from = arg;
	struct net_addr a = address(from, 1);
	uint64_t ticket;
	int i, fd[2];

	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	for (i = 0; i < 2000; i++) {
		ticket = gate_enter(&gate, fd[0], &a);
		(void)gate_may_delay(&gate, ticket);
		(void)gate_leave(&gate, ticket);
	}
	(void)close(fd[0]);
	(void)close(fd[1]);
	return NULL;
}

static void
crowded(void)
{
	static char from[4][16] = {
		"192.0.2.1", "192.0.2.1", "192.0.2.2", "::1"
	};
	pthread_t t[4];
	int i;

	gate_init(&gate, 2);
	for (i = 0; i < 4; i++)
		REQUIRE(pthread_create(&t[i], NULL, crowd, from[i]) == 0);
	for (i = 0; i < 4; i++)
		(void)pthread_join(t[i], NULL);
	CHECK_EQ(taken(), 0);
}

int
main(void)
{
	unit_case("gate: a source has its share", per_source);
	unit_case("gate: a burst has a moment", grace);
	unit_case("gate: full, of many sources", full);
	unit_case("gate: full, of one's own", full_of_one);
	unit_case("gate: what one source is", sources);
	unit_case("gate: threads", crowded);
	return unit_end();
}
