/* SPDX-License-Identifier: MIT */
/* flow.c - datagrams find their flow; a full one disturbs nobody. */

#include <arpa/inet.h>

#include <sched.h>

#include "flow.h"
#include "unit.h"

static struct flow_table table;

static struct net_addr
four(const char *s, unsigned port)
{
	struct net_addr a;
	struct sockaddr_in *sin = (struct sockaddr_in *)&a.ss;

	memset(&a, 0, sizeof(a));
	sin->sin_family = AF_INET;
	sin->sin_port = htons((uint16_t)port);
	REQUIRE(inet_pton(AF_INET, s, &sin->sin_addr) == 1);
	a.len = sizeof(*sin);
	return a;
}

static struct net_addr
six(const char *s, unsigned port, uint32_t scope, uint32_t label)
{
	struct net_addr a;
	struct sockaddr_in6 *sin = (struct sockaddr_in6 *)&a.ss;

	memset(&a, 0, sizeof(a));
	sin->sin6_family = AF_INET6;
	sin->sin6_port = htons((uint16_t)port);
	sin->sin6_scope_id = scope;
	sin->sin6_flowinfo = label;
	REQUIRE(inet_pton(AF_INET6, s, &sin->sin6_addr) == 1);
	a.len = sizeof(*sin);
	return a;
}

/* The next datagram of a flow is n bytes at p; n -1: there is none. */
static bool
holds(const struct flow *f, const void *p, ssize_t n)
{
	static uint8_t got[70000];
	ssize_t is = recv(f->out_fd, got, sizeof(got), MSG_DONTWAIT);

	return is == n && (n <= 0 || memcmp(got, p, (size_t)n) == 0);
}

static void
by_source(void)
{
	const struct net_addr from[] = {
		four("127.0.0.1", 1), four("127.0.0.1", 2),
		four("127.0.0.2", 1), six("::1", 1, 0, 0), six("::1", 2, 0, 0),
		six("fe80::1", 1, 1, 0), six("fe80::1", 1, 2, 0),
		six("::ffff:127.0.0.1", 1, 0, 0)
	};
	enum { N = sizeof(from) / sizeof(from[0]) };
	struct flow f[N];
	struct net_addr labelled;
	unsigned before;
	int i, j;

	flow_table_init(&table);
	before = unit_open_fds();
	for (i = 0; i < N; i++) {
		CHECK(!flow_push(&table, &from[i], "x", 1));
		REQUIRE(flow_open(&table, &f[i], &from[i]) == 0);
		CHECK(flow_push(&table, &from[i], &i, sizeof(i)));
	}
	/* IPv6's flow label may change while a source remains the same. */
	labelled = six("::1", 1, 0, 0x12345);
	CHECK(flow_push(&table, &labelled, "label", 5));
	for (i = 0; i < N; i++) {
		unit_row("flow %d", i);
		CHECK(holds(&f[i], &i, sizeof(i)));
		if (i == 3)
			CHECK(holds(&f[i], "label", 5));
		CHECK(holds(&f[i], NULL, -1));
	}
	/* One goes, the others stay. */
	for (i = 0; i < N; i++) {
		unit_row("without flow %d", i);
		flow_close(&table, &f[i]);
		(void)close(f[i].out_fd);
		for (j = 0; j < N; j++)
			CHECK_EQ(flow_push(&table, &from[j], "y", 1), j > i);
	}
	CHECK_EQ(unit_open_fds(), before);
}

static void
whole(void)
{
	static const size_t lens[] = { 0, 1, 1472, 9000, 65506, 65507 };
	static uint8_t data[65507];
	struct net_addr from = four("127.0.0.1", 9);
	struct flow f;
	size_t i;

	flow_table_init(&table);
	REQUIRE(flow_open(&table, &f, &from) == 0);
	unit_fill(data, sizeof(data), 1);
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
		CHECK(flow_push(&table, &from, data, lens[i]));
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		unit_row("%zu bytes", lens[i]);
		CHECK(holds(&f, data, (ssize_t)lens[i]));
	}
	CHECK(holds(&f, NULL, -1));
}

/* A flow nobody takes from loses its own, at once, and no one else's. */
static void
full(void)
{
	static uint8_t data[65507];
	struct net_addr a = four("127.0.0.1", 1), b = four("127.0.0.1", 2);
	enum { TIMES = 100 };
	struct flow slow, quick;
	int64_t begin, took;
	int i, n = 0;

	flow_table_init(&table);
	REQUIRE(flow_open(&table, &slow, &a) == 0);
	REQUIRE(flow_open(&table, &quick, &b) == 0);
	begin = unit_ms();
	for (i = 0; i < TIMES; i++) {
		memcpy(data, &i, sizeof(i));
		CHECK(flow_push(&table, &a, data, i < 20 ? 65507 : 4));
		CHECK(flow_push(&table, &b, &i, sizeof(i)));
		CHECK(holds(&quick, &i, sizeof(i)));
	}
	took = unit_ms() - begin;
	/* A turn for others is all that it waits for: so long is that here. */
	begin = unit_ms();
	for (i = 0; i < TIMES; i++)
		(void)sched_yield();
	CHECK(unit_within(took, 500 + 10 * (unit_ms() - begin)));
	while (recv(slow.out_fd, data, sizeof(data), MSG_DONTWAIT) > 0)
		n++;
	CHECK(n > 2 && n < TIMES);
	/* Once taken from, it goes on. */
	CHECK(flow_push(&table, &a, "again", 5));
	CHECK(holds(&slow, "again", 5));
}

/* The owner has closed its end and not yet left: a datagram is lost. */
static void
closing(void)
{
	struct net_addr a = four("127.0.0.1", 1);
	struct flow f;

	flow_table_init(&table);
	REQUIRE(flow_open(&table, &f, &a) == 0);
	(void)close(f.out_fd);
	CHECK(flow_push(&table, &a, "x", 1));
	flow_close(&table, &f);
	CHECK(!flow_push(&table, &a, "x", 1));
}

static void
many(void)
{
	enum { N = 1000 };
	static struct flow f[N];
	struct net_addr from;
	unsigned n = 0;
	int i;

	flow_table_init(&table);
	for (i = 0; i < N; i++) {
		from = four("127.0.0.1", (unsigned)i + 1);
		if (flow_open(&table, &f[i], &from) == -1)
			break;
		CHECK(flow_push(&table, &from, &i, sizeof(i)));
		n++;
	}
	CHECK(n == N || errno == EMFILE || errno == ENFILE);
	for (i = 0; i < (int)n; i++) {
		CHECK(holds(&f[i], &i, sizeof(i)));
		flow_close(&table, &f[i]);
		(void)close(f[i].out_fd);
	}
	for (i = 0; i < FLOW_BUCKETS; i++)
		CHECK(table.bucket[i] == NULL);
}

/* The reader pushes while flows come and go. */
static atomic_bool pushing;

static void *
push_on(void *arg)
{
	struct net_addr a = four("127.0.0.1", 1), b = four("127.0.0.1", 2);
	unsigned n;

	(void)arg;
	for (n = 0; atomic_load(&pushing); n++) {
		(void)flow_push(&table, &a, "x", 1);
		(void)flow_push(&table, &b, "y", 1);
		/* The other one wants the table, too. */
		if (n % 16 == 0)
			unit_sleep(1);
	}
	return NULL;
}

static void
threads(void)
{
	struct net_addr a = four("127.0.0.1", 1), b = four("127.0.0.1", 2);
	struct flow f, g;
	pthread_t t;
	int i;

	flow_table_init(&table);
	atomic_store(&pushing, true);
	REQUIRE(pthread_create(&t, NULL, push_on, NULL) == 0);
	for (i = 0; i < 300; i++) {
		REQUIRE(flow_open(&table, &f, &a) == 0);
		REQUIRE(flow_open(&table, &g, &b) == 0);
		while (!holds(&f, "x", 1))
			(void)sched_yield();
		(void)close(f.out_fd);
		flow_close(&table, &f);
		flow_close(&table, &g);
		(void)close(g.out_fd);
	}
	atomic_store(&pushing, false);
	(void)pthread_join(t, NULL);
}

int
main(void)
{
	unit_case("flow: by source", by_source);
	unit_case("flow: datagrams stay whole", whole);
	unit_case("flow: a full one drops its own alone", full);
	unit_case("flow: a datagram for one that closes", closing);
	unit_case("flow: many", many);
	unit_case("flow: threads", threads);
	return unit_end();
}
