/* SPDX-License-Identifier: MIT */
/* order.c - orders and what is none, whole, in pieces of every size, one
 * behind the other, and too long. */

#include "order.h"
#include "unit.h"

#define ID "0123456789abcdef"
#define LIST "{\"action\":\"LIST\"}"
#define STOP "{\"action\":\"SHUTDOWN\"}"
#define DROP "{\"action\":\"DISCONNECT\",\"session_id\":\"" ID "\"}"
#define X40 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* An order is its letter and the id, what is none the sentence. */
static const struct {
	const char *text, *is;
} rows[] = {
	{ LIST, "L" }, { STOP, "S" }, { DROP, "D" ID },
	{ " { \"action\" : \"LIST\" } ", "L" },
	{ "{\"session_id\":\"" ID "\",\"action\":\"DISCONNECT\"}", "D" ID },
	{ "{\"action\":\"\\u004cIST\"}", "L" },
	{ "{\"action\":\"DISCONNECT\",\"session_id\":\"\\\"\\u00e9}\"}",
	    "D\"\xc3\xa9}" },
	/* What is not known is not looked at, nor what is not asked for. */
	{ "{\"a\":[{\"action\":1}],\"action\":\"LIST\",\"b\":1,\"b\":2}", "L" },
	{ "{\"action\":\"LIST\",\"session_id\":7,\"session_id\":[]}", "L" },
	{ "{\"action\":\"LIST\",\"session_id\":\"\"}", "L" },
	{ "{}", "no \"action\"" },
	{ "{\"Action\":\"LIST\"}", "no \"action\"" },
	{ "{\"a\":{\"action\":\"LIST\"}}", "no \"action\"" },
	{ "{\"action\":\"LIST\",\"action\":\"LIST\"}",
	    "more than one \"action\"" },
	{ "{\"action\":1}", "\"action\" is not a string" },
	{ "{\"action\":null}", "\"action\" is not a string" },
	{ "{\"action\":{\"action\":\"LIST\"}}", "\"action\" is not a string" },
	{ "{\"action\":\"\"}", "unknown action \"\"" },
	{ "{\"action\":\"list\"}", "unknown action \"list\"" },
	{ "{\"action\":\"LIST \"}", "unknown action \"LIST \"" },
	{ "{\"action\":\"LISTS\"}", "unknown action \"LISTS\"" },
	{ "{\"action\":\"" X40 "\"}",
	    "unknown action \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\"" },
	{ "{\"action\":\"DISCONNECT\"}", "DISCONNECT without \"session_id\"" },
	{ "{\"action\":\"DISCONNECT\",\"session_id\":\"\"}",
	    "DISCONNECT without \"session_id\"" },
	{ "{\"action\":\"DISCONNECT\",\"session_id\":7}",
	    "\"session_id\" is not a string" },
	{ "{\"action\":\"DISCONNECT\",\"session_id\":null}",
	    "\"session_id\" is not a string" },
	{ "{\"action\":\"DISCONNECT\",\"session_id\":\"a\","
	    "\"session_id\":\"a\"}", "more than one \"session_id\"" },
	{ "{\"action\":\"DISCONNECT\",\"session_id\":\"" X40 X40 "\"}",
	    "\"session_id\" is too long" },
	{ "", "not JSON: it ends too early" },
	{ "{", "not JSON: it ends too early" },
	{ "{\"action\":\"LIST\"", "not JSON: it ends too early" },
	{ "LIST", "not JSON: wrong at byte 1" },
	{ "{\"action\":LIST}", "not JSON: wrong at byte 11" },
	{ LIST "x", "not JSON: wrong at byte 18" },
	{ LIST LIST, "not JSON: wrong at byte 18" },
	{ "{'action':'LIST'}", "not JSON: wrong at byte 2" },
	{ "{\"action\":\"LIST\",}", "not JSON: wrong at byte 18" },
	{ "{\"action\":\"LIST\\u0000\"}", "not JSON: wrong at byte 16" },
	{ "{\"action\":\"LIST\xff\"}", "not JSON: wrong at byte 16" },
	{ "[]", "not a JSON object" }, { "1", "not a JSON object" },
	{ " \"LIST\"", "not a JSON object" }, { "null", "not a JSON object" },
	{ "[" LIST "]", "not a JSON object" }
};
enum { NROWS = sizeof(rows) / sizeof(rows[0]) };

/* What came of it, as in the rows. */
static const char *
shown(enum order_found found, const struct order *o, const char *why)
{
	static char text[ORDER_WHY_MAX + ORDER_ID_MAX + 8];

	if (found == ORDER_READ)
		(void)snprintf(text, sizeof(text), "%c%s",
		    "LDS"[o->kind], o->session_id);
	else
		(void)snprintf(text, sizeof(text), "%s",
		    found == ORDER_BAD ? why : "");
	return text;
}

static void
whole(void)
{
	char why[ORDER_WHY_MAX];
	struct order o;
	size_t i, n;
	int rc;

	for (i = 0; i < NROWS; i++) {
		unit_row("%s", rows[i].text);
		n = strlen(rows[i].text);
		memset(&o, 'x', sizeof(o));
		memset(why, 'x', sizeof(why));
		rc = order_parse(&o, (const char *)unit_guard(rows[i].text, n),
		    n, why);
		CHECK_STR(shown(rc == 0 ? ORDER_READ : ORDER_BAD, &o, why),
		    rows[i].is);
	}
}

/* Cut at each byte an order is none. */
static void
truncated(void)
{
	static const char *const texts[] = { LIST, STOP, DROP };
	char why[ORDER_WHY_MAX];
	struct order o;
	size_t i, n;

	for (i = 0; i < 3; i++) {
		for (n = 0; n < strlen(texts[i]); n++) {
			unit_row("%zu bytes of %s", n, texts[i]);
			CHECK_EQ(order_parse(&o, (const char *)unit_guard(
			    texts[i], n), n, why), -1);
			CHECK_STR(why, "not JSON: it ends too early");
		}
	}
}

/* Ids as long as may be, longer, and with characters on that edge. */
static void
ids(void)
{
	char text[256], id[128], why[ORDER_WHY_MAX];
	struct order o;
	size_t n, len;

	for (n = 1; n < 100; n++) {
		unit_row("an id of %zu", n);
		memset(id, 'i', n);
		id[n] = '\0';
		len = (size_t)snprintf(text, sizeof(text),
		    "{\"action\":\"DISCONNECT\",\"session_id\":\"%s\"}", id);
		if (order_parse(&o, text, len, why) == 0) {
			CHECK(n <= ORDER_ID_MAX);
			CHECK_STR(o.session_id, id);
		} else {
			CHECK(n > ORDER_ID_MAX);
			CHECK_STR(why, "\"session_id\" is too long");
		}
	}
	(void)snprintf(text, sizeof(text), "{\"action\":\"%.38s\xc3\xa9\"}",
	    X40);
	CHECK_EQ(order_parse(&o, text, strlen(text), why), -1);
	(void)snprintf(id, sizeof(id), "unknown action \"%.38s...\"", X40);
	CHECK_STR(why, id);
}

/* All that comes of n bytes in pieces of this size, with a bar behind each;
 * and what the end makes of the rest. */
static const char *
fed(const char *text, size_t n, size_t size)
{
	static char all[4096];
	static struct order_reader r;
	char why[ORDER_WHY_MAX];
	enum order_found found;
	size_t used, piece, at, len = 0;
	const char *p;
	struct order o;

	memset(&r, 0, sizeof(r));
	all[0] = '\0';
	for (; n > 0; text += piece, n -= piece) {
		piece = n < size ? n : size;
		p = (const char *)unit_guard(text, piece);
		for (at = 0; at < piece; at += used) {
			found = order_feed(&r, p + at, piece - at, &used, &o,
			    why);
			REQUIRE(used > 0 && used <= piece - at);
			if (found == ORDER_MORE) {
				CHECK_EQ(used, piece - at);
				continue;
			}
			len += (size_t)snprintf(all + len, sizeof(all) - len,
			    "%s|", shown(found, &o, why));
			REQUIRE(len < sizeof(all));
		}
	}
	found = order_end(&r, why);
	CHECK(found != ORDER_READ);
	if (found == ORDER_BAD)
		(void)snprintf(all + len, sizeof(all) - len, "end: %s|", why);
	/* Nothing is left. */
	CHECK_EQ(order_end(&r, why), ORDER_MORE);
	CHECK_EQ(order_feed(&r, LIST, strlen(LIST), &used, &o, why),
	    ORDER_READ);
	return all;
}

static const struct {
	const char *text, *is;
} streams[] = {
	{ "", "" }, { "\n\r\n \t\n", "" }, { LIST, "L|" }, { LIST "\n", "L|" },
	{ LIST "\r\n" STOP "\r\n", "L|S|" }, { LIST LIST, "L|L|" },
	{ LIST " " DROP "\t" STOP, "L|D" ID "|S|" },
	{ "\n\n" LIST "\n\n" LIST "\n\n", "L|L|" },
	/* Not an order, but JSON: what is behind it counts. */
	{ "{}" LIST "\n" LIST, "no \"action\"|L|L|" },
	{ "{\"action\":\"X\"}" LIST, "unknown action \"X\"|L|" },
	/* Not JSON: one error, and on with the next line. */
	{ "x" LIST "\n" LIST, "not JSON: wrong at byte 1|L|" },
	{ LIST "x" LIST "\n" LIST, "L|not JSON: wrong at byte 1|L|" },
	{ LIST "," LIST "\n" LIST, "L|not JSON: wrong at byte 1|L|" },
	{ "{\"action\":LIST}" STOP "\n" LIST, "not JSON: wrong at byte 11|L|" },
	{ "{]" STOP "\n" LIST, "not JSON: wrong at byte 2|L|" },
	{ "}" STOP "\n" LIST, "not JSON: wrong at byte 1|L|" },
	{ "[" STOP "]\n" LIST, "not a JSON object|L|" },
	{ "[" STOP "\n" LIST, "not JSON: it ends too early|L|" },
	{ "1 2 3\n" LIST, "not JSON: wrong at byte 3|L|" },
	{ "LIST\n\nLIST\n",
	    "not JSON: wrong at byte 1|not JSON: wrong at byte 1|" },
	/* A line ends everything, also what is quoted. */
	{ "{\"action\":\n\"LIST\"}\n" LIST,
	    "not JSON: it ends too early|not JSON: wrong at byte 7|L|" },
	{ "{\"action\":\"LIST\n" LIST "\n", "not JSON: it ends too early|L|" },
	{ "{\"a\":\"\\\n" LIST, "not JSON: it ends too early|L|" },
	{ "{\"a\":[[\n" LIST, "not JSON: it ends too early|L|" },
	/* Braces that are quoted, quotation marks that are escaped. */
	{ "{\"}\":\"}]\\\"}\",\"action\":\"LIST\"}" STOP, "L|S|" },
	{ "{\"a\":\"\\\\\",\"action\":\"LIST\"}" STOP, "L|S|" },
	{ "{\"a\":{\"b\":[{},[]]},\"action\":\"LIST\"}" STOP, "L|S|" },
	/* Too deep, and not too deep. */
	{ "{\"a\":[[[[[[[[]]]]]]]],\"action\":\"LIST\"}" STOP "\n" LIST,
	    "not JSON: wrong at byte 13|L|" },
	{ "{\"a\":[[[[[[[]]]]]]],\"action\":\"LIST\"}", "L|" },
	/* The end. */
	{ LIST "\nx", "L|end: not JSON: wrong at byte 1|" },
	{ LIST "{\"action\"", "L|end: not JSON: it ends too early|" },
	{ "null", "end: not a JSON object|" }, { "{]x", "not JSON: wrong at "
	    "byte 2|" }, { LIST "\n ", "L|" }
};

static void
pieces(void)
{
	size_t i, n, size;

	for (i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		n = strlen(streams[i].text);
		for (size = 1; size <= n + 1; size++) {
			unit_row("%s by %zu", streams[i].text, size);
			CHECK_STR(fed(streams[i].text, n, size),
			    streams[i].is);
		}
	}
	unit_row("a NUL");
	CHECK_STR(fed("\0\n" LIST, strlen(LIST) + 2, 5),
	    "not JSON: wrong at byte 1|L|");
}

/* As long as may be, and longer: an error at once, and the next line. */
static void
too_long(void)
{
	static char text[3 * JSON_LINE_MAX];
	static const char begin[] = "{\"action\":\"LIST\",\"a\":\"";
	static const size_t sizes[] = { 1, 7, 512, JSON_LINE_MAX, 99999 };
	size_t n, i, len;

	for (n = JSON_LINE_MAX - 2; n < JSON_LINE_MAX + 3; n++) {
		for (i = 0; i < 5; i++) {
			unit_row("%zu bytes by %zu", n, sizes[i]);
			memset(text, 'a', sizeof(text));
			memcpy(text, begin, sizeof(begin) - 1);
			memcpy(text + n - 2, "\"}" STOP "\n" LIST,
			    2 + sizeof(STOP "\n" LIST));
			len = n + strlen(STOP "\n" LIST);
			CHECK_STR(fed(text, len, sizes[i]),
			    n <= JSON_LINE_MAX ? "L|S|L|" :
			    "an order longer than 4096 bytes|L|");
			/* It is not one either that does not end. */
			CHECK_STR(fed(text, n - 2, sizes[i]),
			    n - 2 <= JSON_LINE_MAX ?
			    "end: not JSON: it ends too early|" :
			    "an order longer than 4096 bytes|");
		}
	}
	/* Nor does a line count as long that has many of them, or blanks. */
	memset(text, ' ', sizeof(text));
	for (i = 0; i < 30; i++)
		memcpy(text + i * 400, LIST, strlen(LIST));
	CHECK_EQ(strlen(fed(text, sizeof(text), 99999)), 60);
	memset(text, 'x', sizeof(text));
	CHECK_STR(fed(text, sizeof(text), 99999),
	    "an order longer than 4096 bytes|");
}

int
main(void)
{
	unit_case("order: what it is and what it is not", whole);
	unit_case("order: cut at each byte", truncated);
	unit_case("order: ids and actions on their edges", ids);
	unit_case("order: one after the other, in pieces", pieces);
	unit_case("order: too long", too_long);
	return unit_end();
}
