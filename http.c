/* SPDX-License-Identifier: MIT */
/* http.c - the head of one HTTP request, and the response to it.
 *
 * Strict: what two parsers could read in two ways is refused, because one of
 * them may stand before us.  It reads no body and knows no resource. */

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "http.h"

enum {
	VERSION_LEN = 8,		/* "HTTP/1.1" */
	LENGTH_DIGITS = 18		/* of a Content-Length: fits 64 bits */
};

/* What beside letters and digits may stand in a method or a field's name (RFC
 * 9110 5.6.2), in a host with its port, and in a target (RFC 3986 3.2, 3.3,
 * 3.4).  Brackets are no part of a path, but people put them there. */
static const char token_marks[] = "!#$%&'*+-.^_`|~";
static const char host_marks[] = "-._~!$&'()*+,;=:%[]";
static const char target_marks[] = "-._~!$&'()*+,;=:%[]@/?";

static unsigned char
lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Not isxdigit() and the like, which ask the locale. */
static bool
is_hex(char c)
{
	return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f');
}

/* The text is s, in any case. */
static bool
same(const struct http_text *t, const char *s)
{
	size_t i;

	if (t->n != strlen(s))
		return false;
	for (i = 0; i < t->n; i++) {
		if (lower(t->p[i]) != lower(s[i]))
			return false;
	}
	return true;
}

/* Letters, digits and these marks, at least one of them. */
static bool
made_of(const struct http_text *t, const char *marks)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		if (!is_digit(t->p[i]) &&
		    (lower(t->p[i]) < 'a' || lower(t->p[i]) > 'z') &&
		    (t->p[i] == '\0' || strchr(marks, t->p[i]) == NULL))
			return false;
	}
	return t->n > 0;
}

/* Each '%' has its two digits. */
static bool
percents_good(const struct http_text *t)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		if (t->p[i] == '%' && (t->n - i < 3 || !is_hex(t->p[i + 1]) ||
		    !is_hex(t->p[i + 2])))
			return false;
	}
	return true;
}

/* Take what is before the first such byte, or all there is, out of *left, and
 * that byte with it. */
static struct http_text
cut(struct http_text *left, char at)
{
	struct http_text piece = *left;
	const char *found = memchr(left->p, at, left->n);

	if (found != NULL)
		piece.n = (size_t)(found - left->p);
	left->p += piece.n + (found != NULL);
	left->n -= piece.n + (found != NULL);
	return piece;
}

/* Optional white space (RFC 9110 5.6.3) around it is none of it. */
static void
trim(struct http_text *t)
{
	while (t->n > 0 && (t->p[0] == ' ' || t->p[0] == '\t')) {
		t->p++;
		t->n--;
	}
	while (t->n > 0 && (t->p[t->n - 1] == ' ' || t->p[t->n - 1] == '\t'))
		t->n--;
}

/* Take a field's line out of *left, where lines are known to be good. */
static void
next_field(struct http_text *left, struct http_text *name,
    struct http_text *value)
{
	*value = cut(left, '\n');
	value->n--;			/* the CR before it */
	*name = cut(value, ':');
	trim(value);
}

/* How long is "http://" or "https://" in front of it?  0: there is none. */
static size_t
scheme_len(const struct http_text *t)
{
	struct http_text scheme = { t->p, 7 };

	if (t->n >= 7 && same(&scheme, "http://"))
		return 7;
	scheme.n = 8;
	return t->n >= 8 && same(&scheme, "https://") ? 8 : 0;
}

/* A target in the forms of RFC 9112 3.2. */
static bool
take_target(struct http_request *r, struct http_text t)
{
	struct http_text authority;
	size_t n;

	if (!made_of(&t, target_marks) || !percents_good(&t))
		return false;
	if ((n = scheme_len(&t)) > 0) {
		t.p += n;
		t.n -= n;
		for (n = 0; n < t.n && t.p[n] != '/' && t.p[n] != '?'; n++)
			continue;
		authority.p = t.p;
		authority.n = n;
		/* No user's name before an '@' either: RFC 9110 4.2.4. */
		if (!made_of(&authority, host_marks))
			return false;
		t.p += n;
		t.n -= n;
		r->path = cut(&t, '?');
		/* Its path is "/": there is one, before the authority. */
		if (r->path.n == 0) {
			r->path.p = authority.p - 1;
			r->path.n = 1;
		}
	} else {
		if (t.p[0] != '/' &&
		    (r->method != HTTP_OTHER || t.p[0] == '?'))
			return false;
		r->path = cut(&t, '?');
	}
	r->query = t;
	return true;
}

static bool
take_request_line(struct http_request *r, struct http_text line)
{
	struct http_text method = cut(&line, ' '), target = cut(&line, ' ');

	if (!made_of(&method, token_marks))
		return false;
	/* Methods have a case (RFC 9110 9.1), and so has HTTP. */
	r->method = http_is(&method, "GET") ? HTTP_GET :
	    http_is(&method, "HEAD") ? HTTP_HEAD : HTTP_OTHER;
	if (line.n != VERSION_LEN || memcmp(line.p, "HTTP/1.", 7) != 0 ||
	    !is_digit(line.p[7]))
		return false;
	r->minor = (unsigned)(line.p[7] - '0');
	return take_target(r, target);
}

static bool
take_length(struct http_request *r, const struct http_text *value)
{
	uint64_t v = 0;
	size_t i;

	if (value->n == 0 || value->n > LENGTH_DIGITS)
		return false;
	for (i = 0; i < value->n; i++) {
		if (!is_digit(value->p[i]))
			return false;
		v = v * 10 + (uint64_t)(value->p[i] - '0');
	}
	if (r->has_length && v != r->length)
		return false;
	r->has_length = true;
	r->length = v;
	return true;
}

static bool
take_field(struct http_request *r, struct http_text line)
{
	struct http_text value = line, name = cut(&value, ':');

	/* A name alone, without a colon?  And the marks of names have no
	 * white space among them, neither as a fold nor before the colon. */
	if (name.n == line.n || !made_of(&name, token_marks))
		return false;
	trim(&value);
	if (same(&name, "Host")) {
		if (r->has_host || (value.n > 0 &&
		    (!made_of(&value, host_marks) || !percents_good(&value))))
			return false;
		r->has_host = true;
	} else if (same(&name, "Content-Length")) {
		return take_length(r, &value);
	} else if (same(&name, "Transfer-Encoding")) {
		if (r->chunked || r->minor == 0 || !same(&value, "chunked"))
			return false;
		r->chunked = true;
	}
	return true;
}

/* The empty line: what only the whole can say. */
static enum http_verdict
finish(struct http_request *r)
{
	if ((r->minor > 0 && !r->has_host) || (r->chunked && r->has_length))
		return HTTP_BAD;
	r->has_body = r->chunked || r->length > 0;
	r->keep_alive = !r->has_body &&
	    !http_field_has(r, "Connection", "close") &&
	    (r->minor > 0 || http_field_has(r, "Connection", "keep-alive"));
	return HTTP_DONE;
}

/* A whole line, without its CRLF, which ends at the offset end. */
static enum http_verdict
take_line(struct http_request *r, const char *buf, size_t end)
{
	struct http_text line = { buf + r->line, end - 2 - r->line };

	if (r->line == 0) {
		r->fields.p = buf + end;
		r->fields.n = 0;
		return take_request_line(r, line) ? HTTP_MORE : HTTP_BAD;
	}
	if (line.n == 0) {
		r->head_len = end;
		return finish(r);
	}
	r->fields.n += line.n + 2;
	return take_field(r, line) ? HTTP_MORE : HTTP_BAD;
}

/* May the byte stand there?  RFC 9110 5.5, and RFC 9112 2.2 on a CR alone; a
 * LF alone may end a line there, and may not here. */
static bool
may_stand(const char *buf, size_t at)
{
	unsigned char c = (unsigned char)buf[at];

	if (at > 0 && buf[at - 1] == '\r')
		return c == '\n';
	return c == '\r' || c == '\t' || (c >= ' ' && c != 0x7f);
}

enum http_verdict
http_feed(struct http_request *r, const void *buf, size_t n)
{
	const char *p = buf;

	if (n > HTTP_HEAD_MAX)
		n = HTTP_HEAD_MAX;
	while (r->verdict == HTTP_MORE && r->seen < n) {
		if (!may_stand(p, r->seen)) {
			r->verdict = HTTP_BAD;
		} else if (p[r->seen++] == '\n') {
			r->verdict = take_line(r, p, r->seen);
			r->line = r->seen;
		}
	}
	if (r->verdict == HTTP_MORE && r->seen == HTTP_HEAD_MAX)
		r->verdict = HTTP_TOO_LONG;
	return r->verdict;
}

bool
http_is(const struct http_text *t, const char *s)
{
	return t->n == strlen(s) && memcmp(t->p, s, t->n) == 0;
}

bool
http_field(const struct http_request *r, const char *name,
    struct http_text *value)
{
	struct http_text left = r->fields, is, v;

	while (left.n > 0) {
		next_field(&left, &is, &v);
		if (same(&is, name)) {
			*value = v;
			return true;
		}
	}
	return false;
}

bool
http_field_has(const struct http_request *r, const char *name,
    const char *token)
{
	struct http_text left = r->fields, is, list, member;

	while (left.n > 0) {
		next_field(&left, &is, &list);
		while (same(&is, name) && list.n > 0) {
			member = cut(&list, ',');
			trim(&member);
			if (same(&member, token))
				return true;
		}
	}
	return false;
}

static const char *
reason(unsigned status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 431:
		return "Request Header Fields Too Large";
	case 503:
		return "Service Unavailable";
	default:
		return NULL;
	}
}

size_t
http_response(char *out, size_t cap, unsigned status, const char *type,
    const void *body, size_t body_len, bool head_only)
{
	struct wr w = { (uint8_t *)out, 0, cap, false };
	char head[HTTP_RESPONSE_MAX + 1];
	int n;

	assert(reason(status) != NULL && strlen(type) <= HTTP_TYPE_MAX);
	n = snprintf(head, sizeof(head), "HTTP/1.1 %u %s\r\n"
	    "Content-Type: %s\r\n"
	    "Content-Length: %zu\r\n"
	    "%s"
	    "Connection: close\r\n"
	    "Cache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "\r\n", status, reason(status), type, body_len,
	    status == 405 ? "Allow: GET, HEAD\r\n" : "");
	assert(n > 0 && (size_t)n < sizeof(head));
	wr_bytes(&w, head, (size_t)n);
	if (!head_only && body_len > 0)
		wr_bytes(&w, body, body_len);
	return w.bad ? 0 : w.n;
}
