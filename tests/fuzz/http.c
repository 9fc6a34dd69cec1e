/* SPDX-License-Identifier: MIT */
/* http.c - the head of a request from a stranger, in portions.
 *
 * Input: one byte that says how the rest is cut, then what a peer sends. */

#include <strings.h>

#include "fuzz.h"
#include "http.h"

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define HOST ALNUM "-._~!$&'()*+,;=:%[]"
static const char tchar[] = ALNUM "!#$%&'*+-.^_`|~";

/* What comes behind, while it has not come, would end any line and head. */
static char buf[HTTP_HEAD_MAX + 1024];

/* Feed portions of 1..step bytes; returns the verdict, and in *took how many
 * bytes had come then. */
static enum http_verdict
feed(struct http_request *r, const uint8_t *p, size_t n, size_t step,
    size_t *took)
{
	enum http_verdict v = HTTP_MORE;
	size_t k, off = 0;

	memset(buf, '\n', sizeof(buf));
	memset(r, 0, sizeof(*r));
	while (v == HTTP_MORE && off < n) {
		k = 1 + off % step;
		if (k > n - off)
			k = n - off;
		memcpy(buf + off, p + off, k);
		off += k;
		v = http_feed(r, buf, off);
	}
	*took = off;
	return v;
}

/* Made of these, and with two digits behind each '%'. */
static int
part_good(const char *s, const char *good)
{
	if (s[strspn(s, good)] != '\0')
		return 0;
	while ((s = strchr(s, '%')) != NULL) {
		if (strspn(++s, "0123456789abcdefABCDEF") < 2)
			return 0;
	}
	return 1;
}

static int
target_good(char *s, int other)
{
	char *slashes;

	if (*s == '\0' || !part_good(s, HOST "@/?"))
		return 0;
	if (strncasecmp(s, "http://", 7) != 0 &&
	    strncasecmp(s, "https://", 8) != 0)
		return *s == '/' || (other && *s != '?');
	slashes = strstr(s, "//") + 2;
	slashes[strcspn(slashes, "/?")] = '\0';
	return *slashes != '\0' && strchr(slashes, '@') == NULL;
}

/* A whole head as a string, which is spoilt; without its empty line. */
static int
head_good(char *head)
{
	char *line, *rest, *value, *end, *length = NULL;
	int hosts = 0, codings = 0;
	long minor;

	/* Ends of lines become "\n" when all are right. */
	if ((rest = strstr(head, "\r\n")) == NULL)
		return 0;
	*rest = '\0';
	rest += 2;
	if ((value = strchr(head, ' ')) == NULL || value == head)
		return 0;
	*value++ = '\0';
	if (head[strspn(head, tchar)] != '\0' ||
	    (end = strchr(value, ' ')) == NULL)
		return 0;
	*end++ = '\0';
	if (strlen(end) != 8 || strncmp(end, "HTTP/1.", 7) != 0 ||
	    strchr("0123456789", end[7]) == NULL)
		return 0;
	minor = end[7] - '0';
	if (!target_good(value, strcmp(head, "GET") != 0 &&
	    strcmp(head, "HEAD") != 0))
		return 0;
	while (*rest != '\0') {
		line = rest;
		end = strstr(line, "\r\n");
		MUST(end != NULL);
		*end = '\0';
		rest = end + 2;
		value = line + strspn(line, tchar);
		if (value == line || *value != ':')
			return 0;
		*value++ = '\0';
		value += strspn(value, " \t");
		while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
			*--end = '\0';
		if (strcasecmp(line, "host") == 0 &&
		    (hosts++ > 0 || !part_good(value, HOST)))
			return 0;
		if (strcasecmp(line, "transfer-encoding") == 0 &&
		    (codings++ > 0 || strcasecmp(value, "chunked") != 0))
			return 0;
		if (strcasecmp(line, "content-length") != 0)
			continue;
		if (*value == '\0' || strlen(value) > 18 ||
		    value[strspn(value, "0123456789")] != '\0' ||
		    (length != NULL && strtoll(length, NULL, 10) !=
		    strtoll(value, NULL, 10)))
			return 0;
		length = value;
	}
	return (hosts == 1 || minor == 0) &&
	    (codings == 0 || (length == NULL && minor > 0));
}

/* What http.h says of n bytes: DONE, with the length of the head, or BAD, or
 * one of the others. */
static enum http_verdict
should_be(const uint8_t *p, size_t n, size_t *head_len)
{
	size_t i;
	char *copy;
	int good;

	for (i = 0; i < n && i < HTTP_HEAD_MAX; i++) {
		if ((p[i] < ' ' && p[i] != '\t' && p[i] != '\r' &&
		    p[i] != '\n') || p[i] == 0x7f ||
		    (p[i] == '\n' && (i == 0 || p[i - 1] != '\r')) ||
		    (p[i] != '\n' && i > 0 && p[i - 1] == '\r'))
			return HTTP_BAD;
		if (i < 3 || memcmp(p + i - 3, "\r\n\r\n", 4) != 0)
			continue;
		*head_len = i + 1;
		copy = fuzz_string(p, i - 1);
		good = head_good(copy);
		free(copy);
		return good ? HTTP_DONE : HTTP_BAD;
	}
	return i == HTTP_HEAD_MAX ? HTTP_TOO_LONG : HTTP_MORE;
}

static void
check_text(const struct http_text *t, const char *p, size_t n)
{
	MUST(t->p >= p && t->p <= p + n && t->n <= (size_t)(p + n - t->p));
	MUST(memchr(t->p, '\r', t->n) == NULL);
}

static void
check_done(const struct http_request *r, const char *p)
{
	static const char *const names[] = {
		"Host", "connection", "X", "Upgrade", "", "Content-Length"
	};
	struct http_text v;
	size_t i;

	check_text(&r->path, p, r->head_len);
	check_text(&r->query, p, r->head_len);
	MUST(r->path.n > 0 && memchr(r->path.p, '?', r->path.n) == NULL);
	MUST(r->method == HTTP_OTHER || r->path.p[0] == '/');
	MUST(r->minor <= 9);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!http_field(r, names[i], &v)) {
			MUST(!http_field_has(r, names[i], "close"));
			MUST(i != 0 || r->minor == 0);
			continue;
		}
		check_text(&v, p, r->head_len);
		MUST(v.n == 0 || strchr(" \t", v.p[0]) == NULL);
		MUST(v.n == 0 || strchr(" \t", v.p[v.n - 1]) == NULL);
		MUST(v.p[-1] == ':' || v.p[-1] == ' ' || v.p[-1] == '\t');
	}
	MUST(!r->keep_alive || (!r->has_body &&
	    !http_field_has(r, "Connection", "CLOSE")));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_request whole, cut, one;
	size_t head_len = 0, n, took, again, step, end;
	enum http_verdict v, should;
	uint8_t *copy;

	if (size < 1)
		return 0;
	step = data[0] > 0 ? data[0] : 1;
	n = size - 1;
	copy = fuzz_copy(data + 1, n);
	memset(&whole, 0, sizeof(whole));
	v = http_feed(&whole, copy, n);
	if (v == HTTP_DONE)
		check_done(&whole, (const char *)copy);
	if (n > HTTP_HEAD_MAX + 512)
		n = HTTP_HEAD_MAX + 512;
	MUST(feed(&one, copy, n, 1, &again) == v);
	MUST(feed(&cut, copy, n, step, &took) == v);
	MUST(took >= again && took < again + step);
	if (v == HTTP_DONE) {
		MUST(one.head_len == again && whole.head_len == again);
		MUST(cut.head_len == again && again <= HTTP_HEAD_MAX);
		MUST(whole.method == cut.method && whole.minor == cut.minor &&
		    whole.keep_alive == cut.keep_alive &&
		    whole.has_body == cut.has_body);
		check_done(&cut, buf);
	}
	if (v == HTTP_TOO_LONG)
		MUST(again == HTTP_HEAD_MAX);
	/* Bad lines are seen before the head is whole: not so here. */
	should = should_be(copy, n, &head_len);
	if (v != HTTP_BAD || head_len > 0) {
		MUST(v == should);
		MUST(v != HTTP_DONE || whole.head_len == head_len);
	} else if (should != HTTP_BAD) {
		for (end = again; end > 0 && copy[end - 1] != '\n'; end--)
			continue;
		MUST(end == again);
	}
	free(copy);
	return 0;
}
