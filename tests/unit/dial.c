/* SPDX-License-Identifier: MIT */
/* dial.c - from a place to a socket, and the sentences when that fails. */

#include "dial.h"
#include "task.h"
#include "unit.h"

static char why[DIAL_WHY_MAX];

static struct hostport
place(const char *host, unsigned port)
{
	struct hostport hp = { "", (uint16_t)port };

	(void)snprintf(hp.host, sizeof(hp.host), "%s", host);
	why[0] = '\0';
	return hp;
}

static unsigned
port_of(const struct net_addr *a)
{
	return ntohs(((const struct sockaddr_in *)&a->ss)->sin_port);
}

/* localhost means both families: whichever listens is found. */
static void
every_address(void)
{
	static const char *const at[] = { "127.0.0.1", "::1", "localhost" };
	struct net_addr bound, peer;
	struct hostport hp;
	int i, lfd, fd;

	REQUIRE(task_init() == 0);
	for (i = 0; i < 3; i++) {
		unit_row("%s", at[i]);
		hp = place(at[i], 0);
		REQUIRE((lfd = dial_listen(&hp, SOCK_STREAM, &bound, why)) !=
		    -1);
		CHECK(port_of(&bound) != 0);
		hp = place("localhost", port_of(&bound));
		fd = dial_host(&hp, SOCK_STREAM, -1, &peer, why);
		CHECK(fd != -1);
		CHECK_EQ(port_of(&peer), port_of(&bound));
		CHECK_EQ(peer.ss.ss_family, bound.ss.ss_family);
		(void)close(fd);
		(void)close(lfd);
	}
}

/* From 127.x.y.z: to 127.0.0.0/8 alone, whatever else a name has. */
static void
from_loopback(void)
{
	static const char *const elsewhere[] = { "::1", "192.0.2.1" };
	struct net_addr from, bound, peer;
	struct sockaddr_in *sin = (struct sockaddr_in *)&from.ss;
	char name[NET_NAME_MAX];
	struct hostport hp;
	int lfd, fd, i;

	REQUIRE(task_init() == 0);
	memset(&from, 0, sizeof(from));
	from.len = sizeof(*sin);
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(0x7f090807);
	hp = place("127.0.0.1", 0);
	REQUIRE((lfd = dial_listen(&hp, SOCK_STREAM, &bound, why)) != -1);
	for (i = 0; i < 2; i++) {
		hp = place(i == 0 ? "127.0.0.1" : "localhost",
		    port_of(&bound));
		unit_row("%s", hp.host);
		fd = dial_host_from(&from, &hp, SOCK_STREAM, -1, &peer, why);
		REQUIRE(fd != -1);
		CHECK(net_same(&peer, &bound));
		CHECK_EQ(net_own(fd, &peer), 0);
		net_name(&peer, name);
		CHECK(strncmp(name, "127.9.8.7:", 10) == 0);
		(void)close(fd);
	}
	for (i = 0; i < 2; i++) {
		hp = place(elsewhere[i], port_of(&bound));
		unit_row("%s", hp.host);
		CHECK_EQ(dial_host_from(&from, &hp, SOCK_STREAM, -1, &peer,
		    why), -1);
		CHECK_EQ(errno, EADDRNOTAVAIL);
		CHECK(strstr(why, "must be in 127.0.0.0/8") != NULL);
	}
	/* What a system says that does not have that one. */
	sin->sin_addr.s_addr = htonl(0xc0000201);
	hp = place("127.0.0.1", port_of(&bound));
	CHECK_EQ(dial_host_from(&from, &hp, SOCK_STREAM, -1, &peer, why), -1);
	CHECK_EQ(errno, EADDRNOTAVAIL);
	CHECK(strstr(why, "(--source-by-client needs Linux)") != NULL);
	(void)close(lfd);
	sin->sin_addr.s_addr = htonl(0x7f090807);
	CHECK_EQ(dial_host_from(&from, &hp, SOCK_STREAM, -1, &peer, why), -1);
	CHECK_EQ(errno, ECONNREFUSED);
	CHECK(strstr(why, "needs Linux") == NULL);
}

static void
datagrams(void)
{
	struct hostport hp = place("127.0.0.1", 0);
	struct net_addr bound, peer;
	char got[4];
	int lfd, fd;

	REQUIRE(task_init() == 0);
	REQUIRE((lfd = dial_listen(&hp, SOCK_DGRAM, &bound, why)) != -1);
	hp = place("localhost", port_of(&bound));
	REQUIRE((fd = dial_host(&hp, SOCK_DGRAM, -1, &peer, why)) != -1);
	CHECK_EQ(send(fd, "x", 1, 0), 1);
	CHECK_EQ(recv(lfd, got, sizeof(got), 0), 1);
}

static void
nobody_there(void)
{
	struct hostport hp = place("127.0.0.1", 0);
	struct net_addr bound, peer;
	unsigned before;
	char should[96];
	int lfd;

	REQUIRE(task_init() == 0);
	before = unit_open_fds();
	REQUIRE((lfd = dial_listen(&hp, SOCK_STREAM, &bound, why)) != -1);
	(void)close(lfd);
	hp = place("localhost", port_of(&bound));
	CHECK_EQ(dial_host(&hp, SOCK_STREAM, -1, &peer, why), -1);
	CHECK_EQ(errno, ECONNREFUSED);
	(void)snprintf(should, sizeof(should), "cannot connect to "
	    "localhost:%u: Connection refused",
	    port_of(&bound));
	CHECK_STR(why, should);
	CHECK_EQ(unit_open_fds(), before);
}

static void
cannot_listen(void)
{
	struct hostport hp = place("127.0.0.1", 0);
	struct net_addr bound;
	unsigned before;
	int lfd;

	REQUIRE(task_init() == 0);
	REQUIRE((lfd = dial_listen(&hp, SOCK_STREAM, &bound, why)) != -1);
	before = unit_open_fds();
	hp = place("127.0.0.1", port_of(&bound));
	CHECK_EQ(dial_listen(&hp, SOCK_STREAM, &bound, why), -1);
	CHECK_EQ(errno, EADDRINUSE);
	CHECK(strstr(why, "Address already in use (another program") != NULL);
	hp = place("192.0.2.1", 0);
	CHECK_EQ(dial_listen(&hp, SOCK_STREAM, &bound, why), -1);
	CHECK_EQ(errno, EADDRNOTAVAIL);
	CHECK(strstr(why, "cannot listen on 192.0.2.1:0: ") == why);
	hp = place("2001:db8::1", 0);
	CHECK_EQ(dial_listen(&hp, SOCK_DGRAM, &bound, why), -1);
	CHECK(strstr(why, "cannot listen on [2001:db8::1]:0: ") == why);
	CHECK_EQ(unit_open_fds(), before);
}

/* The longest host still makes a whole sentence. */
static void
long_name(void)
{
	char host[TEXT_HOST_MAX];
	struct hostport hp;
	struct net_addr peer;

	REQUIRE(task_init() == 0);
	memset(host, 'a', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	hp = place(host, 1);
	CHECK_EQ(dial_host(&hp, SOCK_STREAM, -1, &peer, why), -1);
	CHECK(strstr(why, "aaa: ") != NULL);
	CHECK_EQ(task_finish(1000), 0);
}

static void
stopped(void)
{
	struct hostport hp = place("127.0.0.1", 0);
	struct net_addr bound, peer;
	unsigned before;
	int lfd, n;

	REQUIRE(task_init() == 0);
	REQUIRE((lfd = dial_listen(&hp, SOCK_STREAM, &bound, why)) != -1);
	before = unit_open_fds();
	task_stop();
	hp = place("127.0.0.1", port_of(&bound));
	/* Loopback may connect before anybody looks; then that is fine. */
	n = dial_host(&hp, SOCK_STREAM, -1, &peer, why);
	CHECK(n != -1 || errno == ECANCELED);
	if (n != -1)
		(void)close(n);
	CHECK_EQ(unit_open_fds(), before);
}

int
main(void)
{
	unit_case("dial: every address of localhost", every_address);
	unit_case("dial: from 127.x.y.z", from_loopback);
	unit_case("dial: datagrams", datagrams);
	unit_case("dial: nobody there", nobody_there);
	unit_case("dial: cannot listen", cannot_listen);
	unit_case("dial: a name that is too long", long_name);
	unit_case("dial: a stop", stopped);
	return unit_end();
}
