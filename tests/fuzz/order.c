/* SPDX-License-Identifier: MIT */
/* order.c - what somebody writes to our stdin.
 *
 * Input: one byte that says in which pieces the rest comes; then the bytes.
 * JSON is told here as well, by another hand: by recursion, and with a string
 * turned into code points first. */

#include <stdbool.h>

#include "fuzz.h"
#include "order.h"

/* The reference ----------------------------------------------------------- */

struct text {
	const uint8_t *p, *end;
};

static bool
eat(struct text *t, const char *s)
{
	size_t n = strlen(s);

	if ((size_t)(t->end - t->p) < n || memcmp(t->p, s, n) != 0)
		return false;
	t->p += n;
	return true;
}

static void
blanks(struct text *t)
{
	while (t->p < t->end && (*t->p == 0x20 || *t->p == 0x09 ||
	    *t->p == 0x0a || *t->p == 0x0d))
		t->p++;
}

/* One or more digits; their number. */
static size_t
digits(struct text *t)
{
	const uint8_t *from = t->p;

	while (t->p < t->end && *t->p >= '0' && *t->p <= '9')
		t->p++;
	return (size_t)(t->p - from);
}

static bool
number(struct text *t)
{
	bool zero;
	size_t n;

	(void)eat(t, "-");
	zero = t->p < t->end && *t->p == '0';
	n = digits(t);
	if (n == 0 || (zero && n > 1))
		return false;
	if (eat(t, ".") && digits(t) == 0)
		return false;
	if (eat(t, "e") || eat(t, "E")) {
		if (!eat(t, "+"))
			(void)eat(t, "-");
		return digits(t) > 0;
	}
	return true;
}

/* The next UTF-16 unit that is escaped as \uXXXX; -1: none is. */
static long
unit(struct text *t)
{
	char hex[5] = "";
	size_t i;

	if (t->end - t->p < 6 || t->p[0] != '\\' || t->p[1] != 'u')
		return -1;
	memcpy(hex, t->p + 2, 4);
	for (i = 0; i < 4; i++)
		if (hex[i] == '\0' ||
		    strchr("0123456789abcdefABCDEF", hex[i]) == NULL)
			return -1;
	t->p += 6;
	return strtol(hex, NULL, 16);
}

/* One character: its code point; -1: it is none that may be there. */
static long
character(struct text *t)
{
	static const char letters[] = "\"\\/bfnrt", is[] = "\"\\/\b\f\n\r\t";
	static const long least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const char *found;
	long c, low;
	size_t n, i;

	if (t->p == t->end || *t->p < 0x20)
		return -1;
	if (*t->p == '\\') {
		if ((c = unit(t)) != -1) {
			if (c >= 0xd800 && c <= 0xdbff) {
				low = unit(t);
				if (low < 0xdc00 || low > 0xdfff)
					return -1;
				return 0x10000 + (c - 0xd800) * 0x400 + low -
				    0xdc00;
			}
			return c == 0 || (c >= 0xdc00 && c <= 0xdfff) ? -1 : c;
		}
		if (t->end - t->p < 2 || t->p[1] == 0 ||
		    (found = strchr(letters, t->p[1])) == NULL)
			return -1;
		t->p += 2;
		return is[found - letters];
	}
	n = *t->p < 0x80 ? 1 : *t->p >> 5 == 6 ? 2 : *t->p >> 4 == 14 ? 3 :
	    *t->p >> 3 == 30 ? 4 : 0;
	if (n == 0 || (size_t)(t->end - t->p) < n)
		return -1;
	c = n == 1 ? *t->p : *t->p & (0x7f >> n);
	for (i = 1; i < n; i++) {
		if (t->p[i] >> 6 != 2)
			return -1;
		c = c * 64 + (t->p[i] & 63);
	}
	t->p += n;
	return c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ?
	    -1 : c;
}

/* A string; its UTF-8, which is at most as long as it was, goes to out. */
static bool
string(struct text *t, uint8_t *out, size_t *n)
{
	size_t len = 0;
	long c;

	if (!eat(t, "\""))
		return false;
	while (!eat(t, "\"")) {
		if ((c = character(t)) == -1)
			return false;
		if (c < 0x80)
			out[len++] = (uint8_t)c;
		else if (c < 0x800) {
			out[len++] = (uint8_t)(0xc0 + c / 64);
			out[len++] = (uint8_t)(0x80 + c % 64);
		} else if (c < 0x10000) {
			out[len++] = (uint8_t)(0xe0 + c / 4096);
			out[len++] = (uint8_t)(0x80 + c / 64 % 64);
			out[len++] = (uint8_t)(0x80 + c % 64);
		} else {
			out[len++] = (uint8_t)(0xf0 + c / 262144);
			out[len++] = (uint8_t)(0x80 + c / 4096 % 64);
			out[len++] = (uint8_t)(0x80 + c / 64 % 64);
			out[len++] = (uint8_t)(0x80 + c % 64);
		}
	}
	out[len] = 0;
	*n = len;
	return true;
}

/* The members that matter. */
static struct {
	const char *name;
	int times;
	bool text;			/* the last of them is one: */
	size_t n;
	uint8_t value[JSON_LINE_MAX + 1];
} members[] = { { .name = "action" }, { .name = "session_id" } };

static bool
value(struct text *t, int depth)
{
	static uint8_t name[JSON_LINE_MAX + 1], other[JSON_LINE_MAX + 1];
	int which;
	size_t n;

	if (eat(t, "true") || eat(t, "false") || eat(t, "null"))
		return true;
	if (t->p < t->end && *t->p == '"')
		return string(t, other, &n);
	if (eat(t, "[")) {
		if (depth == JSON_DEPTH_MAX)
			return false;
		blanks(t);
		if (eat(t, "]"))
			return true;
		do {
			blanks(t);
			if (!value(t, depth + 1))
				return false;
			blanks(t);
		} while (eat(t, ","));
		return eat(t, "]");
	}
	if (!eat(t, "{"))
		return number(t);
	if (depth == JSON_DEPTH_MAX)
		return false;
	blanks(t);
	if (eat(t, "}"))
		return true;
	do {
		blanks(t);
		if (!string(t, name, &n))
			return false;
		which = depth > 0 ? -1 : strcmp((char *)name, "action") == 0 ?
		    0 : strcmp((char *)name, "session_id") == 0 ? 1 : -1;
		blanks(t);
		if (!eat(t, ":"))
			return false;
		blanks(t);
		if (which == -1) {
			if (!value(t, depth + 1))
				return false;
		} else {
			members[which].times++;
			members[which].text = t->p < t->end && *t->p == '"';
			if (!(members[which].text ? string(t,
			    members[which].value, &members[which].n) :
			    value(t, depth + 1)))
				return false;
		}
		blanks(t);
	} while (eat(t, ","));
	return eat(t, "}");
}

static bool
is_text(int which, const char *s)
{
	return members[which].times == 1 && members[which].text &&
	    members[which].n == strlen(s) &&
	    memcmp(members[which].value, s, strlen(s)) == 0;
}

/* Is it JSON at all; is it an object? */
static bool
is_json(const uint8_t *p, size_t n, bool *object)
{
	struct text t = { p, p + n };

	members[0].times = members[1].times = 0;
	if (n > JSON_LINE_MAX)
		return false;
	blanks(&t);
	*object = t.p < t.end && *t.p == '{';
	if (!value(&t, 0))
		return false;
	blanks(&t);
	return t.p == t.end;
}

/* Which order is it?  -1: none. */
static int
expected(const uint8_t *p, size_t n)
{
	bool object;

	if (!is_json(p, n, &object) || !object)
		return -1;
	if (is_text(0, "LIST"))
		return ORDER_LIST;
	if (is_text(0, "SHUTDOWN"))
		return ORDER_SHUTDOWN;
	if (is_text(0, "DISCONNECT") && members[1].times == 1 &&
	    members[1].text && members[1].n >= 1 &&
	    members[1].n <= ORDER_ID_MAX)
		return ORDER_DISCONNECT;
	return -1;
}

/* What is tested ---------------------------------------------------------- */

/* A sentence is one: a text of ASCII, and what it quotes is UTF-8. */
static void
check_why(const char *why)
{
	struct text t = { (const uint8_t *)why, NULL };
	const char *end = memchr(why, '\0', ORDER_WHY_MAX);

	MUST(end != NULL && end > why);
	for (t.end = (const uint8_t *)end; t.p < t.end;) {
		/* A control character or a backslash may be quoted. */
		if (*t.p < 0x20 || *t.p == '\\')
			t.p++;
		else
			MUST(character(&t) != -1);
	}
}

static void
check_parse(const uint8_t *p, size_t n)
{
	char why[ORDER_WHY_MAX];
	struct order o;
	int rc, should;
	size_t at = SIZE_MAX;
	bool object;
	char *copy;

	memset(&o, 0xa5, sizeof(o));
	copy = fuzz_copy(p, n);
	should = expected(p, n);
	rc = order_parse(&o, copy, n, why);
	MUST(rc == (should == -1 ? -1 : 0));
	if (rc == -1)
		check_why(why);
	else {
		MUST((int)o.kind == should);
		if (should == ORDER_DISCONNECT)
			MUST(strcmp(o.session_id,
			    (const char *)members[1].value) == 0);
		else
			MUST(o.session_id[0] == '\0');
	}
	MUST((json_check(copy, n, &at) == 0) == is_json(p, n, &object));
	MUST(at == SIZE_MAX || at <= n);
	free(copy);
}

/* What came, one after the other: 'o' and the order, 'x' and the sentence. */
struct verdicts {
	size_t n;
	char text[1 << 17];
};

static void
note(struct verdicts *v, enum order_found found, const struct order *o,
    const char *why)
{
	size_t begin = v->n;
	char *p;
	int n;

	if (found == ORDER_BAD)
		check_why(why);
	n = snprintf(v->text + v->n, sizeof(v->text) - v->n, "%c%d%s\n",
	    found == ORDER_READ ? 'o' : 'x', found == ORDER_READ ?
	    (int)o->kind : 0, found == ORDER_READ ? o->session_id : why);
	MUST(n > 0);
	v->n += (size_t)n;
	if (v->n >= sizeof(v->text))
		v->n = sizeof(v->text) - 1;
	/* A session's id is whatever it is; a sentence has to be one line. */
	for (p = v->text + begin; found == ORDER_READ &&
	    p < v->text + v->n - 1; p++) {
		if (*p == '\n')
			*p = '?';
	}
}

/* In pieces whose sizes come from x; 0: whole. */
static void
feed(struct verdicts *v, const uint8_t *p, size_t n, unsigned x)
{
	static struct order_reader r;
	char why[ORDER_WHY_MAX], *copy;
	enum order_found found;
	size_t piece, at, used;
	struct order o;

	memset(&r, 0, sizeof(r));
	v->n = 0;
	v->text[0] = '\0';
	for (; n > 0; p += piece, n -= piece) {
		x = x * 1103515245u + 12345u;
		piece = x % 5 == 0 ? n : 1 + (x >> 16) % 40;
		if (piece > n)
			piece = n;
		copy = fuzz_copy(p, piece);
		for (at = 0; at < piece; at += used) {
			found = order_feed(&r, copy + at, piece - at, &used,
			    &o, why);
			MUST(used > 0 && used <= piece - at);
			if (found == ORDER_MORE)
				MUST(used == piece - at);
			else
				note(v, found, &o, why);
		}
		free(copy);
	}
	found = order_end(&r, why);
	MUST(found != ORDER_READ);
	if (found == ORDER_BAD)
		note(v, found, &o, why);
	MUST(r.n == 0 && r.depth == 0 && !r.quoted && !r.escaped &&
	    !r.skipping);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct verdicts whole, pieces;
	struct fuzz_in in = { data, size };
	const uint8_t *p, *end, *eol;
	unsigned x = fuzz_u8(&in);
	bool object;

	check_parse(in.p, in.n);
	feed(&whole, in.p, in.n, 0);
	feed(&pieces, in.p, in.n, x + 1);
	MUST(whole.n == pieces.n && strcmp(whole.text, pieces.text) == 0);
	/* A line is by itself what it is among others, and one that has a
	 * whole object says just one thing. */
	for (p = in.p, end = p + in.n; p < end; p = eol + 1) {
		eol = memchr(p, '\n', (size_t)(end - p));
		if (eol == NULL)
			eol = end;
		check_parse(p, (size_t)(eol - p));
		feed(&pieces, p, (size_t)(eol - p), x);
		if (is_json(p, (size_t)(eol - p), &object) && object)
			MUST((pieces.text[0] == 'o') ==
			    (expected(p, (size_t)(eol - p)) != -1) &&
			    strchr(pieces.text, '\n') ==
			    pieces.text + pieces.n - 1);
		if (eol == end)
			break;
	}
	return 0;
}
