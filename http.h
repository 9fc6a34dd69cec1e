/* SPDX-License-Identifier: MIT */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As much of HTTP/1.x (RFC 9112) as it takes to answer GET: the head of one
 * request, and a response after which the connection is closed.  Bodies and
 * what is behind the first head are the caller's to throw away; a caller that
 * closes with bytes unread may reset the connection under its own answer
 * (RFC 9112 9.6). */

enum {
	HTTP_HEAD_MAX = 8192,		/* bytes of a request's head */
	HTTP_TYPE_MAX = 64,		/* bytes of a Content-Type we send */
	HTTP_RESPONSE_MAX = 320		/* bytes of a response without body */
};

enum http_verdict {
	HTTP_MORE,	/* so far so good: feed more */
	HTTP_DONE,	/* one whole head */
	HTTP_BAD,	/* not what RFC 9112 allows: answer 400 */
	HTTP_TOO_LONG	/* HTTP_HEAD_MAX bytes and no end: answer 431 */
};

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_OTHER };

/* A part of the caller's buffer, without a NUL; p is never NULL after
 * HTTP_DONE. */
struct http_text {
	const char *p;
	size_t n;
};

/* A request being received.  Zero it before the first byte; the members up to
 * head_len count after HTTP_DONE, the others belong to http.c. */
struct http_request {
	enum http_method method;
	struct http_text path;		/* as it came, "%41" is not "A" */
	struct http_text query;		/* behind the first '?' */
	unsigned minor;			/* HTTP/1.minor, 0..9 */
	bool keep_alive;		/* RFC 9112 9.3; not with a body */
	bool has_body;			/* one is announced */
	size_t head_len;		/* with the empty line */

	enum http_verdict verdict;
	size_t seen, line;		/* offsets: next byte, its line */
	struct http_text fields;	/* their lines, each with its CRLF */
	bool has_host, has_length, chunked;
	uint64_t length;
};

/* Look at the first n bytes of a request, all that have come so far.  Between
 * calls buf stays where it is, with what is in it, and n does not shrink; the
 * request borrows it.  The verdict is that of the first byte that decides, in
 * whatever portions they come, and stays.  What HTTP_BAD stands for:
 *
 * - a line that does not end in CRLF, a CR elsewhere, any control but HTAB;
 * - an empty line before the request (RFC 9112 2.2 asks servers to step over
 *   it for old clients that send more than one request: we answer one);
 * - anything but METHOD SP TARGET SP HTTP/1.x; a GET or HEAD of what is
 *   neither a path nor http(s)://authority; a fragment in the target;
 * - a field that is folded, nameless, or has white space before its colon;
 * - no Host in HTTP/1.1, two of them, or one that cannot be a host;
 * - a Content-Length that is no number or not the one before; a
 *   Transfer-Encoding that is not just "chunked", comes twice, beside a
 *   Content-Length, or in HTTP/1.0.
 *
 * The path of an absolute target without one is "/"; that of another method's
 * target is what stands there, like "*", and never empty. */
enum http_verdict http_feed(struct http_request *r, const void *buf, size_t n);

/* Is this text s, byte for byte? */
bool http_is(const struct http_text *t, const char *s);

/* After HTTP_DONE: find the first field of this name, in any case.  Its value
 * is *value, without white space around it; false if there is none. */
bool http_field(const struct http_request *r, const char *name,
    struct http_text *value);

/* After HTTP_DONE: is this token, in any case, a member of the list that all
 * fields of this name are together (RFC 9110 5.6.1)?  For lists of tokens,
 * like Connection and Upgrade: it knows of no quotes. */
bool http_field_has(const struct http_request *r, const char *name,
    const char *token);

/* Write a response with this status (200, 400, 404, 405, 431 or 503), type
 * (at most HTTP_TYPE_MAX bytes) and body (which does not overlap out); the
 * answer to a HEAD is its head_only, the body's length included.  It says
 * that the connection closes, and has no Date, for there is no clock here
 * (RFC 9110 6.6.1).  Returns its length, without a NUL; 0 if it does not fit:
 * HTTP_RESPONSE_MAX and the body always do. */
size_t http_response(char *out, size_t cap, unsigned status, const char *type,
    const void *body, size_t body_len, bool head_only);

#endif
