/* SPDX-License-Identifier: MIT */
/* text.c - what people type: tables, every truncation, the edge of a page. */

#include "text.h"
#include "unit.h"

/* s with its NUL as the last byte before the page that may not be touched. */
static const char *
edge(const char *s)
{
	return (const char *)unit_guard(s, strlen(s) + 1);
}

static void
numbers(void)
{
	static const struct {
		const char *s;
		uint32_t min, max, v;
		int rc;
	} rows[] = {
		{ "0", 0, 10, 0, 0 }, { "10", 0, 10, 10, 0 },
		{ "11", 0, 10, 0, -1 }, { "0", 1, 10, 0, -1 },
		{ "1", 1, 1, 1, 0 }, { "00001", 1, 9, 1, 0 },
		{ "65535", 0, 65535, 65535, 0 },
		{ "65536", 0, 65535, 0, -1 },
		{ "4294967295", 0, UINT32_MAX, UINT32_MAX, 0 },
		{ "4294967296", 0, UINT32_MAX, 0, -1 },
		{ "18446744073709551615", 0, UINT32_MAX, 0, -1 },
		{ "18446744073709551617", 0, UINT32_MAX, 0, -1 },
		{ "99999999999999999999999999", 0, UINT32_MAX, 0, -1 },
		{ "", 0, 10, 0, -1 }, { " 1", 0, 10, 0, -1 },
		{ "1 ", 0, 10, 0, -1 }, { "+1", 0, 10, 0, -1 },
		{ "-1", 0, 10, 0, -1 }, { "0x1", 0, 10, 0, -1 },
		{ "1\n", 0, 10, 0, -1 }, { "80x", 0, 100, 0, -1 },
		{ "1.0", 0, 10, 0, -1 }, { "1e1", 0, 10, 0, -1 },
		{ "\xd9\xa1", 0, 10, 0, -1 }	/* an Arabic digit one */
	};
	uint32_t v;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("'%s'", rows[i].s);
		v = 77;
		CHECK_EQ(text_u32(edge(rows[i].s), rows[i].min, rows[i].max,
		    &v), rows[i].rc);
		CHECK_EQ(v, rows[i].rc == 0 ? rows[i].v : 77);
	}
}

static void
hosts(void)
{
	static const struct {
		const char *s, *host;	/* NULL: refused */
	} rows[] = {
		{ "a", "a" }, { "example.org", "example.org" },
		{ "192.0.2.1", "192.0.2.1" }, { "::1", "::1" },
		{ "[::1]", "::1" }, { "[2001:db8::1]", "2001:db8::1" },
		{ "fe80::1%eth0", "fe80::1%eth0" },
		{ "[fe80::1%eth0]", "fe80::1%eth0" },
		{ "a_b-c.D9", "a_b-c.D9" }, { "", NULL }, { "[]", NULL },
		{ "[", NULL }, { "]", NULL }, { "[a]", NULL },
		{ "[::1", NULL }, { "::1]", NULL }, { "[[::1]]", NULL },
		{ "a b", NULL }, { "a\n", NULL }, { "a/b", NULL },
		{ "a;b", NULL }, { "$(id)", NULL }, { "\x80", NULL },
		{ "a\x7f", NULL }, { "@file", NULL }
	};
	char host[TEXT_HOST_MAX], text[TEXT_HOST_MAX + 8];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("'%s'", rows[i].s);
		memcpy(host, "old", 4);
		CHECK_EQ(text_host(edge(rows[i].s), host),
		    rows[i].host == NULL ? -1 : 0);
		CHECK_STR(host, rows[i].host == NULL ? "old" : rows[i].host);
	}
	for (i = TEXT_HOST_MAX - 3; i < TEXT_HOST_MAX + 3; i++) {
		unit_row("%zu characters", i);
		memset(text, 'a', i);
		text[i] = '\0';
		CHECK_EQ(text_host(edge(text), host),
		    i < TEXT_HOST_MAX ? 0 : -1);
		/* The brackets do not count. */
		memset(text, ':', i);
		text[0] = '[';
		text[i - 1] = ']';
		CHECK_EQ(text_host(edge(text), host),
		    i - 2 < TEXT_HOST_MAX ? 0 : -1);
	}
}

static const struct {
	const char *s;
	uint16_t min;
	const char *dflt, *host;	/* host NULL: refused */
	uint16_t port;
	const char *name;
} places[] = {
	{ "h:1", 1, NULL, "h", 1, "h:1" },
	{ "h:65535", 1, NULL, "h", 65535, "h:65535" },
	{ "h:65536", 1, NULL, NULL, 0, NULL },
	{ "h:0", 1, NULL, NULL, 0, NULL },
	{ "h:0", 0, NULL, "h", 0, "h:0" },
	{ "h:00080", 1, NULL, "h", 80, "h:80" },
	{ "h:", 1, NULL, NULL, 0, NULL },
	{ ":80", 1, "d", NULL, 0, NULL },
	{ "h", 1, NULL, NULL, 0, NULL },
	{ "80", 1, NULL, NULL, 0, NULL },
	{ "80", 1, "d", "d", 80, "d:80" },
	{ "0", 0, "127.0.0.1", "127.0.0.1", 0, "127.0.0.1:0" },
	{ "80x", 1, "d", NULL, 0, NULL },
	{ "", 0, "d", NULL, 0, NULL },
	{ "h:80x", 1, NULL, NULL, 0, NULL },
	{ "h: 80", 1, NULL, NULL, 0, NULL },
	{ "h :80", 1, NULL, NULL, 0, NULL },
	{ "::1", 1, "d", NULL, 0, NULL },
	{ "::1:80", 1, NULL, NULL, 0, NULL },
	{ "[::1]:80", 1, NULL, "::1", 80, "[::1]:80" },
	{ "[fe80::1%1]:80", 1, NULL, "fe80::1%1", 80, "[fe80::1%1]:80" },
	{ "[::1]", 1, "d", NULL, 0, NULL },
	{ "[::1]80", 1, "d", NULL, 0, NULL },
	{ "[::1]x:80", 1, NULL, NULL, 0, NULL },
	{ "[h]:80", 1, NULL, NULL, 0, NULL },
	{ "[]:80", 1, NULL, NULL, 0, NULL },
	{ "127.0.0.1:5432", 1, NULL, "127.0.0.1", 5432, "127.0.0.1:5432" },
	{ "http://h:80", 1, NULL, NULL, 0, NULL },
	{ "h:80/", 1, NULL, NULL, 0, NULL }
};

enum { NPLACES = sizeof(places) / sizeof(places[0]) };

static void
hostports(void)
{
	char name[TEXT_HOSTPORT_MAX];
	struct hostport hp;
	int i, rc;

	for (i = 0; i < NPLACES; i++) {
		unit_row("'%s'", places[i].s);
		hp = (struct hostport){ "old", 7 };
		rc = text_hostport(edge(places[i].s), places[i].min,
		    places[i].dflt, &hp);
		CHECK_EQ(rc, places[i].host == NULL ? -1 : 0);
		if (rc == -1 || places[i].host == NULL)
			continue;
		CHECK_STR(hp.host, places[i].host);
		CHECK_EQ(hp.port, places[i].port);
		text_hostport_name(&hp, name);
		CHECK_STR(name, places[i].name);
	}
}

/* What is read from a part of a good text is either refused, or what its own
 * name says again. */
static void
truncations(void)
{
	char part[64], name[TEXT_HOSTPORT_MAX];
	struct hostport hp, again;
	size_t n;
	int i;

	for (i = 0; i < NPLACES; i++) {
		for (n = 0; n <= strlen(places[i].s); n++) {
			memcpy(part, places[i].s, n);
			part[n] = '\0';
			unit_row("'%s'", part);
			if (text_hostport(edge(part), 0, "d", &hp) == -1)
				continue;
			text_hostport_name(&hp, name);
			CHECK_EQ(text_hostport(edge(name), 0, NULL, &again), 0);
			CHECK_STR(again.host, hp.host);
			CHECK_EQ(again.port, hp.port);
		}
	}
}

static void
longest(void)
{
	char text[2 * TEXT_HOSTPORT_MAX], name[TEXT_HOSTPORT_MAX];
	struct hostport hp;
	size_t n;

	/* An IPv6 "address" as long as a host may be, by name and back. */
	for (n = 1; n < TEXT_HOST_MAX + 4; n++) {
		unit_row("host of %zu", n);
		text[0] = '[';
		memset(text + 1, ':', n);
		memcpy(text + 1 + n, "]:65535", 8);
		CHECK_EQ(text_hostport(edge(text), 1, NULL, &hp),
		    n < TEXT_HOST_MAX ? 0 : -1);
		if (n >= TEXT_HOST_MAX)
			continue;
		text_hostport_name(&hp, name);
		CHECK_STR(name, text);
	}
	memset(text, 'a', sizeof(text));
	memcpy(text + sizeof(text) - 4, ":80", 4);
	CHECK_EQ(text_hostport(edge(text), 1, NULL, &hp), -1);
}

int
main(void)
{
	unit_case("text: numbers", numbers);
	unit_case("text: hosts", hosts);
	unit_case("text: host:port", hostports);
	unit_case("text: host:port truncated at every byte", truncations);
	unit_case("text: host:port of every length", longest);
	return unit_end();
}
