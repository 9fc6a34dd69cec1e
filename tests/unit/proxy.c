/* SPDX-License-Identifier: MIT */
/* proxy.c - headers, byte by byte, and addresses that stand for others. */

#include <arpa/inet.h>

#include "proxy.h"
#include "unit.h"

enum { MANY = 4096 };

static struct net_addr
address(const char *s, unsigned port)
{
	struct net_addr a;
	struct sockaddr_in *four = (struct sockaddr_in *)&a.ss;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&a.ss;

	memset(&a, 0, sizeof(a));
	if (strcmp(s, "unix") == 0) {
		a.ss.ss_family = AF_UNIX;
		a.len = sizeof(sa_family_t);
	} else if (strchr(s, ':') == NULL) {
		four->sin_family = AF_INET;
		four->sin_port = htons((uint16_t)port);
		REQUIRE(inet_pton(AF_INET, s, &four->sin_addr) == 1);
		a.len = sizeof(*four);
	} else {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons((uint16_t)port);
		six->sin6_flowinfo = htonl(0x12345);
		six->sin6_scope_id = 7;
		REQUIRE(inet_pton(AF_INET6, s, &six->sin6_addr) == 1);
		a.len = sizeof(*six);
	}
	return a;
}

/* The header, with what it must not touch behind it still there. */
static size_t
header(unsigned version, const struct net_addr *from,
    const struct net_addr *to, uint8_t out[PROXY_MAX])
{
	size_t n, i;

	memset(out, 0xee, PROXY_MAX);
	n = proxy_header(version, from, to, out);
	REQUIRE(n <= PROXY_MAX);
	for (i = n; i < PROXY_MAX; i++)
		CHECK_EQ(out[i], 0xee);
	return n;
}

static void
text(void)
{
	static const struct {
		const char *from;
		unsigned from_port;
		const char *to;
		unsigned to_port;
		const char *line;
	} rows[] = {
		{ "192.168.0.1", 56324, "192.168.0.11", 443,
		    "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n" },
		{ "0.0.0.0", 0, "10.200.3.4", 1,
		    "PROXY TCP4 0.0.0.0 10.200.3.4 0 1\r\n" },
		{ "255.255.255.255", 65535, "255.255.255.255", 65535,
		    "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535"
		    "\r\n" },
		{ "::ffff:192.0.2.1", 80, "::ffff:192.0.2.2", 81,
		    "PROXY TCP4 192.0.2.1 192.0.2.2 80 81\r\n" },
		{ "::ffff:192.0.2.1", 80, "192.0.2.2", 81,
		    "PROXY TCP4 192.0.2.1 192.0.2.2 80 81\r\n" },
		{ "2001:db8::1", 1234, "::1", 7000,
		    "PROXY TCP6 2001:db8:0:0:0:0:0:1 0:0:0:0:0:0:0:1 1234 "
		    "7000\r\n" },
		{ "fe80::1:203", 5, "fe80::2", 6,	/* no zone */
		    "PROXY TCP6 fe80:0:0:0:0:0:1:203 fe80:0:0:0:0:0:0:2 5 6"
		    "\r\n" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535,
		    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535,
		    "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535"
		    "\r\n" },
		/* One of each: as the wider one. */
		{ "192.0.2.1", 1, "2001:db8::2", 2,
		    "PROXY TCP6 0:0:0:0:0:ffff:c000:201 "
		    "2001:db8:0:0:0:0:0:2 1 2\r\n" },
		{ "2001:db8::2", 1, "::ffff:192.0.2.1", 2,
		    "PROXY TCP6 2001:db8:0:0:0:0:0:2 "
		    "0:0:0:0:0:ffff:c000:201 1 2\r\n" },
		/* Almost mapped. */
		{ "::fffe:192.0.2.1", 1, "::1:ffff:192.0.2.1", 2,
		    "PROXY TCP6 0:0:0:0:0:fffe:c000:201 "
		    "0:0:0:0:1:ffff:c000:201 1 2\r\n" },
		{ "unix", 0, "192.0.2.1", 2, "PROXY UNKNOWN\r\n" },
		{ "2001:db8::2", 1, "unix", 0, "PROXY UNKNOWN\r\n" },
		{ "unix", 0, "unix", 0, "PROXY UNKNOWN\r\n" }
	};
	uint8_t out[PROXY_MAX];
	struct net_addr from, to;
	size_t i, n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("%s to %s", rows[i].from, rows[i].to);
		from = address(rows[i].from, rows[i].from_port);
		to = address(rows[i].to, rows[i].to_port);
		n = header(1, &from, &to, out);
		CHECK_EQ(n, strlen(rows[i].line));
		CHECK_BYTES(out, rows[i].line, n);
		CHECK(n <= 107);	/* the longest that receivers read */
	}
}

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

static void
binary(void)
{
	static const struct {
		const char *from;
		unsigned from_port;
		const char *to;
		unsigned to_port;
		size_t n;
		const char *bytes;
	} rows[] = {
		{ "192.168.0.1", 56324, "192.168.0.11", 443, 28,
		    SIGNATURE "\x21\x11\0\x0c" "\xc0\xa8\0\1" "\xc0\xa8\0\xb"
		    "\xdc\4" "\1\xbb" },
		{ "::ffff:192.168.0.1", 56324, "::ffff:192.168.0.11", 443, 28,
		    SIGNATURE "\x21\x11\0\x0c" "\xc0\xa8\0\1" "\xc0\xa8\0\xb"
		    "\xdc\4" "\1\xbb" },
		{ "2001:db8::1", 258, "2001:db8:a:b:c:d:e:f", 65535, 52,
		    SIGNATURE "\x21\x21\0\x24"
		    "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
		    "\x20\1\xd\xb8\0\xa\0\xb\0\xc\0\xd\0\xe\0\xf"
		    "\1\2" "\xff\xff" },
		{ "192.0.2.1", 1, "::1", 2, 52,
		    SIGNATURE "\x21\x21\0\x24"
		    "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1"
		    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1" "\0\1" "\0\2" },
		{ "::1", 2, "::ffff:192.0.2.1", 1, 52,
		    SIGNATURE "\x21\x21\0\x24"
		    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"
		    "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1" "\0\2" "\0\1" },
		{ "unix", 0, "192.0.2.1", 2, 16, SIGNATURE "\x21\0\0\0" },
		{ "::1", 2, "unix", 0, 16, SIGNATURE "\x21\0\0\0" }
	};
	uint8_t out[PROXY_MAX];
	struct net_addr from, to;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("%s to %s", rows[i].from, rows[i].to);
		from = address(rows[i].from, rows[i].from_port);
		to = address(rows[i].to, rows[i].to_port);
		CHECK_EQ(header(2, &from, &to, out), rows[i].n);
		CHECK_BYTES(out, rows[i].bytes, rows[i].n);
	}
}

/* Made by another program that does what proxy.h says. */
static void
sources(void)
{
	static const struct {
		const char *from, *source;
	} rows[] = {
		{ "192.0.2.1", "127.167.50.218:0" },
		{ "192.0.2.2", "127.152.39.15:0" },
		{ "10.0.0.1", "127.108.140.74:0" },
		{ "127.0.0.1", "127.45.158.6:0" },
		{ "127.9.9.9", "127.38.249.66:0" },
		{ "0.0.0.0", "127.22.82.30:0" },
		{ "255.255.255.255", "127.27.100.24:0" },
		{ "::ffff:192.0.2.1", "127.167.50.218:0" },
		{ "::1", "127.51.249.207:0" },
		{ "2001:db8::1", "127.71.118.93:0" },
		{ "2001:db8::ffff", "127.71.118.93:0" },
		{ "2001:db8:0:1::1", "127.202.87.157:0" },
		{ "fe80::1", "127.63.194.26:0" }
	};
	struct net_addr from, out;
	char name[NET_NAME_MAX];
	unsigned port;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (port = 0; port < 65536; port += 21845) {
			unit_row("%s, port %u", rows[i].from, port);
			from = address(rows[i].from, port);
			memset(&out, 0xee, sizeof(out));
			proxy_source(&from, &out);
			CHECK_EQ(out.ss.ss_family, AF_INET);
			CHECK_EQ(out.len, sizeof(struct sockaddr_in));
			net_name(&out, name);
			CHECK_STR(name, rows[i].source);
		}
	}
}

static int
by_value(const void *a, const void *b)
{
	uint32_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

/* Addresses side by side, as a provider or a network has them, are told
 * apart as well as chance does; and all are in range. */
static void
spread(void)
{
	static const uint32_t steps[] = { 1, 254, 256, 65536, 66049, 1048576 };
	static uint32_t seen[MANY];
	struct net_addr from = address("10.0.0.0", 0), out;
	struct sockaddr_in *sin = (struct sockaddr_in *)&from.ss;
	bool octet[256];
	size_t i, k, twice, firsts;
	uint32_t a;

	for (k = 0; k < sizeof(steps) / sizeof(steps[0]); k++) {
		unit_row("steps of %lu", (unsigned long)steps[k]);
		memset(octet, 0, sizeof(octet));
		for (i = 0; i < MANY; i++) {
			sin->sin_addr.s_addr = htonl(0x0a000000 +
			    (uint32_t)i * steps[k]);
			proxy_source(&from, &out);
			a = ntohl(((struct sockaddr_in *)
			    &out.ss)->sin_addr.s_addr);
			CHECK_EQ(a >> 24, 127);
			CHECK((a >> 16 & 255) >= 1);
			CHECK((a & 255) >= 1 && (a & 255) <= 254);
			octet[a >> 16 & 255] = true;
			seen[i] = a;
		}
		qsort(seen, MANY, sizeof(seen[0]), by_value);
		for (twice = 0, i = 1; i < MANY; i++)
			twice += seen[i] == seen[i - 1];
		for (firsts = 0, i = 0; i < 256; i++)
			firsts += octet[i];
		/* Of 8 million pairs half a one is expected. */
		CHECK(twice <= 4);
		CHECK(firsts > 240);
	}
}

int
main(void)
{
	unit_case("proxy: version 1", text);
	unit_case("proxy: version 2", binary);
	unit_case("proxy: addresses for clients", sources);
	unit_case("proxy: clients are told apart", spread);
	return unit_end();
}
