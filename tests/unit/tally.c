/* SPDX-License-Identifier: MIT */
/* tally.c - counts for each source, and for no other one. */

#include <arpa/inet.h>

#include "tally.h"
#include "unit.h"

enum { MAX = 3, THREADS = 4, ROUNDS = 5000 };

static struct tally tally;

static struct net_addr
at(const char *host, uint16_t port)
{
	struct sockaddr_in *four;
	struct sockaddr_in6 *six;
	struct net_addr a;

	memset(&a, 0, sizeof(a));
	four = (struct sockaddr_in *)&a.ss;
	six = (struct sockaddr_in6 *)&a.ss;
	if (strchr(host, ':') != NULL) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(port);
		REQUIRE(inet_pton(AF_INET6, host, &six->sin6_addr) == 1);
		a.len = sizeof(*six);
	} else {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		REQUIRE(inet_pton(AF_INET, host, &four->sin_addr) == 1);
		a.len = sizeof(*four);
	}
	return a;
}

/* Whoever is of one source shares its limit; others have their own. */
static void
sources(void)
{
	static const struct {
		const char *one, *other;
		bool same;
	} table[] = {
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "::ffff:192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "2001:db8::1", "2001:db8::ffff", true },
		{ "2001:db8::1", "2001:db8:0:1::1", false },
		{ "127.0.0.1", "::1", false }
	};
	struct tally_entry e[MAX], more;
	struct net_addr one, other;
	size_t i;
	int k;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		unit_row("%s and %s", table[i].one, table[i].other);
		tally_init(&tally, MAX);
		other = at(table[i].other, 99);
		for (k = 0; k < MAX; k++) {
			one = at(table[i].one, (uint16_t)(1000 + k));
			CHECK(tally_enter(&tally, &e[k], &one));
		}
		CHECK(!tally_enter(&tally, &more, &one));
		CHECK_EQ(tally_enter(&tally, &more, &other), !table[i].same);
		if (!table[i].same)
			tally_leave(&tally, &more);
		/* One that was refused is not counted. */
		tally_leave(&tally, &e[1]);
		CHECK(tally_enter(&tally, &e[1], &one));
		CHECK(!tally_enter(&tally, &more, &one));
		for (k = 0; k < MAX; k++)
			tally_leave(&tally, &e[k]);
		for (k = 0; k < TALLY_BUCKETS; k++)
			CHECK(tally.bucket[k] == NULL);
	}
}

static atomic_int inside, refused;

static void *
come_and_go(void *arg)
{
	struct net_addr from = at("192.0.2.7", 1);
	struct tally_entry e;
	int i;

	(void)arg;
	for (i = 0; i < ROUNDS; i++) {
		if (!tally_enter(&tally, &e, &from)) {
			(void)atomic_fetch_add(&refused, 1);
			continue;
		}
		if (atomic_fetch_add(&inside, 1) >= MAX)
			(void)atomic_fetch_add(&inside, 1000);
		(void)atomic_fetch_sub(&inside, 1);
		tally_leave(&tally, &e);
	}
	return NULL;
}

static void
threads(void)
{
	struct net_addr from = at("192.0.2.7", 1);
	struct tally_entry e[MAX];
	pthread_t t[THREADS];
	int i;

	tally_init(&tally, MAX);
	for (i = 0; i < THREADS; i++)
		REQUIRE(pthread_create(&t[i], NULL, come_and_go, NULL) == 0);
	for (i = 0; i < THREADS; i++)
		REQUIRE(pthread_join(t[i], NULL) == 0);
	CHECK_EQ(atomic_load(&inside), 0);
	for (i = 0; i < MAX; i++)
		CHECK(tally_enter(&tally, &e[i], &from));
}

int
main(void)
{
	unit_case("tally: a limit for each source", sources);
	unit_case("tally: many threads of one source", threads);
	return unit_end();
}
