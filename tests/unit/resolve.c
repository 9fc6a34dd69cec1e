/* SPDX-License-Identifier: MIT */
/* resolve.c - what needs no resolver, and that one has a deadline. */

#include "resolve.h"
#include "task.h"
#include "unit.h"

static struct net_addr out[RESOLVE_MAX];
static char why[RESOLVE_WHY_MAX];

static int
resolve(const char *host, unsigned port, int ms)
{
	struct net_wait w = { task_now() + ms, -1 };
	struct hostport hp = { "", (uint16_t)port };

	(void)snprintf(hp.host, sizeof(hp.host), "%s", host);
	memset(out, 0xa5, sizeof(out));
	why[0] = '\0';
	unit_row("%s", host);
	return resolve_host(&hp, &w, out, why);
}

static void
numeric(void)
{
	static const struct {
		const char *host;
		int n;
		const char *first, *second;
	} rows[] = {
		{ "127.0.0.1", 1, "127.0.0.1:80", "" },
		{ "0.0.0.0", 1, "0.0.0.0:80", "" },
		{ "255.255.255.255", 1, "255.255.255.255:80", "" },
		{ "::", 1, "[::]:80", "" },
		{ "::1", 1, "[::1]:80", "" },
		{ "2001:DB8::0:1", 1, "[2001:db8::1]:80", "" },
		{ "::ffff:1.2.3.4", 1, "1.2.3.4:80", "" },
		{ "fe80::1%lo", 1, "[fe80::1%1]:80", "" },
		{ "fe80::1%1", 1, "[fe80::1%1]:80", "" },
		{ "localhost", 2, "127.0.0.1:80", "[::1]:80" },
		{ "LocalHost", 2, "127.0.0.1:80", "[::1]:80" }
	};
	char name[NET_NAME_MAX];
	size_t i;

	/* No task_init(): the waits would fail, and no thread may start. */
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_EQ(resolve(rows[i].host, 80, 0), rows[i].n);
		net_name(&out[0], name);
		CHECK_STR(name, rows[i].first);
		if (rows[i].n < 2)
			continue;
		net_name(&out[1], name);
		CHECK_STR(name, rows[i].second);
	}
}

/* A name that nobody has, by RFC 6761 6.4.  With or without a network there
 * is a sentence, within the deadline. */
static void
unknown(void)
{
	int64_t begin;

	REQUIRE(task_init() == 0);
	begin = task_now();
	CHECK_EQ(resolve("adit-test.invalid", 80, 500), -1);
	CHECK(errno == 0 || errno == ETIMEDOUT);
	CHECK(unit_within(task_now() - begin, 2000));
	CHECK(strstr(why, "cannot resolve adit-test.invalid: ") == why);
}

static void
stopped(void)
{
	int64_t begin;

	REQUIRE(task_init() == 0);
	task_stop();
	begin = task_now();
	CHECK_EQ(resolve("adit-test.invalid", 80, 5000), -1);
	/* A resolver in files only may have been quicker than the stop. */
	CHECK(errno == ECANCELED || errno == 0);
	CHECK(unit_within(task_now() - begin, 1000));
	(void)task_finish(0);
}

/* A name of this machine goes the long way, through the thread. */
static void
own_name(void)
{
	char host[TEXT_HOST_MAX] = "";
	int n;

	REQUIRE(task_init() == 0);
	REQUIRE(gethostname(host, sizeof(host) - 1) == 0);
	n = resolve(host, 80, 5000);
	CHECK((n >= 1 && n <= RESOLVE_MAX) || (n == -1 && why[0] != '\0'));
	CHECK_EQ(task_finish(1000), 0);
}

static void
no_descriptors(void)
{
	int n = 0;

	REQUIRE(task_init() == 0);
	while (n < 4096 && dup(0) != -1)
		n++;
	if (n == 4096)
		return;
	CHECK_EQ(resolve("adit-test.invalid", 80, 500), -1);
	CHECK_EQ(errno, EMFILE);
	CHECK(strstr(why, "Too many open files") != NULL);
}

int
main(void)
{
	unit_case("resolve: numbers and localhost", numeric);
	unit_case("resolve: an unknown name", unknown);
	unit_case("resolve: a stop", stopped);
	unit_case("resolve: this machine's name", own_name);
	unit_case("resolve: no descriptors", no_descriptors);
	return unit_end();
}
