/* SPDX-License-Identifier: MIT */
/* json.c - texts that are JSON and texts that are not, whole and cut at each
 * byte; members, and what they are decoded to. */

#include "json.h"
#include "unit.h"

/* Good ones.  Each of their beginnings is none, but for those of numbers, and
 * those that only lack white space. */
static const char *const good[] = {
	"{}", "[]", " \t\r\n{ } ", "0", "-0", "10", "-1.5e+10", "1E9", "1e-9",
	"0.0", "true", "false", "null", "\"\"", "\"a\"", "[1,2]", "[[],{}]",
	"{\"a\":1}", "{\"a\":1,\"b\":[true,{\"c\":null}],\"\":\"\"}",
	"{\"a\":1,\"a\":2}", "[ 1 , 2 ]", "{ \"a\" : 1 , \"b\" : 2 }",
	"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\uABcd\"",
	"\"\\ud83d\\ude00\"", "\"\\uDBFF\\uDFFF\"", "\"\x7f\"",
	"\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"
	"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"",
	"[[[[[[[[]]]]]]]]", "{\"a\":[{\"a\":[{\"a\":[{\"a\":[1]}]}]}]}",
	"\"]}\"", "[\"[\",\"{\"]"
};

/* Others, and the first byte that cannot be there. */
static const struct {
	const char *text;
	size_t at;
} bad[] = {
	{ "", 0 }, { "  ", 2 }, { "{", 1 }, { "[", 1 }, { "}", 0 }, { "]", 0 },
	{ "{]", 1 }, { "[}", 1 }, { "{}}", 2 }, { "{} {}", 3 }, { "1 2", 2 },
	{ "[1,]", 3 }, { "[,1]", 1 }, { "[1 2]", 3 }, { "{\"a\"}", 4 },
	{ "{\"a\":}", 5 }, { "{\"a\":1,}", 7 }, { "{,}", 1 }, { "{1:2}", 1 },
	{ "{a:1}", 1 }, { "{'a':1}", 1 }, { "{\"a\" 1}", 5 },
	{ "{\"a\":1 \"b\":2}", 7 }, { "{\"a\":1:2}", 6 }, { "[1:2]", 2 },
	{ "01", 1 }, { "-", 1 }, { "-01", 2 }, { "+1", 0 }, { ".5", 0 },
	{ "1.", 2 }, { "1.e1", 2 }, { "1e", 2 }, { "1e+", 3 }, { "1e+-1", 3 },
	{ "0x10", 1 }, { "NaN", 0 }, { "Infinity", 0 }, { "-Infinity", 1 },
	{ "True", 0 }, { "tru", 3 }, { "truee", 4 }, { "nul", 3 },
	{ "nulL", 3 }, { "falze", 3 }, { "TRUE", 0 },
	{ "\"", 1 }, { "\"a", 2 }, { "\"\\\"", 3 }, { "\"\\x41\"", 2 },
	{ "\"\\a\"", 2 }, { "\"\\'\"", 2 }, { "\"\\U0041\"", 2 },
	{ "\"\\u004\"", 6 }, { "\"\\u00g1\"", 5 }, { "\"\\u\"", 3 },
	{ "\"\n\"", 1 }, { "\"\t\"", 1 }, { "\"\x1f\"", 1 }, { "'a'", 0 },
	/* A NUL; half a pair, the wrong way round, twice the first. */
	{ "\"\\u0000\"", 1 }, { "\"a\\u0000\"", 2 },
	{ "\"\\ud800\"", 7 }, { "\"\\ud800x\"", 7 }, { "\"\\ud800\\n\"", 8 },
	{ "\"\\udc00\"", 1 }, { "\"\\udfff\\ud800\"", 1 },
	{ "\"\\ud800\\ud800\"", 1 }, { "\"\\ud800\\u0041\"", 1 },
	{ "\"\\udbff\\ue000\"", 1 },
	/* Not UTF-8. */
	{ "\"\x80\"", 1 }, { "\"\xc0\x80\"", 1 }, { "\"\xc1\xbf\"", 1 },
	{ "\"\xc3\"", 2 }, { "\"\xe0\x9f\xbf\"", 2 }, { "\"\xe2\x82\"", 3 },
	{ "\"\xed\xa0\x80\"", 2 }, { "\"\xf0\x8f\xbf\xbf\"", 2 },
	{ "\"\xf4\x90\x80\x80\"", 2 }, { "\"\xf5\x80\x80\x80\"", 1 },
	{ "\"\xff\"", 1 }, { "\xef\xbb\xbf{}", 0 }, { "\xc2\xa0{}", 0 },
	{ "{}\v", 2 }, { "{}\f", 2 }, { "/* */{}", 0 }, { "//", 0 },
	{ "[[[[[[[[[]]]]]]]]]", 8 },
	{ "{\"a\":[{\"a\":[{\"a\":[{\"a\":[{}]}]}]}]}", 24 }
};

enum {
	NGOOD = sizeof(good) / sizeof(good[0]),
	NBAD = sizeof(bad) / sizeof(bad[0])
};

/* With no byte behind it that could be touched. */
static int
check(const char *text, size_t n, size_t *at)
{
	return json_check((const char *)unit_guard(text, n), n, at);
}

static void
grammar(void)
{
	size_t i, at;

	for (i = 0; i < NGOOD; i++) {
		unit_row("%s", good[i]);
		CHECK_EQ(check(good[i], strlen(good[i]), &at), 0);
	}
	for (i = 0; i < NBAD; i++) {
		unit_row("%s", bad[i].text);
		CHECK_EQ(check(bad[i].text, strlen(bad[i].text), &at), -1);
		CHECK_EQ(at, bad[i].at);
	}
	CHECK_EQ(check("{}\0", 3, &at), -1);
	CHECK_EQ(at, 2);
	CHECK_EQ(check("\"\0\"", 3, &at), -1);
	CHECK_EQ(at, 1);
}

/* Cut, what was good ends too early; of a number any part may be one. */
static void
truncated(void)
{
	size_t i, n, k, at;
	bool number;

	for (i = 0; i < NGOOD; i++) {
		n = strlen(good[i]);
		while (n > 0 && good[i][n - 1] == ' ')
			n--;
		number = strchr("-0123456789", good[i][0]) != NULL;
		for (k = 0; k < n; k++) {
			unit_row("%zu bytes of %s", k, good[i]);
			if (check(good[i], k, &at) == 0)
				CHECK(number);
			else
				CHECK_EQ(at, k);
		}
	}
}

/* Any byte in any place: json_check() says where it went wrong, and nowhere
 * else, for the bytes before that are the beginning of something. */
static void
any_byte(void)
{
	static const char text[] =
	    "{\"a\":[1,-2.5e3,true],\"b\\u00fc\":\"\\ud83d\\ude00 \xc3\xbc\"}";
	char copy[sizeof(text)];
	size_t i, n = sizeof(text) - 1, at, again;
	int c;

	for (i = 0; i < n; i++) {
		for (c = 0; c < 256; c++) {
			unit_row("%02x at %zu", (unsigned)c, i);
			memcpy(copy, text, sizeof(copy));
			copy[i] = (char)c;
			if (check(copy, n, &at) == 0)
				continue;
			REQUIRE(at <= n);
			/* What follows it has no say. */
			if (at + 1 < n) {
				copy[n - 1] = 'x';
				CHECK_EQ(check(copy, n, &again), -1);
				CHECK_EQ(again, at);
			}
		}
	}
}

static void
sizes(void)
{
	static char text[JSON_LINE_MAX + 8];
	size_t n, at;

	for (n = JSON_LINE_MAX - 4; n < sizeof(text); n++) {
		unit_row("%zu bytes", n);
		memset(text, 'a', n);
		text[0] = text[n - 1] = '"';
		at = 0;
		CHECK_EQ(check(text, n, &at), n <= JSON_LINE_MAX ? 0 : -1);
		CHECK_EQ(at, n <= JSON_LINE_MAX ? 0 : JSON_LINE_MAX);
		/* White space counts as well. */
		memset(text, ' ', n);
		text[0] = '1';
		CHECK_EQ(check(text, n, &at), n <= JSON_LINE_MAX ? 0 : -1);
		/* A mistake is one before that, wherever the end. */
		text[1] = 'x';
		CHECK_EQ(check(text, n, &at), -1);
		CHECK_EQ(at, 1);
	}
}

static void
members(void)
{
	static const struct {
		const char *text;
		enum json_found found;
		const char *value;
	} rows[] = {
		{ "{}", JSON_NONE, "" }, { "[]", JSON_NONE, "" },
		{ "\"a\"", JSON_NONE, "" }, { "[\"a\",\"b\"]", JSON_NONE, "" },
		{ "{\"a\":\"b\"}", JSON_STRING, "b" },
		{ " { \"a\" : \"b\" } ", JSON_STRING, "b" },
		{ "{\"a\":\"\"}", JSON_STRING, "" },
		{ "{\"A\":\"b\"}", JSON_NONE, "" },
		{ "{\"aa\":\"b\",\"\":\"c\"}", JSON_NONE, "" },
		{ "{\"b\":\"a\"}", JSON_NONE, "" },
		{ "{\"b\":\"a\",\"a\":\"c\",\"c\":\"d\"}", JSON_STRING, "c" },
		{ "{\"\\u0061\":\"\\u0062\"}", JSON_STRING, "b" },
		{ "{\"a\":1}", JSON_OTHER, "" },
		{ "{\"a\":null}", JSON_OTHER, "" },
		{ "{\"a\":true}", JSON_OTHER, "" },
		{ "{\"a\":[\"a\",\"b\"]}", JSON_OTHER, "" },
		{ "{\"a\":{\"a\":\"b\"}}", JSON_OTHER, "" },
		{ "{\"a\":\"b\",\"a\":\"b\"}", JSON_TWICE, "" },
		{ "{\"a\":\"b\",\"\\u0061\":1}", JSON_TWICE, "" },
		{ "{\"a\":1,\"c\":2,\"a\":\"b\"}", JSON_TWICE, "" },
		{ "{\"a\":1,\"a\":2,\"a\":\"b\"}", JSON_TWICE, "" },
		/* Not of the outermost object. */
		{ "{\"b\":{\"a\":\"b\"}}", JSON_NONE, "" },
		{ "{\"b\":{\"a\":\"b\"},\"a\":\"c\"}", JSON_STRING, "c" },
		{ "{\"b\":[{\"a\":1}],\"a\":\"c\",\"d\":{\"a\":1}}",
		    JSON_STRING, "c" },
		{ "[{\"a\":\"b\"}]", JSON_NONE, "" },
		{ "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", JSON_STRING,
		    "\"\\/\b\f\n\r\t" },
		{ "{\"a\":\"\\u00e9\\u20AC\\ud83d\\uDE00\"}", JSON_STRING,
		    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "{\"a\":\"\\u0001\\u007f\\u0080\\u07ff\\u0800\\uffff\"}",
		    JSON_STRING,
		    "\x01\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf" },
		{ "{\"a\":\"\\ud800\\udc00\\udbff\\udfff\"}", JSON_STRING,
		    "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
		{ "{\"a\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}",
		    JSON_STRING, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" }
	};
	char out[64], alone[1];
	size_t i, n, at;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("%s", rows[i].text);
		n = strlen(rows[i].text);
		CHECK_EQ(check(rows[i].text, n, &at), 0);
		memset(out, 'x', sizeof(out));
		CHECK_EQ(json_member((const char *)unit_guard(rows[i].text, n),
		    n, "a", out, sizeof(out)), rows[i].found);
		CHECK_STR(out, rows[i].value);
	}
	unit_row("no room at all");
	CHECK_EQ(json_member("{\"a\":\"\"}", 8, "a", alone, 1), JSON_STRING);
	CHECK_EQ(json_member("{\"a\":\"b\"}", 9, "a", alone, 1), JSON_LONG);
	CHECK_EQ(alone[0], '\0');
}

/* As many whole characters as fit, and none behind the first that does not. */
static void
too_long(void)
{
	static const char text[] =
	    "{\"a\":\"b\\u00e9\xe2\x82\xac\\ud83d\\ude00z\"}";
	static const char value[] = "b\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
	static const size_t ends[] = { 0, 1, 3, 6, 10, 11 };
	struct { char out[12], after; } t;
	size_t cap, k, n;

	for (cap = 1; cap <= sizeof(t.out); cap++) {
		unit_row("room for %zu", cap);
		memset(&t, 'x', sizeof(t));
		CHECK_EQ(json_member(text, sizeof(text) - 1, "a", t.out, cap),
		    cap > 11 ? JSON_STRING : JSON_LONG);
		for (k = 0, n = 0; k < sizeof(ends) / sizeof(ends[0]); k++)
			if (ends[k] < cap)
				n = ends[k];
		CHECK_EQ(strlen(t.out), n);
		CHECK_BYTES(t.out, value, n);
		for (k = cap; k < sizeof(t); k++)
			CHECK_EQ(((const char *)&t)[k], 'x');
	}
}

/* A name as long as ours could be, and longer ones that begin with it. */
static void
names(void)
{
	char text[256], wanted[128], out[8];
	size_t n, len;

	for (n = 1; n < 120; n++) {
		unit_row("a name of %zu", n);
		memset(wanted, 'n', n);
		wanted[n] = '\0';
		len = (size_t)snprintf(text, sizeof(text), "{\"%sn\":\"no\","
		    "\"%s\":\"yes\"}", wanted, wanted);
		CHECK_EQ(json_member(text, len, wanted, out, sizeof(out)),
		    n < 64 ? JSON_STRING : JSON_NONE);
		CHECK_STR(out, n < 64 ? "yes" : "");
	}
}

int
main(void)
{
	unit_case("json: what it is and what it is not", grammar);
	unit_case("json: cut at each byte", truncated);
	unit_case("json: any byte in any place", any_byte);
	unit_case("json: as long as may be, and longer", sizes);
	unit_case("json: members", members);
	unit_case("json: a member that is too long", too_long);
	unit_case("json: long names", names);
	return unit_end();
}
