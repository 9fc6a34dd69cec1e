/* SPDX-License-Identifier: MIT */
/* event.c - exact lines, every length, and every way in which a descriptor
 * can take half a line.  The source is included so that write() can do less
 * than it is asked to. */

#include "unit.h"

/* What the next calls of write() do: a number of bytes at most, or minus an
 * errno.  Behind the last one write() is itself, or, if it cuts, takes a
 * part of what it is given, or is interrupted. */
static const int *script;
static size_t nscript;
static atomic_bool cuts;
static atomic_uint writes;
/* How long one takes, ms. */
static atomic_int slow;
/* Or it blocks until there is a byte to read here, whatever poll() said. */
static atomic_int blocks = -1;

static ssize_t
test_write(int fd, const void *p, size_t n)
{
	unsigned x = atomic_fetch_add(&writes, 1) * 2654435761u;
	int what;
	char byte;

	if (atomic_load(&slow) > 0)
		unit_sleep(atomic_load(&slow));
	if (atomic_load(&blocks) != -1 &&
	    read(atomic_load(&blocks), &byte, 1) == -1)
		return -1;
	if (nscript > 0) {
		nscript--;
		if ((what = *script++) < 0) {
			errno = -what;
			return -1;
		}
		if (n > (size_t)what)
			n = (size_t)what;
	} else if (atomic_load(&cuts)) {
		if (x >> 29 == 0) {
			errno = EINTR;
			return -1;
		}
		n = 1 + (x >> 8) % n;
	}
	return write(fd, p, n);
}

#define write test_write
#include "../../event.c"
#undef write

#define SCRIPT(...) do {						\
	static const int script_[] = { __VA_ARGS__ };			\
	script = script_;						\
	nscript = sizeof(script_) / sizeof(script_[0]);			\
} while (0)

static int reader;

/* Events go to a datagram socket here, so that one write shows as one. */
static void
catch_events(void)
{
	int pair[2];

	(void)signal(SIGPIPE, SIG_IGN);		/* as task.c does */
	REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
	reader = pair[0];
	event_open(pair[1]);
}

/* The next write, "" if there was none, with the time replaced by T if it has
 * the right form. */
static const char *
next(void)
{
	static char text[EVENT_MAX + 64];
	ssize_t n = recv(reader, text, sizeof(text) - 1, MSG_DONTWAIT);
	char *p, *q;

	text[n > 0 ? n : 0] = '\0';
	if (n > 0)
		CHECK_EQ(strlen(text), n);
	if ((p = strstr(text, ",\"time\":")) == NULL)
		return text;
	p += 8;
	q = p + strspn(p, "0123456789");
	if (q - p < 10 || *p == '0' || *q != '.' ||
	    strspn(q + 1, "0123456789") != 3)
		return text;
	*p = 'T';
	memmove(p + 1, q + 4, strlen(q + 4) + 1);
	return text;
}

#define LINE(rest_) "{\"v\":1,\"event\":\"x\",\"time\":T" rest_ "}\n"

/* One event with one text. */
static const char *
line_of(const char *text)
{
	struct event e;

	event_begin(&e, "x");
	event_text(&e, "t", text);
	event_send(&e);
	return next();
}

static void
members(void)
{
	struct event e;

	catch_events();
	event_begin(&e, "x");
	event_send(&e);
	CHECK_STR(next(), LINE(""));
	event_begin(&e, "x");
	event_text(&e, "a", "text");
	event_text(&e, "none", NULL);
	event_text(&e, "empty", "");
	event_number(&e, "zero", 0);
	event_number(&e, "most", UINT64_MAX);
	event_number(&e, "n", 65536);
	event_truth(&e, "yes", 1);
	event_truth(&e, "no", 0);
	event_truth(&e, "two", 2);
	event_text(&e, "b", "say \"hi\"\n");
	event_send(&e);
	CHECK_STR(next(), LINE(",\"a\":\"text\",\"empty\":\"\",\"zero\":0,"
	    "\"most\":18446744073709551615,\"n\":65536,\"yes\":true,"
	    "\"no\":false,\"two\":true,\"b\":\"say \\\"hi\\\"\\n\""));
	/* It is gone, and is not sent again. */
	event_send(&e);
	CHECK_STR(next(), "");
}

static int64_t
wall_ms(void)
{
	struct timeval tv;

	(void)gettimeofday(&tv, NULL);
	return (int64_t)tv.tv_sec * 1000 + tv.tv_usec / 1000;
}

static void
wall_clock(void)
{
	struct event e;
	long long before, after, is;
	unsigned ms;
	char end[3];
	int i;

	catch_events();
	for (i = 0; i < 200; i++) {
		before = wall_ms();
		event_begin(&e, "x");
		after = wall_ms();
		e.line[e.n] = '\0';
		REQUIRE(sscanf(e.line,
		    "{\"v\":1,\"event\":\"x\",\"time\":%lld.%3u%2s", &is, &ms,
		    end) == 2);
		is = is * 1000 + ms;
		CHECK(before <= is && is <= after);
		if (i % 20 == 0)
			unit_sleep(1);
	}
}

static void
nobody(void)
{
	struct event e;
	int64_t begin;
	int i;

	(void)signal(SIGPIPE, SIG_IGN);
	reader = -1;
	for (i = 0; i < 2; i++) {
		unit_row("time %d", i);
		memset(&e, 'x', sizeof(e));
		errno = ENOTTY;
		event_begin(&e, "x");
		CHECK_EQ(e.n, 0);
		event_text(&e, "a", "b");
		event_number(&e, "a", 1);
		event_truth(&e, "a", 1);
		event_send(&e);
		CHECK_EQ(e.n, 0);
		CHECK_EQ(e.line[0], 'x');
		CHECK_EQ(errno, ENOTTY);
		CHECK_EQ(atomic_load(&writes), 0);
		event_open(-1);
	}
	begin = unit_ms();
	for (i = 0; i < 1000000; i++) {
		event_begin(&e, "x");
		event_text(&e, "a", "b");
		event_send(&e);
	}
	CHECK(unit_ms() - begin < 2000);
	/* From one to nobody, in the midst of an event. */
	catch_events();
	event_begin(&e, "x");
	event_open(-1);
	event_send(&e);
	CHECK_STR(next(), "");
	CHECK_STR(line_of("y"), "");
}

#define BAD "\xef\xbf\xbd"

static const struct {
	const char *text, *json;
} texts[] = {
	{ "", "" }, { "plain", "plain" }, { "a/b", "a/b" }, { "'", "'" },
	{ "\"", "\\\"" }, { "\\", "\\\\" }, { "\\n", "\\\\n" },
	{ "\b\f\n\r\t", "\\b\\f\\n\\r\\t" },
	{ "\x01\x07\x0b\x1b[2J\x1f", "\\u0001\\u0007\\u000b\\u001b[2J\\u001f" },
	{ "\x7f", "\\u007f" }, { " ~", " ~" }, { "</script>", "</script>" },
	/* The first and the last of each length. */
	{ "\xc2\x80", "\\u0080" }, { "\xc2\x9b", "\\u009b" },
	{ "\xc2\x9f", "\\u009f" }, { "\xc2\xa0", "\xc2\xa0" },
	{ "\xdf\xbf", "\xdf\xbf" }, { "\xe0\xa0\x80", "\xe0\xa0\x80" },
	{ "\xed\x9f\xbf", "\xed\x9f\xbf" },
	{ "\xee\x80\x80", "\xee\x80\x80" },
	{ "\xef\xbf\xbf", "\xef\xbf\xbf" },
	{ "\xf0\x90\x80\x80", "\xf0\x90\x80\x80" },
	{ "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
	{ "\xe2\x80\xa7", "\xe2\x80\xa7" }, { "\xe2\x80\xa8", "\\u2028" },
	{ "\xe2\x80\xa9", "\\u2029" }, { "\xe2\x80\xaa", "\xe2\x80\xaa" },
	{ BAD, BAD }, { "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
	/* Too long a form: each byte by itself cannot begin anything. */
	{ "\xc0\x80", BAD BAD }, { "\xc0\xaf", BAD BAD },
	{ "\xc1\xbf", BAD BAD }, { "\xe0\x80\x80", BAD BAD BAD },
	{ "\xe0\x9f\xbf", BAD BAD BAD },
	{ "\xf0\x80\x80\x80", BAD BAD BAD BAD },
	{ "\xf0\x8f\xbf\xbf", BAD BAD BAD BAD },
	/* Surrogates, alone and in a pair. */
	{ "\xed\xa0\x80", BAD BAD BAD }, { "\xed\xbf\xbf", BAD BAD BAD },
	{ "\xed\xa0\xbd\xed\xb8\x80", BAD BAD BAD BAD BAD BAD },
	/* Above U+10FFFF. */
	{ "\xf4\x90\x80\x80", BAD BAD BAD BAD },
	{ "\xf5\x80\x80\x80", BAD BAD BAD BAD },
	{ "\xf8\x88\x80\x80\x80", BAD BAD BAD BAD BAD },
	{ "\xfe\xff", BAD BAD },
	/* Broken off, at the end and before something else: one for what
	 * could have become a character. */
	{ "\x80", BAD }, { "\xbf\xbf", BAD BAD }, { "\xc3", BAD },
	{ "\xe2", BAD }, { "\xe2\x82", BAD }, { "\xf0\x9f", BAD },
	{ "\xf0\x9f\x98", BAD }, { "\xc3\"", BAD "\\\"" },
	{ "\xe2\x82\"", BAD "\\\"" }, { "\xf0\x9f\x98\\", BAD "\\\\" },
	{ "\xf0\x9f\xc3\xbc", BAD "\xc3\xbc" }, { "\xe2\xe2\x82\xac",
	    BAD "\xe2\x82\xac" }, { "\xc3\xc3\xbc", BAD "\xc3\xbc" },
	{ "\xf0\x90\x80\x80\x80", "\xf0\x90\x80\x80" BAD },
	/* Unicode 3.9, table 3-11. */
	{ "\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", BAD BAD BAD BAD "A" }
};

static void
encodings(void)
{
	char should[256];
	size_t i;

	catch_events();
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		unit_row("text %zu", i);
		(void)snprintf(should, sizeof(should), LINE(",\"t\":\"%s\""),
		    texts[i].json);
		/* With its NUL as the last byte there is. */
		CHECK_STR(line_of((const char *)unit_guard(texts[i].text,
		    strlen(texts[i].text) + 1)), should);
	}
}

/* Read one character of JSON text at p, as strict as RFC 8259 and RFC 3629
 * are; it is the value of what was escaped.  Returns its length, or 0. */
static size_t
character(const char *p, const char *end, uint32_t *c)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char values[] = "\"\\/\b\f\n\r\t";
	const unsigned char *s = (const unsigned char *)p;
	size_t n, i, left = (size_t)(end - p);
	const char *found;
	char hex[5] = "";

	if (s[0] == '\\' && left >= 6 && s[1] == 'u') {
		memcpy(hex, p + 2, 4);
		*c = (uint32_t)strtoul(hex, NULL, 16);
		return strspn(hex, "0123456789abcdef") == 4 ? 6 : 0;
	}
	if (s[0] == '\\') {
		if (left < 2 || (found = memchr(letters, s[1], 8)) == NULL)
			return 0;
		*c = (uint32_t)(unsigned char)values[found - letters];
		return 2;
	}
	if (s[0] < 0x20 || s[0] == '"' || s[0] == 0x7f)
		return 0;
	n = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 :
	    s[0] >> 3 == 30 ? 4 : 0;
	if (n == 0 || n > left)
		return 0;
	*c = n == 1 ? s[0] : s[0] & (0x7fu >> n);
	for (i = 1; i < n; i++) {
		if (s[i] >> 6 != 2)
			return 0;
		*c = *c << 6 | (s[i] & 0x3fu);
	}
	/* The shortest form, and a character at all. */
	if (n != (*c < 0x80 ? 1u : *c < 0x800 ? 2u : *c < 0x10000 ? 3u : 4u) ||
	    (*c >= 0xd800 && *c < 0xe000) || *c > 0x10ffff)
		return 0;
	return n;
}

/* The content of member t of e, which stands last in it: where it begins, and
 * its length; NULL if there is none.  What is before it is as it should be. */
static const char *
value_of(const struct event *e, size_t *n)
{
	static const char begin[] = "{\"v\":1,\"event\":\"x\",\"time\":";
	const char *p = e->line + sizeof(begin) - 1, *end = e->line + e->n;

	REQUIRE(memcmp(e->line, begin, sizeof(begin) - 1) == 0);
	while (p < end && ((*p >= '0' && *p <= '9') || *p == '.'))
		p++;
	if (p == end)
		return NULL;
	REQUIRE(end - p >= 7 && memcmp(p, ",\"t\":\"", 6) == 0);
	REQUIRE(end[-1] == '"');
	p += 6;
	*n = (size_t)(end - 1 - p);
	return p;
}

static size_t
encode(uint32_t c, char *p)
{
	if (c < 0x80) {
		p[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		p[0] = (char)(0xc0 | c >> 6);
		p[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		p[0] = (char)(0xe0 | c >> 12);
		p[1] = (char)(0x80 | (c >> 6 & 0x3f));
		p[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	p[0] = (char)(0xf0 | c >> 18);
	p[1] = (char)(0x80 | (c >> 12 & 0x3f));
	p[2] = (char)(0x80 | (c >> 6 & 0x3f));
	p[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* Every code point there is, and as many above them: 64 in one text. */
static void
all_code_points(void)
{
	enum { EACH = 64 };
	char text[4 * EACH + 1];
	struct event e;
	uint32_t first, i, c, should;
	const char *p, *end;
	size_t n, k;

	catch_events();
	for (first = 0; first < 0x1fffff; first += EACH) {
		unit_row("from U+%04x", (unsigned)first);
		for (i = 0, n = 0; i < EACH; i++) {
			if (first + i != 0)
				n += encode(first + i, text + n);
		}
		text[n] = '\0';
		event_begin(&e, "x");
		event_text(&e, "t", text);
		REQUIRE((p = value_of(&e, &n)) != NULL);
		end = p + n;
		for (i = 0; i < EACH; i++) {
			should = first + i;
			if (should == 0)
				continue;
			/* No surrogates, and none that are too large: each
			 * of their bytes is replaced. */
			n = 1;
			if (should > 0x10ffff || should >> 11 == 0x1b) {
				n = should > 0x10ffff ? 4 : 3;
				should = 0xfffd;
			}
			for (; n > 0; n--) {
				k = character(p, end, &c);
				REQUIRE(k > 0 && c == should);
				p += k;
			}
		}
		CHECK(p == end);
	}
}

/* Is the value a good one, and as long as it could be? */
static void
check_value(const struct event *e, const char *text)
{
	const char *p, *end;
	size_t n, k;
	uint32_t c;

	CHECK(e->n <= EVENT_MAX - 2);
	if ((p = value_of(e, &n)) == NULL) {
		CHECK(e->n > EVENT_MAX - 2 - 8 - 6);
		return;
	}
	/* Cut it is only if there was no room for one more. */
	if (e->n <= EVENT_MAX - 2 - 6)
		CHECK(n >= strlen(text));
	for (end = p + n; p < end; p += k)
		REQUIRE((k = character(p, end, &c)) > 0);
}

static void
random_bytes(void)
{
	char text[2 * EVENT_MAX];
	struct event e;
	unsigned round;
	size_t n, i;

	catch_events();
	for (round = 0; round < 20000; round++) {
		unit_row("round %u", round);
		unit_fill((uint8_t *)text, sizeof(text), round);
		n = (unsigned char)text[0] * 16u +
		    (unsigned char)text[1] % 16u;
		if (round % 4 != 0)
			n %= 64;
		for (i = 0; i < n; i++) {
			/* Those that begin, go on, and nearly do. */
			if (round % 2 == 1)
				text[i] = "\xe0\xa0\x80\xed\x9f\xf0\x90\xf4"
				    "\x8f\xbf\xc2\xc3\"\\\na"[text[i] & 15];
			if (text[i] == '\0')
				text[i] = 'z';
		}
		text[n] = '\0';
		event_begin(&e, "x");
		event_text(&e, "t", (const char *)unit_guard(text, n + 1));
		check_value(&e, text);
		if (e.n + 16 < EVENT_MAX) {
			event_number(&e, "n", round);
			CHECK_EQ(e.line[e.n - 1], '0' + (char)(round % 10));
		}
		event_send(&e);
		(void)next();
	}
}

/* Append unit n times, and a NUL; returns where that is. */
static char *
repeat(char *to, const char *unit, size_t n)
{
	size_t len = strlen(unit);

	for (; n > 0; n--, to += len)
		memcpy(to, unit, len);
	*to = '\0';
	return to;
}

/* Texts of every length, of characters and escapes of every length: as many
 * of them as fit, and never a part of one. */
static void
lengths(void)
{
	static const struct {
		const char *in, *out;
	} units[] = {
		{ "a", "a" }, { "\xc3\xbc", "\xc3\xbc" },
		{ "\xe2\x82\xac", "\xe2\x82\xac" },
		{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
		{ "\n", "\\n" }, { "\x01", "\\u0001" }, { "\xff", BAD }
	};
	static const char begin[] = LINE(",\"t\":\"");
	static char text[4 * EVENT_MAX + 8], should[2 * EVENT_MAX];
	size_t i, n, room, fits, shift;
	struct event e;
	char *end;

	catch_events();
	event_begin(&e, "x");
	room = EVENT_MAX - e.n - strlen(",\"t\":\"\"}\n");
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		/* Shifted, so that the limit is everywhere in a unit. */
		for (n = 0; n < room + 8; n++) {
			shift = n % 7;
			unit_row("unit %zu, %zu of them", i, n);
			end = repeat(text, "z", shift);
			(void)repeat(end, units[i].in, n);
			fits = (room - shift) / strlen(units[i].out);
			memcpy(should, begin, sizeof(begin) - 3);
			end = repeat(should + sizeof(begin) - 3, "z", shift);
			end = repeat(end, units[i].out, n < fits ? n : fits);
			memcpy(end, "\"}\n", 4);
			CHECK_STR(line_of(text), should);
		}
	}
}

/* A line that is filled to each extent: what still fits is added, and whole;
 * what does not is left out, and the line ends as it should. */
static void
full(void)
{
	static char fill[EVENT_MAX + 8], tail[64], should[EVENT_MAX + 64];
	struct event e;
	size_t n, at, left;
	int what;

	catch_events();
	for (n = EVENT_MAX - 128; n < EVENT_MAX + 4; n++) {
		for (what = 0; what < 5; what++) {
			unit_row("%zu bytes before member %d", n, what);
			(void)repeat(fill, "f", n);
			event_begin(&e, "x");
			event_text(&e, "t", fill);
			at = e.n;
			left = EVENT_MAX - 2 - at;
			REQUIRE(at <= EVENT_MAX - 2);
			tail[0] = '\0';
			switch (what) {
			case 0:
				event_number(&e, "n", 1234567890);
				if (left >= 15)
					(void)strcpy(tail, ",\"n\":1234567890");
				break;
			case 1:
				event_truth(&e, "b", 0);
				if (left >= 10)
					(void)strcpy(tail, ",\"b\":false");
				break;
			case 2:
				/* Not even a part of it: nothing. */
				event_text(&e, "s", "\xe2\x82\xac\n");
				if (left >= 10)
					(void)strcpy(tail,
					    ",\"s\":\"\xe2\x82\xac\"");
				if (left >= 12)
					(void)strcpy(tail,
					    ",\"s\":\"\xe2\x82\xac\\n\"");
				break;
			case 3:
				event_text(&e, "s", "");
				if (left >= 7)
					(void)strcpy(tail, ",\"s\":\"\"");
				break;
			default:
				event_text(&e, "a longer key", "1");
				if (left >= 19)
					(void)strcpy(tail,
					    ",\"a longer key\":\"1\"");
				break;
			}
			CHECK_EQ(e.n, at + strlen(tail));
			(void)snprintf(should, sizeof(should), "%.*s%s}\n",
			    (int)at, e.line, tail);
			event_send(&e);
			at = (size_t)recv(reader, fill, sizeof(fill), 0);
			CHECK_EQ(at, strlen(should));
			CHECK(at <= EVENT_MAX);
			CHECK_BYTES(fill, should, at);
		}
	}
	/* The time is there however long the name is. */
	(void)repeat(fill, "f", EVENT_MAX);
	event_begin(&e, fill);
	event_send(&e);
	CHECK(strstr(next(), "f\",\"time\":T}\n") != NULL);
}

static int64_t
send_one(const char *name)
{
	struct event e;
	int64_t begin = unit_ms();

	event_begin(&e, name);
	event_send(&e);
	CHECK_EQ(e.n, 0);
	return unit_ms() - begin;
}

static void
keeps_errno(void)
{
	catch_events();
	errno = ENOTTY;
	(void)send_one("x");
	CHECK_EQ(errno, ENOTTY);
	CHECK_STR(next(), LINE(""));
	SCRIPT(-EIO, 3, -ENOSPC);
	(void)send_one("x");
	CHECK_EQ(errno, ENOTTY);
	(void)send_one("x");
	CHECK_EQ(errno, ENOTTY);
	SCRIPT(-EPIPE);
	(void)send_one("x");
	CHECK_EQ(errno, ENOTTY);
}

/* With an action first, the members that go with it, and then the others. */
static void
actions(void)
{
	static char fill[2 * EVENT_MAX];
	struct event e;
	const char *line;

	catch_events();
	event_action(&e, "CONNECTED");
	event_text(&e, "addr", "192.0.2.1:5000");
	event_number(&e, "port", 7);
	event_name(&e, "x");
	event_text(&e, "last", "z");
	event_send(&e);
	CHECK_STR(next(), "{\"action\":\"CONNECTED\",\"addr\":"
	    "\"192.0.2.1:5000\",\"port\":7,\"v\":1,\"event\":\"x\",\"time\":T,"
	    "\"last\":\"z\"}\n");
	/* However long they are, there is room for what comes behind. */
	memset(fill, 'f', sizeof(fill) - 1);
	event_action(&e, "ERROR");
	event_text(&e, "error", fill);
	event_number(&e, "port", 65535);
	event_name(&e, "x");
	event_send(&e);
	line = next();
	CHECK(strlen(line) > EVENT_MAX - 128);
	line = strstr(line, "ff\",");
	REQUIRE(line != NULL);
	CHECK_STR(line, "ff\",\"v\":1,\"event\":\"x\",\"time\":T}\n");
	event_action(&e, fill);
	event_name(&e, fill);
	event_text(&e, "more", fill);
	CHECK(e.n <= EVENT_MAX - 2);
	event_send(&e);
	line = next();
	CHECK(strstr(line, "ff\",\"v\":1,\"event\":\"fff") != NULL);
	CHECK(strstr(line, "ff\",\"time\":T") != NULL);
	event_open(-1);
	memset(&e, 'x', sizeof(e));
	event_action(&e, "LIST");
	event_list(&e, "l");
	CHECK(!event_item(&e, "i"));
	event_item_begin(&e);
	CHECK(!event_item_end(&e));
	event_list_end(&e);
	event_name(&e, "x");
	event_send(&e);
	CHECK_EQ(e.n, 0);
	CHECK_EQ(e.line[0], 'x');
	CHECK_STR(next(), "");
}

static void
lists(void)
{
	struct event e;

	catch_events();
	event_begin(&e, "x");
	event_list(&e, "none");
	event_list_end(&e);
	event_list(&e, "texts");
	CHECK(event_item(&e, "a\n"));
	CHECK(event_item(&e, ""));
	CHECK(event_item(&e, "["));
	CHECK(event_item(&e, "b"));
	event_list_end(&e);
	event_list(&e, "objects");
	event_item_begin(&e);
	CHECK(event_item_end(&e));
	event_item_begin(&e);
	event_text(&e, "a", "{");
	event_number(&e, "b", 1);
	CHECK(event_item_end(&e));
	event_list_end(&e);
	event_truth(&e, "t", 1);
	/* Where no list is, there are no items. */
	CHECK(!event_item(&e, "a"));
	event_item_begin(&e);
	event_text(&e, "a", "b");
	CHECK(!event_item_end(&e));
	event_truth(&e, "f", 0);
	event_send(&e);
	CHECK_STR(next(), LINE(",\"none\":[],\"texts\":[\"a\\n\",\"\","
	    "\"[\",\"b\"],\"objects\":[{},{\"a\":\"{\",\"b\":1}],\"t\":true,"
	    "\"f\":false"));
}

/* A line that is filled to each extent, and a list: all that is in it is
 * whole, and it has its end, and there is room for the number behind it. */
static void
full_lists(void)
{
	static char fill[EVENT_MAX + 8];
	char item[64], end[512];
	unsigned i, ntexts, nobjects;
	bool fits[4];
	struct event e;
	size_t n, at, len;
	const char *line;

	catch_events();
	for (n = EVENT_MAX - 400; n < EVENT_MAX; n++) {
		unit_row("%zu bytes before the list", n);
		(void)repeat(fill, "f", n);
		event_begin(&e, "x");
		event_text(&e, "t", fill);
		at = e.n;
		event_list(&e, "l");
		/* The last is short enough to fit where the others do not. */
		for (i = 0, ntexts = 0; i < 4; i++) {
			fits[i] = event_item(&e, i < 3 ? "123456789" : "1");
			ntexts += fits[i];
		}
		for (i = 0, nobjects = 0; i < 4; i++) {
			event_item_begin(&e);
			event_text(&e, "id", "0123456789");
			event_number(&e, "n", 12345);
			nobjects += event_item_end(&e);
		}
		event_list_end(&e);
		len = e.n;
		event_number(&e, "more", UINT64_MAX);
		CHECK(len == at || e.n > len);
		CHECK(e.n <= EVENT_MAX - 2);
		len = 0;
		if (e.text[at + 2] == 'l')
			len = (size_t)snprintf(end, sizeof(end), ",\"l\":[");
		for (i = 0; i < 4; i++)
			if (fits[i])
				len += (size_t)snprintf(end + len,
				    sizeof(end) - len, "%s%s", end[len - 1] ==
				    '[' ? "" : ",", i < 3 ? "\"123456789\"" :
				    "\"1\"");
		for (i = 0; i < nobjects; i++) {
			(void)snprintf(item, sizeof(item),
			    "{\"id\":\"0123456789\",\"n\":12345}");
			len += (size_t)snprintf(end + len, sizeof(end) - len,
			    "%s%s", i + ntexts > 0 ? "," : "", item);
		}
		if (len > 0)
			len += (size_t)snprintf(end + len, sizeof(end) - len,
			    "]");
		else
			CHECK(ntexts == 0 && nobjects == 0);
		if (at + len + 28 <= EVENT_MAX - 2)
			(void)snprintf(end + len, sizeof(end) - len,
			    ",\"more\":18446744073709551615}\n");
		else
			(void)snprintf(end + len, sizeof(end) - len, "}\n");
		event_send(&e);
		line = strstr(next(), "f\",\"l\"");
		if (len > 0) {
			REQUIRE(line != NULL);
			CHECK_STR(line + 2, end);
		} else
			CHECK(line == NULL);
	}
}

/* A list of n items in a long line; returns how many had no room. */
static unsigned
long_list(struct event *e, unsigned n)
{
	unsigned i, out = 0;

	event_action_long(e, "LIST");
	event_list(e, "sessions");
	for (i = 0; i < n; i++)
		out += !event_item(e, "0123456789abcdef");
	event_list_end(e);
	event_name(e, "x");
	return out;
}

struct slow_reader {
	int fd, pause_ms, after;
	size_t n;
	char text[EVENT_LONG_MAX + 8192];
};

/* Reads to the end, 8 KiB at a time, and pauses after each, or after one. */
static void *
slow_main(void *arg)
{
	struct slow_reader *r = arg;
	ssize_t got;

	while ((got = read(r->fd, r->text + r->n, 8192)) > 0) {
		r->n += (size_t)got;
		REQUIRE(r->n <= EVENT_LONG_MAX);
		if (r->after-- <= 1)
			unit_sleep(r->pause_ms);
		if (r->after == 0)
			r->pause_ms = 0;
	}
	return arg;
}

/* Lines longer than any pipe: they come whole to one who reads slowly, and to
 * one who stops, a while later, before the next; what they cannot hold is
 * left out. */
static void
long_lines(void)
{
	static const struct {
		unsigned n;
		int pause_ms, after;
	} rows[] = {
		{ 0, 0, 0 }, { 1, 0, 0 }, { 100, 0, 0 }, { 1032, 0, 0 },
		{ 20000, 0, 0 }, { 13000, 10, 0 }, { 13000, 600, 3 }
	};
	static struct slow_reader r;
	static const char head[] = "{\"action\":\"LIST\",\"sessions\":[";
	static const char next_line[] = "{\"v\":1,\"event\":\"y\"";
	pthread_t thread;
	struct event e;
	const char *end;
	int64_t begin;
	unsigned out;
	size_t i, k;
	int fd[2];

	(void)signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("row %zu", i);
		REQUIRE(pipe(fd) == 0);
		event_open(fd[1]);
		r.fd = fd[0];
		r.pause_ms = rows[i].pause_ms;
		r.after = rows[i].after;
		r.n = 0;
		REQUIRE(pthread_create(&thread, NULL, slow_main, &r) == 0);
		out = long_list(&e, rows[i].n);
		CHECK(e.n <= EVENT_LONG_MAX - 2);
		CHECK(rows[i].n <= 13000 ? out == 0 : e.n + 256 >
		    EVENT_LONG_MAX);
		begin = unit_ms();
		event_send(&e);
		CHECK(unit_ms() - begin < 1300);
		if (rows[i].after > 0) {
			CHECK(rest.n > EVENT_MAX);
			unit_sleep(700);
		}
		for (k = 0; k == 0 || (rest.n > 0 && k < 30); k++)
			(void)send_one("y");
		CHECK_EQ(rest.n, 0);
		(void)close(fd[1]);
		REQUIRE(pthread_join(thread, NULL) == 0);
		(void)close(fd[0]);
		r.text[r.n] = '\0';
		end = strchr(r.text, '\n');
		REQUIRE(end != NULL);
		CHECK_BYTES(r.text, head, sizeof(head) - 1);
		CHECK_BYTES(end + 1, next_line, sizeof(next_line) - 1);
		end = strchr(r.text, ']');
		REQUIRE(end != NULL);
		CHECK_EQ(end - r.text, sizeof(head) - 1 +
		    (rows[i].n > 0 ? 19 * (rows[i].n - out) - 1 : 0));
		CHECK_BYTES(end, "],\"v\":1,\"event\":\"x\",\"time\":", 25);
	}
	/* To one who does not read at all it is lost after 100 ms. */
	unit_row("stalled");
	REQUIRE(pipe(fd) == 0);
	event_open(fd[1]);
	(void)long_list(&e, 1032 * 10);
	begin = unit_ms();
	event_send(&e);
	CHECK(unit_ms() - begin < 1000);
	CHECK(rest.n > 0);
	begin = unit_ms();
	(void)send_one("y");
	CHECK(unit_ms() - begin < 400);
}

/* A reader that is gone ends the events, and nothing else. */
static void
gone(void)
{
	int i, fd[2];

	(void)signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < 4; i++) {
		unit_row("descriptor %d", i);
		if (i == 3)
			unit_tcp(fd);
		else if (i == 2)
			REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
		else
			REQUIRE(pipe(fd) == 0);
		if (i == 3)
			unit_reset(fd[0]);
		else
			(void)close(fd[0]);
		if (i == 1)
			(void)close(fd[1]);
		event_open(fd[1]);
		atomic_store(&writes, 0);
		CHECK(send_one("a") < 50);
		CHECK_EQ(atomic_load(&event_fd), -1);
		CHECK(send_one("b") < 50);
		CHECK_EQ(atomic_load(&writes), 1);
		if (i != 1) {
			CHECK(fcntl(fd[1], F_GETFD) != -1);
			(void)close(fd[1]);
		}
	}
}

/* All that is to be read from fd now, with its length. */
static size_t
drain(int fd, char *p, size_t size)
{
	struct pollfd pfd = { fd, POLLIN, 0 };
	size_t n = 0;
	ssize_t got;

	while (n < size && poll(&pfd, 1, 0) == 1 &&
	    (got = read(fd, p + n, size - n)) > 0)
		n += (size_t)got;
	return n;
}

/* The names of the events in n bytes, each line of which is whole. */
static const char *
names(const char *p, size_t n)
{
	static char text[64];
	const char *end;
	size_t len = 0;

	while (n > 0 && len + 1 < sizeof(text)) {
		end = memchr(p, '\n', n);
		if (end == NULL || end - p < 20 || end[-1] != '}' ||
		    memcmp(p, "{\"v\":1,\"event\":\"", 16) != 0)
			return "not whole";
		text[len++] = p[16];
		n -= (size_t)(end + 1 - p);
		p = end + 1;
	}
	text[len] = '\0';
	return text;
}

/* Half a line is written: nothing may come before its other half, however
 * long that takes; and what was lost is lost as a whole. */
static void
halves(void)
{
	static const struct {
		int script[8];
		size_t n;
		const char *names;	/* of a, b, c: what is read */
	} rows[] = {
		{ { -EINTR, -EINTR }, 2, "abc" },
		{ { 1, 1, -EINTR, 1, 30, 2 }, 6, "abc" },
		{ { -EAGAIN }, 1, "bc" }, { { -ENOSPC, -EIO }, 2, "c" },
		{ { 0 }, 1, "bc" },
		/* One byte of a; its rest goes before b. */
		{ { 1, -EAGAIN }, 2, "abc" },
		{ { 20, -ENOSPC }, 2, "abc" },
		/* The rest comes out with b's turn, but b does not. */
		{ { 20, -EAGAIN, 1, 1, -EAGAIN }, 5, "ac" },
		{ { 20, -EAGAIN, -EAGAIN }, 3, "ac" },
		{ { 20, -EAGAIN, 3, 1000, 4, -EAGAIN }, 6, "abc" },
		{ { 20, -EAGAIN, 1000, -EAGAIN }, 4, "ac" },
		{ { 20, -EAGAIN, -EAGAIN, -EAGAIN }, 4, "a" }
	};
	char text[4096];
	size_t i, n;
	int fd[2];

	REQUIRE(pipe(fd) == 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("row %zu", i);
		event_open(fd[1]);
		script = rows[i].script;
		nscript = rows[i].n;
		(void)send_one("a");
		(void)send_one("b");
		(void)send_one("c");
		CHECK_EQ(nscript, 0);
		if (rest.n > 0)		/* the last row */
			(void)send_one("d");
		n = drain(fd[0], text, sizeof(text));
		CHECK_STR(names(text, n), i + 1 < sizeof(rows) /
		    sizeof(rows[0]) ? rows[i].names : "ad");
	}
	/* A new descriptor begins with a new line. */
	event_open(fd[1]);
	SCRIPT(20, -EAGAIN);
	(void)send_one("a");
	CHECK_EQ(drain(fd[0], text, sizeof(text)), 20);
	event_open(fd[1]);
	(void)send_one("b");
	n = drain(fd[0], text, sizeof(text));
	CHECK_STR(names(text, n), "b");
}

static void *
stall_main(void *arg)
{
	CHECK(send_one("s") < 400);
	return arg;
}

/* A reader that does not read: a line is lost after 100 ms, whoever's it is,
 * and there is no queue in which all wait for each other's 100 ms. */
static void
stalled(void)
{
	pthread_t thread[16];
	static char text[256 * 1024];
	int64_t ms, begin;
	int i, nonblock, fd[2];
	size_t n, k;

	for (nonblock = 0; nonblock < 2; nonblock++) {
		unit_row("nonblock %d", nonblock);
		REQUIRE(pipe(fd) == 0);
		/* Fill it. */
		memset(text, 0, sizeof(text));
		REQUIRE(fcntl(fd[1], F_SETFL, O_NONBLOCK) == 0);
		while (write(fd[1], text, 4096) > 0)
			continue;
		if (!nonblock)
			REQUIRE(fcntl(fd[1], F_SETFL, 0) == 0);
		event_open(fd[1]);
		ms = send_one("a");
		CHECK(ms >= 95 && ms < 400);
		begin = unit_ms();
		for (i = 0; i < 16; i++)
			REQUIRE(pthread_create(&thread[i], NULL, stall_main,
			    NULL) == 0);
		for (i = 0; i < 16; i++)
			REQUIRE(pthread_join(thread[i], NULL) == 0);
		CHECK(unit_ms() - begin < 600);
		/* Room for one again. */
		REQUIRE(read(fd[0], text, 4096) == 4096);
		CHECK(send_one("b") < 90);
		n = drain(fd[0], text, sizeof(text));
		for (k = 0; k < n && text[k] == '\0'; k++)
			continue;
		CHECK_STR(names(text + k, n - k), "b");
		/* Flags are not ours to change. */
		CHECK_EQ((fcntl(fd[1], F_GETFL) & O_NONBLOCK) != 0, nonblock);
	}
}

static void
on_usr1(int sig)
{
	(void)sig;
}

/* Signals as task.c sets them. */
static void
task_signals(void)
{
	struct sigaction sa;

	sa.sa_handler = on_usr1;
	sa.sa_flags = 0;
	(void)sigemptyset(&sa.sa_mask);
	REQUIRE(sigaction(SIGUSR1, &sa, NULL) == 0);
	(void)signal(SIGPIPE, SIG_IGN);
}

static atomic_int running;

static void *
stuck_main(void *arg)
{
	(void)send_one("a");
	atomic_fetch_sub(&running, 1);
	return arg;
}

/* poll() says that there is room, and write() blocks all the same: that holds
 * up one thread and no other, and a kick frees it. */
static void
stuck(void)
{
	pthread_t thread;
	int64_t ms, begin;
	char text[1024];
	int fd[2], gate[2], round;
	size_t n;

	task_signals();
	for (round = 0; round < 2; round++) {
		unit_row("round %d", round);
		REQUIRE(pipe(fd) == 0 && pipe(gate) == 0);
		event_open(fd[1]);
		atomic_store(&blocks, gate[0]);
		atomic_store(&running, 1);
		REQUIRE(pthread_create(&thread, NULL, stuck_main, NULL) == 0);
		unit_sleep(20);
		ms = send_one("b");
		CHECK(ms >= 95 && ms < 400);
		CHECK_EQ(atomic_load(&running), 1);
		if (round == 0)
			REQUIRE(write(gate[1], "", 1) == 1);
		begin = unit_ms();
		while (round == 1 && atomic_load(&running) > 0 &&
		    unit_ms() - begin < 2000) {
			(void)pthread_kill(thread, SIGUSR1);
			unit_sleep(10);
		}
		if (round == 1)
			CHECK_EQ(atomic_load(&running), 0);
		REQUIRE(pthread_join(thread, NULL) == 0);
		atomic_store(&blocks, -1);
		CHECK(send_one("c") < 90);
		n = drain(fd[0], text, sizeof(text));
		CHECK_STR(names(text, n), round == 0 ? "ac" : "c");
	}
}

enum { PATIENT = 60 };

static void *
patient_main(void *arg)
{
	(void)send_one("a");
	return arg;
}

/* Many at once, and a reader that takes a line each 5 ms, which is more than
 * 100 ms in all: it loses none.  On a busy machine it may be no such reader. */
static void
patient(void)
{
	pthread_t thread[PATIENT];
	char text[PATIENT * 64];
	size_t lines = 0;
	int fd[2], i, tries;

	for (tries = 0; tries < 5 && lines < PATIENT; tries++) {
		REQUIRE(pipe(fd) == 0);
		event_open(fd[1]);
		atomic_store(&slow, 5);
		for (i = 0; i < PATIENT; i++)
			REQUIRE(pthread_create(&thread[i], NULL, patient_main,
			    NULL) == 0);
		for (i = 0; i < PATIENT; i++)
			REQUIRE(pthread_join(thread[i], NULL) == 0);
		atomic_store(&slow, 0);
		lines = strlen(names(text, drain(fd[0], text, sizeof(text))));
		(void)close(fd[0]);
		(void)close(fd[1]);
	}
	CHECK_EQ(lines, PATIENT);
}

enum { THREADS = 8 };

static int crowd_fd;
static unsigned crowd_lines = 250;	/* of each thread */
static bool crowd_pauses;	/* the reader stops for longer than we wait */
static unsigned crowd_got[THREADS];
static atomic_bool crowd_ended;

/* How many characters the line of this thread and number is padded with. */
static size_t
padding(unsigned who, unsigned seq)
{
	unsigned x = (who * 7919 + seq + 1) * 2654435761u >> 8;

	return x % 8 == 0 ? x / 8 % (EVENT_MAX + 64) : x / 8 % 200;
}

static void
crowd_line(char *line)
{
	static int last[THREADS] = { -1, -1, -1, -1, -1, -1, -1, -1 };
	static char should[2 * EVENT_MAX];
	unsigned who, seq;
	long long sec;
	int ms, n;
	size_t pad;

	if (strncmp(line, "{\"v\":1,\"event\":\"end\"", 20) == 0) {
		atomic_store(&crowd_ended, true);
		return;
	}
	CHECK(!atomic_load(&crowd_ended));
	REQUIRE(sscanf(line, "{\"v\":1,\"event\":\"crowd\",\"time\":%lld.%d,"
	    "\"who\":%u,\"seq\":%u,", &sec, &ms, &who, &seq) == 4);
	REQUIRE(who < THREADS && seq < crowd_lines &&
	    (int)seq > last[who]);
	last[who] = (int)seq;
	n = snprintf(should, sizeof(should), "{\"v\":1,\"event\":\"crowd\","
	    "\"time\":%lld.%03d,\"who\":%u,\"seq\":%u,\"pad\":\"", sec, ms,
	    who, seq);
	pad = padding(who, seq);
	if (pad > EVENT_MAX - 3 - (size_t)n)
		pad = EVENT_MAX - 3 - (size_t)n;
	memset(should + n, (int)('a' + who), pad);
	memcpy(should + (size_t)n + pad, "\"}", 3);
	REQUIRE(strcmp(line, should) == 0);
	crowd_got[who]++;
}

/* Read in pieces of any size, and slowly. */
static void *
crowd_reader(void *arg)
{
	static char line[EVENT_MAX + 1];
	char piece[1500];
	unsigned x = 1, pauses = 0, pieces = 0;
	size_t len = 0;
	ssize_t n, i;

	do {
		x = x * 1664525u + 1013904223u;
		n = read(crowd_fd, piece, 1 + (x >> 8) % sizeof(piece));
		for (i = 0; i < n; i++) {
			REQUIRE(len < EVENT_MAX && piece[i] != '\0');
			line[len++] = piece[i];
			if (piece[i] != '\n')
				continue;
			line[len - 1] = '\0';
			crowd_line(line);
			len = 0;
		}
		if (++pieces % 16 == 0)
			unit_sleep(1);
		if (crowd_pauses && pieces % 100 == 0 && pauses++ < 6)
			unit_sleep(150);
	} while (n > 0);
	CHECK_EQ(len, 0);
	return arg;
}

static void *
crowd_writer(void *arg)
{
	unsigned who = *(const unsigned *)arg, seq;
	static char pads[THREADS][2 * EVENT_MAX];
	char *pad = pads[who];
	struct event e;

	for (seq = 0; seq < crowd_lines; seq++) {
		memset(pad, (int)('a' + who), padding(who, seq));
		pad[padding(who, seq)] = '\0';
		event_begin(&e, "crowd");
		event_number(&e, "who", who);
		event_number(&e, "seq", seq);
		event_text(&e, "pad", pad);
		event_send(&e);
	}
	atomic_fetch_sub(&running, 1);
	return NULL;
}

/* Eight threads write through fd what is read at the other end; every line
 * arrives whole or not at all. */
static void
crowd(const int fd[2])
{
	pthread_t thread[THREADS], other;
	unsigned who[THREADS], sum = 0, i;

	task_signals();
	crowd_fd = fd[0];
	event_open(fd[1]);
	atomic_store(&running, THREADS);
	REQUIRE(pthread_create(&other, NULL, crowd_reader, NULL) == 0);
	for (i = 0; i < THREADS; i++) {
		who[i] = i;
		REQUIRE(pthread_create(&thread[i], NULL, crowd_writer,
		    &who[i]) == 0);
	}
	while (atomic_load(&running) > 0) {
		unit_sleep(3);
		for (i = 0; i < THREADS; i++)
			(void)pthread_kill(thread[i], SIGUSR1);
	}
	for (i = 0; i < THREADS; i++)
		REQUIRE(pthread_join(thread[i], NULL) == 0);
	for (i = 0; i < 50 && (!atomic_load(&crowd_ended) || rest.n > 0);
	    i++) {
		(void)send_one("end");
		unit_sleep(10);
	}
	(void)close(fd[1]);
	REQUIRE(pthread_join(other, NULL) == 0);
	CHECK(atomic_load(&crowd_ended));
	for (i = 0; i < THREADS; i++) {
		unit_row("thread %u", i);
		CHECK(crowd_got[i] > 0);
		sum += crowd_got[i];
	}
	unit_row("all");
	CHECK(sum > 100);
}

static void
small_pipe(int fd[2])
{
	REQUIRE(pipe(fd) == 0);
#ifdef __linux__
	/* F_SETPIPE_SZ: one page. */
	(void)fcntl(fd[1], 1031, 4096);
#endif
}

static void
crowd_pipe(void)
{
	int fd[2];

	crowd_lines = 1000;
	small_pipe(fd);
	crowd(fd);
}

static void
crowd_pipe_pauses(void)
{
	int fd[2];

	crowd_pauses = true;
	small_pipe(fd);
	crowd(fd);
}

static void
crowd_pipe_nonblock(void)
{
	int fd[2];

	crowd_pauses = true;
	small_pipe(fd);
	REQUIRE(fcntl(fd[1], F_SETFL, O_NONBLOCK) == 0);
	crowd(fd);
}

static void
crowd_unix(void)
{
	int fd[2];

	crowd_pauses = true;
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	unit_int_option(fd[1], SO_SNDBUF, 4096);
	crowd(fd);
}

static void
crowd_tcp_nonblock(void)
{
	int fd[2], swap;

	crowd_pauses = true;
	unit_tcp(fd);
	swap = fd[0];
	fd[0] = fd[1];
	fd[1] = swap;
	unit_int_option(fd[0], SO_RCVBUF, 2048);
	unit_int_option(fd[1], SO_SNDBUF, 4096);
	REQUIRE(fcntl(fd[1], F_SETFL, O_NONBLOCK) == 0);
	crowd(fd);
}

static void
crowd_cuts(void)
{
	int fd[2];

	crowd_pauses = true;
	atomic_store(&cuts, true);
	small_pipe(fd);
	crowd(fd);
}

int
main(void)
{
	unit_case("event: members", members);
	unit_case("event: the time is the wall clock's", wall_clock);
	unit_case("event: nobody listens", nobody);
	unit_case("event: escapes and encodings", encodings);
	unit_case("event: every code point", all_code_points);
	unit_case("event: random bytes", random_bytes);
	unit_case("event: texts of every length", lengths);
	unit_case("event: full lines", full);
	unit_case("event: an action first", actions);
	unit_case("event: lists", lists);
	unit_case("event: lists in full lines", full_lists);
	unit_case("event: long lines", long_lines);
	unit_case("event: keeps errno", keeps_errno);
	unit_case("event: a reader that is gone", gone);
	unit_case("event: halves of lines", halves);
	unit_case("event: a reader that stalls", stalled);
	unit_case("event: a write that blocks", stuck);
	unit_case("event: many at once, and a reader that is slow", patient);
	unit_case("event: a crowd in a small pipe", crowd_pipe);
	unit_case("event: a crowd, and a reader that pauses",
	    crowd_pipe_pauses);
	unit_case("event: a crowd in a pipe that does not block",
	    crowd_pipe_nonblock);
	unit_case("event: a crowd in a socket", crowd_unix);
	unit_case("event: a crowd in TCP that does not block",
	    crowd_tcp_nonblock);
	unit_case("event: a crowd, and writes that are cut", crowd_cuts);
	return unit_end();
}
