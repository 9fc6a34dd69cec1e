/* SPDX-License-Identifier: MIT */
/* http.c - heads of requests, whole, bytewise and cut at each byte, those
 * that two servers could read in two ways among them; responses to the
 * letter. */

#include "http.h"
#include "unit.h"

#define H "Host: a\r\n"
#define E "\r\n"

/* What comes behind, while it has not come: would end any line and head. */
static char buf[HTTP_HEAD_MAX + 64];

/* Feed it in portions of step bytes; a new request for each prefix (step 0)
 * must come to the same.  Returns the verdict, and in *at after how many
 * bytes it was there. */
static enum http_verdict
feed(struct http_request *r, const char *p, size_t n, size_t step, size_t *at)
{
	enum http_verdict v = HTTP_MORE;
	size_t end = 0;

	memset(buf, '\n', sizeof(buf));
	memset(r, 0, sizeof(*r));
	while (v == HTTP_MORE && end < n) {
		if (step == 0)
			memset(r, 0, sizeof(*r));
		end += step == 0 ? 1 : step < n - end ? step : n - end;
		memcpy(buf, p, end);
		v = http_feed(r, buf, end);
	}
	*at = end;
	return v;
}

static enum http_verdict
all_ways(struct http_request *r, const char *p, size_t n)
{
	struct http_request other;
	enum http_verdict v;
	size_t at, again, step;

	v = feed(r, p, n, 1, &at);
	CHECK_EQ(feed(&other, p, n, 0, &again), v);
	CHECK_EQ(again, at);
	if (v == HTTP_DONE)
		CHECK_EQ(r->head_len, at);
	for (step = 2; step < 9; step++) {
		CHECK_EQ(feed(&other, p, n, step, &again), v);
		CHECK(again >= at && again < at + step);
	}
	/* Once more as the last, because that is where the spans point to;
	 * whole, with nothing behind it, and the verdict stays. */
	memset(r, 0, sizeof(*r));
	CHECK_EQ(http_feed(r, unit_guard(p, n), n), v);
	if (v != HTTP_MORE)
		CHECK_EQ(http_feed(r, unit_guard(p, n), n), v);
	return v;
}

static void
text_is(const struct http_text *t, const char *s)
{
	char is[512];

	(void)snprintf(is, sizeof(is), "%.*s", (int)t->n, t->p);
	CHECK_STR(is, s);
	CHECK(http_is(t, s));
}

/* What is a request, and what it says. */
static void
good(void)
{
	static const struct {
		const char *head;
		enum http_method method;
		const char *path, *query;
		unsigned minor;
		bool keep_alive, has_body;
	} rows[] = {
		{ "GET / HTTP/1.1\r\n" H E, HTTP_GET, "/", "", 1, 1, 0 },
		{ "GET /healthz HTTP/1.0\r\n" E, HTTP_GET, "/healthz", "", 0,
		    0, 0 },
		{ "HEAD /metrics HTTP/1.1\r\n" H E, HTTP_HEAD, "/metrics", "",
		    1, 1, 0 },
		{ "GET /m?a=b&c?d/e HTTP/1.1\r\n" H E, HTTP_GET, "/m",
		    "a=b&c?d/e", 1, 1, 0 },
		{ "GET /? HTTP/1.1\r\n" H E, HTTP_GET, "/", "", 1, 1, 0 },
		{ "GET /" "/ HTTP/1.1\r\n" H E, HTTP_GET, "//", "", 1, 1, 0 },
		{ "GET /%6detrics HTTP/1.1\r\n" H E, HTTP_GET, "/%6detrics",
		    "", 1, 1, 0 },
		{ "GET /?match[]=up HTTP/1.1\r\n" H E, HTTP_GET, "/",
		    "match[]=up", 1, 1, 0 },
		{ "GET / HTTP/1.9\r\n" H E, HTTP_GET, "/", "", 9, 1, 0 },
		/* Absolute: RFC 9112 3.2.2. */
		{ "GET http://a/b?c HTTP/1.1\r\n" H E, HTTP_GET, "/b", "c", 1,
		    1, 0 },
		{ "GET HTTPS://[::1]:80 HTTP/1.1\r\n" H E, HTTP_GET, "/", "",
		    1, 1, 0 },
		{ "GET http://a?http://b/c HTTP/1.1\r\n" H E, HTTP_GET, "/",
		    "http://b/c", 1, 1, 0 },
		/* Other methods, other targets; methods have a case. */
		{ "POST / HTTP/1.1\r\n" H "Content-Length: 2\r\n" E,
		    HTTP_OTHER, "/", "", 1, 0, 1 },
		{ "OPTIONS * HTTP/1.1\r\n" H E, HTTP_OTHER, "*", "", 1, 1, 0 },
		{ "CONNECT [::1]:443 HTTP/1.1\r\n" H E, HTTP_OTHER,
		    "[::1]:443", "", 1, 1, 0 },
		{ "get / HTTP/1.1\r\n" H E, HTTP_OTHER, "/", "", 1, 1, 0 },
		{ "GETS / HTTP/1.1\r\n" H E, HTTP_OTHER, "/", "", 1, 1, 0 },
		{ "!#$%&'*+-.^_`|~ / HTTP/1.1\r\n" H E, HTTP_OTHER, "/", "",
		    1, 1, 0 },
		/* The connection. */
		{ "GET / HTTP/1.1\r\n" H "Connection: close\r\n" E, HTTP_GET,
		    "/", "", 1, 0, 0 },
		{ "GET / HTTP/1.1\r\n" H "connection:\tx , CLOSE\r\n" E,
		    HTTP_GET, "/", "", 1, 0, 0 },
		{ "GET / HTTP/1.1\r\n" H "Connection: a\r\nConnection: close"
		    "\r\n" E, HTTP_GET, "/", "", 1, 0, 0 },
		{ "GET / HTTP/1.1\r\n" H "Connection: closed\r\n" E, HTTP_GET,
		    "/", "", 1, 1, 0 },
		{ "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n" E, HTTP_GET,
		    "/", "", 0, 1, 0 },
		{ "GET / HTTP/1.0\r\nConnection: keep-alive,close\r\n" E,
		    HTTP_GET, "/", "", 0, 0, 0 },
		/* Bodies: announced is enough. */
		{ "GET / HTTP/1.1\r\n" H "Content-Length: 0\r\n" E, HTTP_GET,
		    "/", "", 1, 1, 0 },
		{ "GET / HTTP/1.1\r\n" H "Content-Length: 007\r\n"
		    "content-length:7\r\n" E, HTTP_GET, "/", "", 1, 0, 1 },
		{ "GET / HTTP/1.1\r\n" H "Content-Length: 999999999999999999"
		    "\r\n" E, HTTP_GET, "/", "", 1, 0, 1 },
		{ "GET / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked \r\n" E,
		    HTTP_GET, "/", "", 1, 0, 1 },
		/* Fields with little or much in them. */
		{ "GET / HTTP/1.1\r\nHost:\r\n" E, HTTP_GET, "/", "", 1, 1,
		    0 },
		{ "GET / HTTP/1.1\r\nhOST:  [fe80::1%25eth0]:80 \t\r\n" E,
		    HTTP_GET, "/", "", 1, 1, 0 },
		{ "GET / HTTP/1.1\r\n" H "x:\r\ny: \t \r\nz::\r\n" E,
		    HTTP_GET, "/", "", 1, 1, 0 },
		{ "GET / HTTP/1.1\r\n" H "x: \x80\xff \"\t\\\r\n" E, HTTP_GET,
		    "/", "", 1, 1, 0 },
		{ "GET / HTTP/1.1\r\n" H "x: Content-Length: 5\r\n" E,
		    HTTP_GET, "/", "", 1, 1, 0 }
	};
	struct http_request r;
	size_t i, n, cut;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("%s", rows[i].head);
		n = strlen(rows[i].head);
		for (cut = 0; cut < n; cut++) {
			memset(&r, 0, sizeof(r));
			CHECK_EQ(http_feed(&r, unit_guard(rows[i].head, cut),
			    cut), HTTP_MORE);
		}
		CHECK_EQ(all_ways(&r, rows[i].head, n), HTTP_DONE);
		CHECK_EQ(r.method, rows[i].method);
		text_is(&r.path, rows[i].path);
		text_is(&r.query, rows[i].query);
		CHECK_EQ(r.minor, rows[i].minor);
		CHECK_EQ(r.keep_alive, rows[i].keep_alive);
		CHECK_EQ(r.has_body, rows[i].has_body);
		CHECK_EQ(r.head_len, n);
	}
}

/* What is none; a byte less, and there is no verdict yet. */
static void
bad(void)
{
	static const char *const rows[] = {
		/* Ends of lines. */
		"\r\n", "\n", "GET / HTTP/1.1\n", "GET / HTTP/1.1\r ",
		"GET / HTTP/1.1\r\r", "GET /\r ", "\rG",
		"GET / HTTP/1.1\r\n" "Host: a\n", "GET / HTTP/1.1\r\n" H "\n",
		"GET / HTTP/1.1\r\n" H "x: a\rb", "GET / HTTP/1.1\r\n" H "\rx",
		/* Request lines. */
		"GET\r\n", "GET /\r\n", "GET / \r\n", " GET / HTTP/1.1\r\n",
		"GET  / HTTP/1.1\r\n", "GET /  HTTP/1.1\r\n",
		"GET / HTTP/1.1 \r\n", "GET\t/ HTTP/1.1\r\n",
		"GET /\tHTTP/1.1\r\n", "GET / a HTTP/1.1\r\n",
		"GET / http/1.1\r\n", "GET / HTTP/2.0\r\n",
		"GET / HTTP/0.9\r\n", "GET / HTTP/1\r\n",
		"GET / HTTP/1.\r\n", "GET / HTTP/1.10\r\n",
		"GET / HTTP/1.x\r\n", "GET / HTTP/11\r\n",
		"GET / HTTP/01.1\r\n", "GET / HTTPS/1.1\r\n",
		"G:T / HTTP/1.1\r\n", "GET: / HTTP/1.1\r\n",
		"G\x80T / HTTP/1.1\r\n", "G(T / HTTP/1.1\r\n",
		"SSH-2.0-x\r\n", "PRI * HTTP/2.0\r\n", "Host: a\r\n",
		/* Targets. */
		"GET * HTTP/1.1\r\n", "GET a HTTP/1.1\r\n",
		"GET a/b HTTP/1.1\r\n", "GET ?a HTTP/1.1\r\n",
		"POST ?a HTTP/1.1\r\n",
		"GET a:80 HTTP/1.1\r\n", "GET ftp://a/ HTTP/1.1\r\n",
		"GET http:/a HTTP/1.1\r\n", "GET http:// HTTP/1.1\r\n",
		"GET http:/" "//a HTTP/1.1\r\n", "GET http://?a HTTP/1.1\r\n",
		"GET http://u@a/ HTTP/1.1\r\n", "GET https: HTTP/1.1\r\n",
		"GET /#a HTTP/1.1\r\n", "GET /\"a HTTP/1.1\r\n",
		"GET /\\ HTTP/1.1\r\n", "GET /<a> HTTP/1.1\r\n",
		"GET /\x80 HTTP/1.1\r\n", "GET /% HTTP/1.1\r\n",
		"GET /%a HTTP/1.1\r\n", "GET /%ag HTTP/1.1\r\n",
		"GET /%%41 HTTP/1.1\r\n", "GET /a?%0 HTTP/1.1\r\n",
		"GET http://%/ HTTP/1.1\r\n",
		/* Fields. */
		"GET / HTTP/1.1\r\n" H "x\r\n", "GET / HTTP/1.1\r\n" ": a\r\n",
		"GET / HTTP/1.1\r\n" H " x: a\r\n",
		"GET / HTTP/1.1\r\n" H "x: a\r\n b\r\n",
		"GET / HTTP/1.1\r\n" H "x: a\r\n\tb\r\n",
		"GET / HTTP/1.1\r\n" H "x: a\r\n \r\n",
		"GET / HTTP/1.1\r\n" " Host: a\r\n",
		"GET / HTTP/1.1\r\n" "Host : a\r\n",
		"GET / HTTP/1.1\r\n" H "x\t: a\r\n",
		"GET / HTTP/1.1\r\n" H "x y: a\r\n",
		"GET / HTTP/1.1\r\n" H "x\x80: a\r\n",
		"GET / HTTP/1.1\r\n" H "x(: a\r\n",
		"GET / HTTP/1.1\r\n" H "\"x\": a\r\n",
		/* Hosts. */
		"GET / HTTP/1.1\r\n" E, "GET / HTTP/1.2\r\n" E,
		"GET / HTTP/1.1\r\n" "Hosts: a\r\n" E,
		"GET / HTTP/1.1\r\n" "X-Host: a\r\n" E,
		"GET / HTTP/1.1\r\n" H "Host: b\r\n",
		"GET / HTTP/1.1\r\n" H "hOst: a\r\n",
		"GET / HTTP/1.0\r\n" H H, "GET / HTTP/1.1\r\n" "Host:\r\n" H,
		"GET / HTTP/1.1\r\n" "Host: a b\r\n",
		"GET / HTTP/1.1\r\n" "Host: a/b\r\n",
		"GET / HTTP/1.1\r\n" "Host: a@b\r\n",
		"GET / HTTP/1.1\r\n" "Host: a\\b\r\n",
		"GET / HTTP/1.1\r\n" "Host: %a\r\n",
		"GET / HTTP/1.1\r\n" "Host: \xe4\r\n",
		/* Lengths. */
		"GET / HTTP/1.1\r\n" H "Content-Length:\r\n",
		"GET / HTTP/1.1\r\n" H "Content-Length: \r\n",
		"GET / HTTP/1.1\r\n" H "Content-Length: +1\r\n",
		"GET / HTTP/1.1\r\n" H "Content-Length: -1\r\n",
		"GET / HTTP/1.1\r\n" H "Content-Length: 1 1\r\n",
		"GET / HTTP/1.1\r\n" H "Content-Length: 1,1\r\n",
		"GET / HTTP/1.1\r\n" H "Content-Length: 0x1\r\n",
		"GET / HTTP/1.1\r\n" H "Content-Length: 1.\r\n",
		"GET / HTTP/1.1\r\n" H "Content-Length: 18446744073709551616"
		    "\r\n",
		"GET / HTTP/1.1\r\n" H "Content-Length: 5\r\n"
		    "Content-Length: 6\r\n",
		"GET / HTTP/1.1\r\n" H "Content-Length: 0\r\n"
		    "content-length: 6\r\n",
		/* Transfer codings, and both. */
		"GET / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n"
		    "Content-Length: 6\r\n" E,
		"GET / HTTP/1.1\r\n" H "Content-Length: 0\r\n"
		    "Transfer-Encoding: chunked\r\n" E,
		"GET / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n"
		    "Transfer-Encoding: chunked\r\n",
		"GET / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n"
		    "Transfer-Encoding: identity\r\n",
		"GET / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n",
		"GET / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n",
		"GET / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n",
		"GET / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n",
		"GET / HTTP/1.1\r\n" H "Transfer-Encoding: chunked;a\r\n",
		"GET / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n",
		"GET / HTTP/1.1\r\n" H "Transfer-Encoding: \x0b" ,
		"GET / HTTP/1.1\r\n" H "Transfer-Encoding : chunked\r\n",
		"GET / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n"
	};
	struct http_request r;
	size_t i, n, at;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("%s", rows[i]);
		n = strlen(rows[i]);
		CHECK_EQ(all_ways(&r, rows[i], n), HTTP_BAD);
		(void)feed(&r, rows[i], n, 1, &at);
		/* A first CR is fine until what is behind it is seen. */
		CHECK(at == n);
	}
}

/* Every byte in every place of a head: only CR, LF and HTAB of the controls
 * may be somewhere, and only where they were; nothing reads past the end. */
static void
any_byte(void)
{
	static const char head[] = "GET /a?b HTTP/1.1\r\nHost: c\r\nx: y z\r\n"
	    "Content-Length: 0\r\n\r\n";
	static const char space[] = "y z";
	size_t n = sizeof(head) - 1, i, at;
	struct http_request r;
	enum http_verdict v;
	char copy[sizeof(head)];
	int c;

	for (i = 0; i < n; i++) {
		for (c = 0; c < 256; c++) {
			unit_row("%02x at %zu", (unsigned)c, i);
			memcpy(copy, head, n);
			copy[i] = (char)c;
			v = feed(&r, copy, n, 1, &at);
			memset(&r, 0, sizeof(r));
			CHECK_EQ(http_feed(&r, unit_guard(copy, n), n), v);
			if (copy[i] == head[i])
				CHECK_EQ(v, HTTP_DONE);
			else if (c == '\n' || c == '\0' || c == 0x7f ||
			    (c < ' ' && c != '\t' && c != '\r'))
				CHECK(v == HTTP_BAD && at == i + 1);
			else if (c == '\r')
				CHECK(v == HTTP_BAD && at <= i + 2);
			else if (head[i] == '\r' || head[i] == '\n')
				CHECK(v == HTTP_BAD);
			else if (i > (size_t)(strstr(head, space) - head) &&
			    i < (size_t)(strstr(head, space) - head) + 3)
				CHECK_EQ(v, HTTP_DONE);
		}
	}
}

/* Each piece of a good head twice, and each left out: never a crash, and never
 * another verdict for other portions. */
static void
pieces(void)
{
	static const char head[] = "GET /a HTTP/1.1\r\nHost: c\r\n"
	    "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
	size_t n = sizeof(head) - 1, from, to;
	struct http_request r;
	char copy[2 * sizeof(head)];

	for (from = 0; from < n; from += 2) {
		for (to = from + 1; to <= n; to += 3) {
			unit_row("%zu to %zu", from, to);
			memcpy(copy, head, to);
			memcpy(copy + to, head + from, n - from);
			(void)all_ways(&r, copy, to + n - from);
			memcpy(copy, head, from);
			memcpy(copy + from, head + to, n - to);
			(void)all_ways(&r, copy, from + n - to);
		}
	}
}

/* As long as a head may be, and a byte longer; of one line, of many. */
static void
long_heads(void)
{
	static char head[HTTP_HEAD_MAX + 32];
	static const char start[] = "GET / HTTP/1.1\r\nHost: a\r\nx: ";
	struct http_request r;
	struct http_text v;
	size_t extra, at, n;

	for (extra = 0; extra < 8; extra++) {
		unit_row("%zu bytes more", extra);
		n = HTTP_HEAD_MAX + extra;
		memset(head, 'y', sizeof(head));
		memcpy(head, start, sizeof(start) - 1);
		memcpy(head + n - 4, "\r\n\r\n", 4);
		CHECK_EQ(feed(&r, head, n, 1, &at), extra == 0 ? HTTP_DONE :
		    HTTP_TOO_LONG);
		CHECK_EQ(at, HTTP_HEAD_MAX);
		memset(&r, 0, sizeof(r));
		CHECK_EQ(http_feed(&r, unit_guard(head, n), n),
		    extra == 0 ? HTTP_DONE : HTTP_TOO_LONG);
		if (extra > 0)
			continue;
		CHECK(http_field(&r, "X", &v));
		CHECK_EQ(v.n, HTTP_HEAD_MAX - (sizeof(start) - 1) - 4);
	}
	/* A line that never ends; lines that never end. */
	memset(head, 'G', sizeof(head));
	CHECK_EQ(feed(&r, head, sizeof(head), 1, &at), HTTP_TOO_LONG);
	CHECK_EQ(at, HTTP_HEAD_MAX);
	memcpy(head, start, sizeof(start) - 1);
	for (n = sizeof(start) - 1; n + 4 <= sizeof(head); n += 4)
		memcpy(head + n, "\r\na:", 4);
	CHECK_EQ(feed(&r, head, n, 7, &at), HTTP_TOO_LONG);
	/* What is bad is bad although it is too long as well. */
	head[HTTP_HEAD_MAX - 1] = '\0';
	CHECK_EQ(feed(&r, head, n, 4096, &at), HTTP_BAD);
	/* What comes behind the head is not looked at. */
	memcpy(head, "GET / HTTP/1.0\r\n\r\n\0\n\r", 21);
	CHECK_EQ(feed(&r, head, sizeof(head), sizeof(head), &at), HTTP_DONE);
	CHECK_EQ(r.head_len, 18);
	memset(&r, 0, sizeof(r));
	CHECK_EQ(http_feed(&r, head, 0), HTTP_MORE);
}

static void
fields(void)
{
	static const char head[] = "GET /chat HTTP/1.1\r\n"
	    "Host: example\r\n"
	    "Upgrade: websocket\r\n"
	    "X:\r\n"
	    "Connection:\t keep-alive ,\tUpgrade \t\r\n"
	    "Sec-WebSocket-Protocol: a b, ,,c\r\n"
	    "sec-websocket-protocol: d,E\r\n"
	    "Y: x: y, z \r\n"
	    "\r\nHidden: a\r\n\r\n";
	static const struct { const char *name, *value; } first[] = {
		{ "Host", "example" }, { "HOST", "example" },
		{ "upgrade", "websocket" }, { "x", "" },
		{ "Connection", "keep-alive ,\tUpgrade" },
		{ "Sec-WebSocket-Protocol", "a b, ,,c" }, { "y", "x: y, z" },
		{ "Hidden", NULL }, { "", NULL }, { "Hos", NULL },
		{ "Hostt", NULL }, { "Host:", NULL }, { "example", NULL },
		{ "GET /chat HTTP/1.1", NULL }, { "@", NULL }
	};
	static const struct { const char *name, *token; bool is; } has[] = {
		{ "Connection", "upgrade", true },
		{ "connection", "Keep-Alive", true },
		{ "Connection", "keep", false },
		{ "Connection", "close", false },
		{ "Upgrade", "WebSocket", true },
		{ "Upgrade", "websocket/13", false },
		{ "Sec-WebSocket-Protocol", "a", false },
		{ "Sec-WebSocket-Protocol", "b", false },
		{ "Sec-WebSocket-Protocol", "a b", true },
		{ "Sec-WebSocket-Protocol", "c", true },
		{ "Sec-WebSocket-Protocol", "D", true },
		{ "Sec-WebSocket-Protocol", "e", true },
		{ "Y", "z", true }, { "X", "x", false },
		{ "Hidden", "a", false }, { "None", "a", false }
	};
	struct http_request r;
	struct http_text v;
	size_t i;

	REQUIRE(all_ways(&r, head, sizeof(head) - 1) == HTTP_DONE);
	CHECK_EQ(r.head_len, sizeof(head) - 1 - 13);
	for (i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		unit_row("%s", first[i].name);
		CHECK_EQ(http_field(&r, first[i].name, &v),
		    first[i].value != NULL);
		if (first[i].value != NULL)
			text_is(&v, first[i].value);
	}
	for (i = 0; i < sizeof(has) / sizeof(has[0]); i++) {
		unit_row("%s: %s", has[i].name, has[i].token);
		CHECK_EQ(http_field_has(&r, has[i].name, has[i].token),
		    has[i].is);
	}
	/* The bit that makes a letter's case makes none of a mark's. */
	memset(&r, 0, sizeof(r));
	REQUIRE(http_feed(&r, "GET / HTTP/1.0\r\nx`: 1\r\n\r\n", 25) ==
	    HTTP_DONE);
	CHECK(!http_field(&r, "x@", &v));
	CHECK(http_field(&r, "X`", &v));
	CHECK(!http_is(&r.path, "") && !http_is(&r.path, "/x"));
	/* Without fields there are none. */
	memset(&r, 0, sizeof(r));
	REQUIRE(http_feed(&r, "GET / HTTP/1.0\r\n\r\n", 18) == HTTP_DONE);
	CHECK(!http_field(&r, "Host", &v) && !http_field_has(&r, "", ""));
}

static void
responses(void)
{
	static const struct { unsigned status; const char *reason; } rows[] = {
		{ 200, "200 OK" }, { 400, "400 Bad Request" },
		{ 404, "404 Not Found" }, { 405, "405 Method Not Allowed" },
		{ 431, "431 Request Header Fields Too Large" },
		{ 503, "503 Service Unavailable" }
	};
	char out[HTTP_RESPONSE_MAX + 8], should[HTTP_RESPONSE_MAX + 8];
	size_t i, n, len, cap, is;
	int head_only;
	uint8_t *p;

	for (i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		head_only = i % 2 != 0;
		unit_row("%u%s", rows[i / 2].status, head_only ? " HEAD" : "");
		len = (size_t)snprintf(should, sizeof(should), "HTTP/1.1 %s"
		    "\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n%s"
		    "Connection: close\r\nCache-Control: no-store\r\n"
		    "X-Content-Type-Options: nosniff\r\n\r\n%s",
		    rows[i / 2].reason, rows[i / 2].status == 405 ?
		    "Allow: GET, HEAD\r\n" : "", head_only ? "" : "ok\n");
		n = http_response(out, sizeof(out), rows[i / 2].status,
		    "text/plain", "ok\n", 3, head_only);
		CHECK_EQ(n, len);
		CHECK_BYTES(out, should, len);
		/* In the very room that it takes, and in less. */
		for (cap = 0; cap <= len; cap++) {
			memset(out, 0, sizeof(out));
			p = unit_guard(out, cap);
			is = http_response((char *)p, cap, rows[i / 2].status,
			    "text/plain", "ok\n", 3, head_only);
			CHECK_EQ(is, cap < len ? 0 : len);
		}
		CHECK_BYTES(p, should, len);
	}
}

/* The longest that there is, of a body that there is not. */
static void
longest(void)
{
	char out[HTTP_RESPONSE_MAX], type[HTTP_TYPE_MAX + 1];
	size_t n;

	memset(type, 't', HTTP_TYPE_MAX);
	type[HTTP_TYPE_MAX] = '\0';
	n = http_response(out, sizeof(out), 431, type, NULL, SIZE_MAX, true);
	CHECK(n > 0);
	n = http_response(out, sizeof(out), 405, type, NULL, SIZE_MAX, true);
	CHECK(n > 0);
	CHECK_EQ(http_response(out, sizeof(out), 200, type, "", SIZE_MAX,
	    false), 0);
	CHECK(http_response(out, sizeof(out), 200, type, NULL, 0, false) > 0);
}

int
main(void)
{
	unit_case("http: requests and what they say", good);
	unit_case("http: what is no request", bad);
	unit_case("http: any byte in any place", any_byte);
	unit_case("http: pieces twice and pieces left out", pieces);
	unit_case("http: heads that are too long", long_heads);
	unit_case("http: fields and their lists", fields);
	unit_case("http: responses to the letter", responses);
	unit_case("http: the longest response", longest);
	return unit_end();
}
