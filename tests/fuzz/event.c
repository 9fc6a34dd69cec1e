/* SPDX-License-Identifier: MIT */
/* event.c - events with any bytes in them, to a descriptor that takes what it
 * likes.  The source is included so that write() and poll() can be ours.
 *
 * Input: one byte n, n bytes that say what the next calls of write() do, then
 * what to say. */

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "fuzz.h"

static struct fuzz_in script;
static uint8_t written[1 << 16];
static size_t nwritten;

/* Takes everything once the script is over. */
static ssize_t
fuzz_write(int fd, const void *p, size_t n)
{
	static const int errors[] = {
		EINTR, EAGAIN, EPIPE, EBADF, ECONNRESET, ENOSPC, EIO
	};
	uint8_t what = script.n > 0 ? fuzz_u8(&script) : 0;

	MUST(fd == 7 && n > 0);
	if (what >= 0xf0) {
		errno = errors[what % (sizeof(errors) / sizeof(errors[0]))];
		return what == 0xff ? 0 : -1;
	}
	if (what > 0 && n > what)
		n = what;
	MUST(nwritten + n <= sizeof(written));
	memcpy(written + nwritten, p, n);
	nwritten += n;
	return (ssize_t)n;
}

static int
fuzz_poll(struct pollfd *p, nfds_t n, int ms)
{
	MUST(n == 1 && p->events == POLLOUT && ms >= 0 && ms <= 100);
	if (script.n == 0 || *script.p < 0xe0 || *script.p >= 0xf0)
		return 1;
	/* Nothing in time; or we were woken. */
	if ((fuzz_u8(&script) & 1) == 0)
		return 0;
	errno = EINTR;
	return -1;
}

#define write fuzz_write
#define poll fuzz_poll
#include "../../event.c"
#undef write
#undef poll

enum { LINES_MAX = 24, MEMBERS_MAX = 64 };

/* What was sent, line after line. */
static struct event sent[LINES_MAX];
static int nsent;

/* Characters ------------------------------------------------------------- */

/* Could n bytes be the whole (full) or a beginning of a character of UTF-8?
 * Found out by what the missing bytes could still make of it. */
static int
could_be_utf8(const unsigned char *s, size_t n, int full)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t low, high;
	size_t len, i;

	len = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 :
	    s[0] >> 3 == 30 ? 4 : 0;
	if (len == 0 || n > len || (full && n != len))
		return 0;
	low = high = len == 1 ? s[0] : s[0] & (0xffu >> (len + 1));
	for (i = 1; i < len; i++) {
		if (i < n && s[i] >> 6 != 2)
			return 0;
		low = low << 6 | (i < n ? s[i] & 0x3fu : 0);
		high = high << 6 | (i < n ? s[i] & 0x3fu : 0x3f);
	}
	return high >= least[len] && low <= 0x10ffff &&
	    !(low >= 0xd800 && high <= 0xdfff);
}

/* Write the next character of s as it should be in a line; returns how long
 * that is, and in *took how many bytes of s it was. */
static size_t
escape(const unsigned char *s, size_t n, size_t *took, char out[8])
{
	static const char names[] = "b\bf\fn\nr\rt\t\"\"\\\\";
	uint32_t c = 0;
	size_t k;

	for (k = n < 4 ? n : 4; k > 0 && !could_be_utf8(s, k, 1); k--)
		continue;
	if (k == 0) {
		for (k = 1; k < 3 && k < n && could_be_utf8(s, k + 1, 0); k++)
			continue;
		*took = k;
		memcpy(out, "\xef\xbf\xbd", 3);
		return 3;
	}
	*took = k;
	for (n = 1; n < sizeof(names); n += 2) {
		if (k == 1 && names[n] == (char)s[0]) {
			out[0] = '\\';
			out[1] = names[n - 1];
			return 2;
		}
	}
	if (k == 1)
		c = s[0];
	else if (k == 2)
		c = (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
	else if (k == 3)
		c = (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 |
		    (s[2] & 0x3fu);
	if ((c < 0x20 && k == 1) || (c >= 0x7f && c < 0xa0) || c == 0x2028 ||
	    c == 0x2029)
		return (size_t)snprintf(out, 8, "\\u%04x", (unsigned)c);
	memcpy(out, s, k);
	return k;
}

/* JSON ------------------------------------------------------------------- */

struct json {
	const uint8_t *p, *end;
	int members;
};

static int
eat(struct json *j, const char *s)
{
	size_t n = strlen(s);

	if ((size_t)(j->end - j->p) < n || memcmp(j->p, s, n) != 0)
		return 0;
	j->p += n;
	return 1;
}

static int
digits(struct json *j)
{
	const uint8_t *from = j->p;

	while (j->p < j->end && *j->p >= '0' && *j->p <= '9')
		j->p++;
	return j->p > from;
}

static void
string(struct json *j)
{
	size_t i, n;

	MUST(eat(j, "\""));
	while (!eat(j, "\"")) {
		MUST(j->p < j->end && *j->p >= 0x20 && *j->p != 0x7f);
		if (eat(j, "\\u")) {
			for (i = 0; i < 4; i++, j->p++)
				MUST(j->p < j->end && strchr(
				    "0123456789abcdef", *j->p) != NULL &&
				    *j->p != 0);
			continue;
		}
		if (eat(j, "\\")) {
			MUST(j->p < j->end && *j->p != 0 &&
			    strchr("\"\\/bfnrt", *j->p) != NULL);
			j->p++;
			continue;
		}
		for (n = 1; n <= 4; n++)
			if (n <= (size_t)(j->end - j->p) &&
			    could_be_utf8(j->p, n, 1))
				break;
		MUST(n <= 4);
		j->p += n;
	}
}

static void
value(struct json *j)
{
	const uint8_t *from = j->p;

	MUST(j->p < j->end);
	if (*j->p == '"') {
		string(j);
		return;
	}
	if (eat(j, "true") || eat(j, "false"))
		return;
	MUST(digits(j));
	MUST(*from != '0' || j->p == from + 1);
	if (eat(j, "."))
		MUST(digits(j));
}

/* Is it one object in one line, with nothing behind it? */
static void
check_json(const char *line, size_t n)
{
	struct json j = {
		(const uint8_t *)line, (const uint8_t *)line + n, 0
	};

	MUST(n <= EVENT_MAX && memchr(line, '\n', n) == line + n - 1);
	MUST(eat(&j, "{"));
	do {
		string(&j);
		MUST(eat(&j, ":"));
		value(&j);
		j.members++;
	} while (eat(&j, ","));
	MUST(eat(&j, "}\n") && j.p == j.end);
	/* Version, event and time are in every line. */
	MUST(j.members >= 3);
	MUST(memcmp(line, "{\"v\":1,\"event\":\"", 16) == 0);
}

/* What is said ------------------------------------------------------------ */

/* Add a text to *e; it must have become what it should. */
static void
say_text(struct event *e, const char *key, const char *text, size_t n)
{
	char want[EVENT_MAX + 64], next[8];
	size_t max = EVENT_MAX - 2, before = e->n, at = e->n, k, took, room;
	int any = 0;

	memcpy(want, e->line, e->n);
	event_text(e, key, text);
	if (before == 0) {
		MUST(e->n == 0);
		return;
	}
	at += (size_t)snprintf(want + at, 64, ",\"%s\":\"", key);
	if (at + 1 > max) {
		MUST(e->n == before);
		return;
	}
	room = max - 1;
	for (; n > 0; text += took, n -= took, at += k, any = 1) {
		k = escape((const unsigned char *)text, n, &took, next);
		if (at + k > room)
			break;
		memcpy(want + at, next, k);
	}
	if (n > 0 && !any) {
		MUST(e->n == before);
		return;
	}
	want[at++] = '"';
	MUST(e->n == at && memcmp(e->line, want, at) == 0);
}

static void
say_plain(struct event *e, const char *key, const char *text)
{
	struct event was = *e;
	char want[128];
	size_t n;

	n = (size_t)snprintf(want, sizeof(want), ",\"%s\":%s", key, text);
	if (text[0] == 't' || text[0] == 'f')
		event_truth(e, key, text[0] == 't');
	else
		event_number(e, key, strtoull(text, NULL, 10));
	if (was.n == 0 || was.n + n > EVENT_MAX - 2)
		n = 0;
	MUST(e->n == was.n + n);
	MUST(memcmp(e->line, was.line, was.n) == 0);
	MUST(memcmp(e->line + was.n, want, n) == 0);
}

static void
finish(struct event *e)
{
	struct event *copy = &sent[nsent];

	if (e->n > 0) {
		*copy = *e;
		MUST(copy->n + 2 <= sizeof(copy->line));
		memcpy(copy->line + copy->n, "}\n", 2);
		copy->n += 2;
		check_json(copy->line, copy->n);
		nsent++;
	}
	errno = 4711;
	event_send(e);
	MUST(errno == 4711 && e->n == 0);
}

/* What has come is some of the lines, whole and in order; the last may be
 * cut. */
static void
check_written(void)
{
	const uint8_t *p = written, *end = written + nwritten, *eol;
	int i = 0;
	size_t n;

	for (; p < end; p += n) {
		eol = memchr(p, '\n', (size_t)(end - p));
		n = (size_t)((eol != NULL ? eol + 1 : end) - p);
		while (i < nsent && (memcmp(sent[i].line, p, n) != 0 ||
		    (eol != NULL && sent[i].n != n)))
			i++;
		MUST(i < nsent);
		i++;
	}
}

static void
begin(struct event *e, struct fuzz_in *in)
{
	static const char *const names[] = { "ready", "link", "stream", "end" };
	size_t n = 3000;
	uint8_t which = fuzz_u8(in);
	const uint8_t *p;
	char *name;

	if (which < 0xf0) {
		event_begin(e, names[which % 4]);
		return;
	}
	/* Whatever it is, there is room for the time. */
	p = fuzz_take(in, &n);
	name = fuzz_string(p, n);
	event_begin(e, name);
	free(name);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = { "peer", "reason", "x", "received" };
	struct fuzz_in in = { data, size };
	struct event e;
	const uint8_t *p;
	uint64_t number;
	char *text;
	uint8_t op;
	size_t n;
	int i;

	n = fuzz_u8(&in);
	script.p = fuzz_take(&in, &n);
	script.n = n;
	nwritten = 0;
	nsent = 0;
	event_open(in.n % 16 == 15 ? -1 : 7);
	begin(&e, &in);
	while (in.n > 0 && nsent < LINES_MAX - 1) {
		op = fuzz_u8(&in);
		switch (op & 3) {
		case 0:
			n = op & 4 ? fuzz_u16(&in) % 4096 : fuzz_u8(&in);
			p = fuzz_take(&in, &n);
			text = fuzz_string(p, n);
			say_text(&e, keys[op >> 3 & 3], text, strlen(text));
			free(text);
			break;
		case 1:
			number = 0;
			for (i = op >> 5; i >= 0; i--)
				number = number << 8 | fuzz_u8(&in);
			text = malloc(24);
			MUST(text != NULL);
			(void)snprintf(text, 24, "%llu",
			    (unsigned long long)number);
			say_plain(&e, keys[op >> 3 & 3], text);
			free(text);
			break;
		case 2:
			event_text(&e, "nothing", NULL);
			say_plain(&e, keys[op >> 3 & 3],
			    op & 4 ? "true" : "false");
			break;
		default:
			finish(&e);
			begin(&e, &in);
			break;
		}
	}
	finish(&e);
	check_written();
	return 0;
}
