/* SPDX-License-Identifier: MIT */
/* order.c - what a supervisor orders: bytes to orders.
 *
 * Who reads them, and does what they say, is elsewhere. */

#include <stdio.h>
#include <string.h>

#include "order.h"

enum { ACTION_MAX = 40 };	/* so much of an unknown one is quoted */

/* Room for the longest sentence, and the word that is quoted in it. */
_Static_assert(ORDER_WHY_MAX >= ACTION_MAX + 64, "sentences are whole");

static int
refuse(char why[ORDER_WHY_MAX], const char *sentence)
{
	(void)snprintf(why, ORDER_WHY_MAX, "%s", sentence);
	return -1;
}

static int
not_json(char why[ORDER_WHY_MAX], size_t at, size_t n)
{
	if (at >= n)
		return refuse(why, "not JSON: it ends too early");
	if (at >= JSON_LINE_MAX)
		(void)snprintf(why, ORDER_WHY_MAX,
		    "an order longer than %d bytes", JSON_LINE_MAX);
	else
		(void)snprintf(why, ORDER_WHY_MAX,
		    "not JSON: wrong at byte %zu", at + 1);
	return -1;
}

/* Is it JSON, and an object? */
static int
check(const char *line, size_t n, char why[ORDER_WHY_MAX])
{
	size_t at;

	if (json_check(line, n, &at) == -1)
		return not_json(why, at, n);
	/* It is a value: this stops at its first byte. */
	for (at = 0; strchr(" \t\r\n", line[at]) != NULL; at++)
		continue;
	return line[at] == '{' ? 0 : refuse(why, "not a JSON object");
}

/* What an object says. */
static int
read_order(struct order *o, const char *line, size_t n,
    char why[ORDER_WHY_MAX])
{
	char action[ACTION_MAX], *p;
	enum json_found found;

	o->session_id[0] = '\0';
	found = json_member(line, n, "action", action, sizeof(action));
	if (found == JSON_NONE)
		return refuse(why, "no \"action\"");
	if (found == JSON_TWICE)
		return refuse(why, "more than one \"action\"");
	if (found == JSON_OTHER)
		return refuse(why, "\"action\" is not a string");
	if (strcmp(action, "LIST") == 0) {
		o->kind = ORDER_LIST;
		return 0;
	}
	if (strcmp(action, "SHUTDOWN") == 0) {
		o->kind = ORDER_SHUTDOWN;
		return 0;
	}
	if (strcmp(action, "DISCONNECT") != 0) {
		/* The sentence is one line, whatever it quotes. */
		for (p = action; *p != '\0'; p++) {
			if ((unsigned char)*p < ' ' || *p == 0x7f)
				*p = '?';
		}
		(void)snprintf(why, ORDER_WHY_MAX, "unknown action \"%s%s\"",
		    action, found == JSON_LONG ? "..." : "");
		return -1;
	}
	o->kind = ORDER_DISCONNECT;
	found = json_member(line, n, "session_id", o->session_id,
	    sizeof(o->session_id));
	if (found == JSON_TWICE)
		return refuse(why, "more than one \"session_id\"");
	if (found == JSON_OTHER)
		return refuse(why, "\"session_id\" is not a string");
	if (found == JSON_LONG)
		return refuse(why, "\"session_id\" is too long");
	if (o->session_id[0] == '\0')
		return refuse(why, "DISCONNECT without \"session_id\"");
	return 0;
}

int
order_parse(struct order *o, const char *line, size_t n,
    char why[ORDER_WHY_MAX])
{
	return check(line, n, why) == -1 ? -1 : read_order(o, line, n, why);
}

static void
begin_anew(struct order_reader *r, bool skipping)
{
	r->n = 0;
	r->depth = 0;
	r->quoted = false;
	r->escaped = false;
	r->skipping = skipping;
}

/* Keep one more byte.  Returns true if an object has ended with it.  What
 * does not begin with a brace ends with its line. */
static bool
keep(struct order_reader *r, char c)
{
	r->line[r->n++] = c;
	if (r->line[0] != '{')
		return false;
	if (r->quoted) {
		if (r->escaped)
			r->escaped = false;
		else if (c == '\\')
			r->escaped = true;
		else if (c == '"')
			r->quoted = false;
	} else if (c == '"') {
		r->quoted = true;
	} else if (c == '{' || c == '[') {
		r->depth++;
	} else if (c == '}' || c == ']') {
		r->depth--;
	}
	return r->depth == 0;
}

/* An object has ended, or a line in the midst of something. */
static enum order_found
finish(struct order_reader *r, bool line_ends, struct order *o,
    char why[ORDER_WHY_MAX])
{
	enum order_found found = ORDER_BAD;
	bool skipping = false;

	if (check(r->line, r->n, why) == -1)
		skipping = !line_ends;
	else if (read_order(o, r->line, r->n, why) == 0)
		found = ORDER_READ;
	begin_anew(r, skipping);
	return found;
}

enum order_found
order_feed(struct order_reader *r, const char *p, size_t n, size_t *used,
    struct order *o, char why[ORDER_WHY_MAX])
{
	char c;

	for (*used = 0; *used < n;) {
		c = p[(*used)++];
		if (c == '\n') {
			if (r->n > 0)
				return finish(r, true, o, why);
			begin_anew(r, false);
		} else if (r->skipping || (r->n == 0 &&
		    (c == ' ' || c == '\t' || c == '\r'))) {
			continue;
		} else if (r->n == JSON_LINE_MAX) {
			begin_anew(r, true);
			(void)not_json(why, JSON_LINE_MAX, JSON_LINE_MAX + 1);
			return ORDER_BAD;
		} else if (keep(r, c))
			return finish(r, false, o, why);
	}
	return ORDER_MORE;
}

enum order_found
order_end(struct order_reader *r, char why[ORDER_WHY_MAX])
{
	struct order o;

	if (r->n == 0) {
		begin_anew(r, false);
		return ORDER_MORE;
	}
	/* A whole object would have been one at its last brace. */
	return finish(r, true, &o, why);
}
