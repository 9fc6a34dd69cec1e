/* SPDX-License-Identifier: MIT */
/* tell.c - what readers of mtunnel get, byte for byte, and what ours get
 * behind it. */

#include "tell.h"
#include "unit.h"

#define ID "0123456789abcdef"
#define AGAIN "fedcba9876543210"

static FILE *file;

/* Events go to a file, which takes lines of any length at once; what is for
 * people, nowhere. */
static void
catch_events(void)
{
	REQUIRE((file = tmpfile()) != NULL);
	event_open(fileno(file));
	REQUIRE(freopen("/dev/null", "w", stderr) != NULL);
}

/* All that was written, with the time replaced by T. */
static const char *
next(void)
{
	static char text[EVENT_LONG_MAX + 1];
	ssize_t n;
	char *p, *q;

	n = pread(fileno(file), text, sizeof(text) - 1, 0);
	REQUIRE(n >= 0 && ftruncate(fileno(file), 0) == 0 &&
	    lseek(fileno(file), 0, SEEK_SET) == 0);
	text[n] = '\0';
	if ((p = strstr(text, ",\"time\":")) == NULL)
		return text;
	p += 8;
	q = p + strspn(p, "0123456789.");
	*p = 'T';
	memmove(p + 1, q, strlen(q) + 1);
	return text;
}

static void
links(void)
{
	struct tell_session theirs = { .id = ID, .peer = "192.0.2.1:5000" };
	struct tell_session ours = {
		.id = ID, .peer = "192.0.2.1:7000", .own = true
	};

	catch_events();
	tell_link_up("192.0.2.1:7000", "connected");
	CHECK_STR(next(), "{\"v\":1,\"event\":\"link\",\"time\":T,"
	    "\"state\":\"up\",\"peer\":\"192.0.2.1:7000\"}\n");
	tell_session_down(NULL, "192.0.2.1:7000", "gone", UINT32_MAX, true,
	    false);
	CHECK_STR(next(), "{\"v\":1,\"event\":\"link\",\"time\":T,"
	    "\"state\":\"down\",\"peer\":\"192.0.2.1:7000\","
	    "\"reason\":\"gone\",\"lost\":true}\n");
	tell_session_up(&theirs, "client", true);
	CHECK_STR(next(), "{\"action\":\"CONNECTED\",\"session_id\":\"" ID
	    "\",\"addr\":\"192.0.2.1:5000\",\"v\":1,\"event\":\"link\","
	    "\"time\":T,\"state\":\"up\",\"peer\":\"192.0.2.1:5000\"}\n");
	theirs.peer = "192.0.2.1:5001";
	tell_session_up(&theirs, NULL, false);
	CHECK_STR(next(), "{\"v\":1,\"event\":\"link\",\"time\":T,"
	    "\"state\":\"up\",\"peer\":\"192.0.2.1:5001\","
	    "\"session_id\":\"" ID "\"}\n");
	tell_session_up(&ours, "connected", true);
	CHECK_STR(next(), "{\"action\":\"CONNECTED\",\"session_id\":\"" ID
	    "\",\"v\":1,\"event\":\"link\",\"time\":T,\"state\":\"up\","
	    "\"peer\":\"192.0.2.1:7000\"}\n");
	ours.port = 40123;
	tell_session_up(&ours, "connected", true);
	CHECK_STR(next(), "{\"action\":\"CONNECTED\",\"session_id\":\"" ID
	    "\",\"port\":40123,\"v\":1,\"event\":\"link\",\"time\":T,"
	    "\"state\":\"up\",\"peer\":\"192.0.2.1:7000\"}\n");
	tell_session_down(ID, "192.0.2.1:5000", "replaced", 3, false, false);
	CHECK_STR(next(), "{\"v\":1,\"event\":\"link\",\"time\":T,"
	    "\"state\":\"down\",\"peer\":\"192.0.2.1:5000\","
	    "\"reason\":\"replaced\",\"lost\":false,\"rtt_ms\":3,"
	    "\"session_id\":\"" ID "\"}\n");
	tell_session_down(ID, "192.0.2.1:5001", "gone", UINT32_MAX, true,
	    true);
	CHECK_STR(next(), "{\"action\":\"DISCONNECT\",\"session_id\":\"" ID
	    "\",\"v\":1,\"event\":\"link\",\"time\":T,\"state\":\"down\","
	    "\"peer\":\"192.0.2.1:5001\",\"reason\":\"gone\","
	    "\"lost\":true}\n");
}

static void
others(void)
{
	catch_events();
	tell_client_ready(ID, 40123, "127.0.0.1:40123");
	CHECK_STR(next(), "{\"action\":\"CONNECTED\",\"session_id\":\"" ID
	    "\",\"port\":40123,\"v\":1,\"event\":\"ready\",\"time\":T,"
	    "\"role\":\"client\",\"local\":\"127.0.0.1:40123\"}\n");
	tell_token("lusab-babad-gutih-hokur");
	CHECK_STR(next(), "{\"action\":\"TOKEN\",\"token\":"
	    "\"lusab-babad-gutih-hokur\",\"v\":1,\"event\":\"token\","
	    "\"time\":T}\n");
	tell_error("unknown action \"X\"");
	CHECK_STR(next(), "{\"action\":\"ERROR\",\"error\":"
	    "\"unknown action \\\"X\\\"\",\"v\":1,\"event\":\"error\","
	    "\"time\":T}\n");
}

static void
lists(void)
{
	static const struct tell_client a = {
		ID, "192.0.2.1:5000", 2, 3, 4, 5
	}, b = {
		AGAIN, "[2001:db8::1]:7", 0, UINT64_MAX, 0, UINT64_MAX
	};
	struct tell_list l;

	catch_events();
	tell_list_begin(&l);
	tell_list_next(&l);
	tell_list_send(&l);
	CHECK_STR(next(), "{\"action\":\"LIST\",\"v\":1,\"event\":\"list\","
	    "\"time\":T,\"clients\":[]}\n");
	tell_list_begin(&l);
	tell_list_id(&l, ID);
	tell_list_id(&l, AGAIN);
	tell_list_next(&l);
	tell_list_client(&l, &a);
	tell_list_client(&l, &b);
	tell_list_send(&l);
	CHECK_STR(next(), "{\"action\":\"LIST\",\"sessions\":[\"" ID "\",\""
	    AGAIN "\"],\"v\":1,\"event\":\"list\",\"time\":T,\"clients\":["
	    "{\"session_id\":\"" ID "\",\"addr\":\"192.0.2.1:5000\","
	    "\"streams\":2,\"sent\":3,\"received\":4,\"age_s\":5},"
	    "{\"session_id\":\"" AGAIN "\",\"addr\":\"[2001:db8::1]:7\","
	    "\"streams\":0,\"sent\":18446744073709551615,\"received\":0,"
	    "\"age_s\":18446744073709551615}]}\n");
}

/* How many there are of this in a text. */
static size_t
count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)) != NULL; text += strlen(what))
		n++;
	return n;
}

/* As many as a server has by default, with addresses as long as they are; and
 * as many as it may have, of which some are then only counted. */
static void
many(void)
{
	static const size_t rows[] = { 1024 + 8, 5000, 65535 };
	struct tell_client c = {
		ID, "[2001:db8:1234:5678:9abc:def0:1234:5678]:65535", 1,
		UINT64_C(99999999999), UINT64_C(99999999999), 9999999
	};
	struct tell_list l;
	const char *line;
	char more[32];
	size_t i, k, all;

	catch_events();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("%zu clients", rows[i]);
		tell_list_begin(&l);
		for (k = 0; k < rows[i]; k++)
			tell_list_id(&l, ID);
		tell_list_next(&l);
		for (k = 0; k < rows[i]; k++)
			tell_list_client(&l, &c);
		tell_list_send(&l);
		line = next();
		CHECK(strlen(line) > 0 && strlen(line) <= EVENT_LONG_MAX);
		all = count(line, "\"" ID "\"");
		k = count(line, "{\"session_id\":\"" ID "\",\"addr\":");
		if (i < 2)
			CHECK_EQ(all - k, rows[i]);
		CHECK_EQ(l.left_out, rows[i] - k);
		CHECK_EQ(k == rows[i], i == 0);
		(void)snprintf(more, sizeof(more), i == 0 ? "}]}\n" :
		    "],\"more\":%zu}\n", rows[i] - k);
		CHECK_STR(line + strlen(line) - strlen(more), more);
	}
}

int
main(void)
{
	unit_case("tell: links and sessions", links);
	unit_case("tell: token, client, error", others);
	unit_case("tell: lists", lists);
	unit_case("tell: long lists", many);
	return unit_end();
}
