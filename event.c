/* SPDX-License-Identifier: MIT */
/* event.c - what happens, for programs: one line, one write.
 *
 * The descriptor is not ours: its flags stay as they are, it may be shared,
 * and it may be anything that takes bytes.  So that lines stay whole whatever
 * it is, one thread at a time has the turn to write; the others wait for it
 * no longer than they would for the reader: 100 ms from when it took the last
 * piece, whoever's that was, and a second in all.  The mutex is not held
 * meanwhile: poll() may promise too much (of a terminal, or of a pipe that
 * others write to), and then a write() that blocks holds up one thread and not
 * all. */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "event.h"

enum {
	WAIT_MS = 100,
	WAIT_LONG_MS = 1000,
	END_LEN = 2,			/* "}\n" */
	TIME_ROOM = 40,			/* ,"time":-9223372036854775808.999 */
	NAME_ROOM = 128,		/* ,"v":1,"event":NAME and the time */
	LIST_ROOM = 64,			/* ],"more":18446744073709551615 */
	REPLACEMENT = 0xfffd
};

/* POSIX promises one piece for a pipe up to 512 bytes; Linux, up to 4096. */
_Static_assert(EVENT_MAX <= 4096, "a line is one piece in a pipe of Linux");

static atomic_int event_fd = -1;

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
/* mu guards these: */
static bool busy;		/* a thread has the turn */
static unsigned long taken;	/* pieces, by the reader */
static bool has_cond;
static pthread_cond_t changed;	/* nobody has the turn any more */

/* The end of a line whose beginning is written: it must go out before
 * anything else does.  Belongs to the thread that has the turn. */
static struct {
	char line[EVENT_LONG_MAX];
	size_t n;
} rest;

/* The long line that is being made.  Belongs to the one thread that makes
 * them. */
static char long_line[EVENT_LONG_MAX];

static int64_t
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Append n bytes, all or none, if the line stays within max. */
static bool
put(struct event *e, size_t max, const char *s, size_t n)
{
	if (e->n > max || n > max - e->n)
		return false;
	memcpy(e->text + e->n, s, n);
	e->n += n;
	return true;
}

/* What comes next is not the first one in its object or list. */
static bool
put_comma(struct event *e, size_t max)
{
	char last = e->text[e->n - 1];

	return last == '{' || last == '[' || put(e, max, ",", 1);
}

static bool
put_key(struct event *e, size_t max, const char *key)
{
	return put_comma(e, max) && put(e, max, "\"", 1) &&
	    put(e, max, key, strlen(key)) && put(e, max, "\":", 2);
}

/* Step over one character of UTF-8, or over as much as could have been the
 * beginning of one: what Unicode, table 3-7, does not list is no character
 * (too long a form, a surrogate, above U+10FFFF).  Never steps over a NUL. */
static uint32_t
next_char(const unsigned char **sp)
{
	const unsigned char *s = *sp;
	uint32_t c = *s++;
	unsigned lo = 0x80, hi = 0xbf;
	int more, i;

	if (c == 0xe0)
		lo = 0xa0;
	else if (c == 0xed)
		hi = 0x9f;
	else if (c == 0xf0)
		lo = 0x90;
	else if (c == 0xf4)
		hi = 0x8f;
	more = c < 0x80 ? 0 : c < 0xc2 ? -1 : c < 0xe0 ? 1 : c < 0xf0 ? 2 :
	    c < 0xf5 ? 3 : -1;
	if (more > 0)
		c &= 0x3fu >> more;
	for (i = 0; i < more; i++) {
		if (*s < lo || *s > hi) {
			more = -1;
			break;
		}
		c = c << 6 | (*s++ & 0x3fu);
		lo = 0x80;
		hi = 0xbf;
	}
	*sp = s;
	return more == -1 ? REPLACEMENT : c;
}

/* Append the character c, which stands in the n bytes at s. */
static bool
put_char(struct event *e, size_t max, uint32_t c, const char *s, size_t n)
{
	static const char special[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
	static const char hex[] = "0123456789abcdef";
	char escape[6] = "\\u";
	const char *found = NULL;
	int i;

	if (c == REPLACEMENT)
		return put(e, max, "\xef\xbf\xbd", 3);
	if (c < 0x80)
		found = memchr(special, (int)c, sizeof(special) - 1);
	if (found != NULL) {
		escape[1] = letter[found - special];
		return put(e, max, escape, 2);
	}
	/* RFC 8259 7 asks for those below U+0020 alone; but the others steer
	 * terminals as well, and some readers split lines at U+0085, U+2028
	 * and U+2029. */
	if (c < ' ' || (c >= 0x7f && c <= 0x9f) || c == 0x2028 ||
	    c == 0x2029) {
		for (i = 0; i < 4; i++)
			escape[2 + i] = hex[c >> (12 - 4 * i) & 15];
		return put(e, max, escape, sizeof(escape));
	}
	return put(e, max, s, n);
}

/* Add a text, or as many of its characters as there is room for up to max;
 * if there is none for the first one, nothing.  In a list it has no key. */
static void
add_text(struct event *e, size_t max, const char *key, const char *text)
{
	const unsigned char *s = (const unsigned char *)text, *from;
	size_t before = e->n, begin;
	uint32_t c;

	max--;				/* the quotation mark at its end */
	if (!(key != NULL ? put_key(e, max, key) : put_comma(e, max)) ||
	    !put(e, max, "\"", 1)) {
		e->n = before;
		e->cut = true;
		return;
	}
	begin = e->n;
	while (*s != '\0') {
		from = s;
		c = next_char(&s);
		if (!put_char(e, max, c, (const char *)from,
		    (size_t)(s - from))) {
			e->cut = true;
			break;
		}
	}
	if (e->n == begin && *text != '\0')
		e->n = before;
	else
		e->text[e->n++] = '"';
}

/* Add what needs no quotation marks. */
static void
add_plain(struct event *e, const char *key, const char *value)
{
	size_t before = e->n;

	if (!put_key(e, e->max, key) ||
	    !put(e, e->max, value, strlen(value))) {
		e->n = before;
		e->cut = true;
	}
}

/* Wait for the turn to write; false if the clock says *until before.  That
 * moves on while the reader takes what others write. */
static bool
take_turn(int64_t *until)
{
	const int64_t end = *until - WAIT_MS + WAIT_LONG_MS;
	unsigned long seen;
	struct timespec ts;
	bool mine;

	(void)pthread_mutex_lock(&mu);
	for (seen = taken;;) {
		if (seen != taken) {
			seen = taken;
			*until = now() + WAIT_MS;
			if (*until > end)
				*until = end;
		}
		if (!busy || now() >= *until)
			break;
		ts.tv_sec = (time_t)(*until / 1000);
		ts.tv_nsec = (long)(*until % 1000) * 1000000;
		(void)pthread_cond_timedwait(&changed, &mu, &ts);
	}
	mine = !busy;
	busy = true;
	(void)pthread_mutex_unlock(&mu);
	return mine;
}

static void
give_turn(void)
{
	(void)pthread_mutex_lock(&mu);
	busy = false;
	(void)pthread_cond_broadcast(&changed);
	(void)pthread_mutex_unlock(&mu);
}

/* Write as much as the reader takes until then; returns how many bytes.  A
 * line is written at once.  Of what is longer a pipe might take a part and
 * block for the rest, so that this goes out in pieces, and each of them that
 * is taken buys time for the next, up to that end. */
static size_t
push(const char *line, size_t n, int64_t until, int64_t end)
{
	struct pollfd p = { atomic_load(&event_fd), POLLOUT, 0 };
	size_t done = 0, piece;
	int64_t left;
	ssize_t wrote;
	int ready;

	while (p.fd != -1 && done < n) {
		left = until - now();
		ready = poll(&p, 1, left > 0 ? (int)left : 0);
		/* A kick (task.h) is no reason to lose a line; but it gets us
		 * out of a write() that should not have blocked. */
		if (ready == -1 && errno == EINTR && left > 0)
			continue;
		if (ready <= 0)
			break;
		piece = n - done < EVENT_MAX ? n - done : EVENT_MAX;
		wrote = write(p.fd, line + done, piece);
		if (wrote == -1 && errno == EINTR && now() < until)
			continue;
		if (wrote == -1 && (errno == EPIPE || errno == EBADF ||
		    errno == ECONNRESET))
			atomic_store(&event_fd, -1);
		/* A full disk, a descriptor that does not block and has less
		 * room than a line needs: this line is lost, and no other. */
		if (wrote <= 0)
			break;
		done += (size_t)wrote;
		(void)pthread_mutex_lock(&mu);
		taken++;
		(void)pthread_mutex_unlock(&mu);
		left = now() + WAIT_MS;
		if (until < end)
			until = left < end ? left : end;
	}
	return done;
}

/* Begin an object in size bytes at text: false, and nothing is ever added, if
 * nobody listens. */
static bool
start(struct event *e, char *text, size_t size)
{
	e->n = 0;
	if (atomic_load(&event_fd) == -1)
		return false;
	e->text = text;
	e->max = size - END_LEN;
	e->item = 0;
	e->list = false;
	e->cut = false;
	return put(e, e->max, "{", 1);
}

static void
start_action(struct event *e, char *text, size_t size, const char *action)
{
	if (!start(e, text, size))
		return;
	e->max -= NAME_ROOM;
	add_text(e, e->max, "action", action);
}

static void
add_name(struct event *e, const char *name)
{
	char text[TIME_ROOM];
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	(void)snprintf(text, sizeof(text), "%d", EVENT_SCHEMA);
	add_plain(e, "v", text);
	add_text(e, e->max - TIME_ROOM, "event", name);
	(void)snprintf(text, sizeof(text), "%lld.%03ld", (long long)ts.tv_sec,
	    (long)(ts.tv_nsec / 1000000));
	add_plain(e, "time", text);
}

void
event_open(int fd)
{
	pthread_condattr_t attr;

	(void)pthread_mutex_lock(&mu);
	if (!has_cond) {
		(void)pthread_condattr_init(&attr);
		(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
		(void)pthread_cond_init(&changed, &attr);
		(void)pthread_condattr_destroy(&attr);
		has_cond = true;
	}
	rest.n = 0;
	atomic_store(&event_fd, fd);
	(void)pthread_mutex_unlock(&mu);
}

void
event_begin(struct event *e, const char *name)
{
	if (start(e, e->line, EVENT_MAX))
		add_name(e, name);
}

void
event_action(struct event *e, const char *action)
{
	start_action(e, e->line, EVENT_MAX, action);
}

void
event_action_long(struct event *e, const char *action)
{
	start_action(e, long_line, EVENT_LONG_MAX, action);
}

void
event_name(struct event *e, const char *name)
{
	if (e->n == 0)
		return;
	e->max += NAME_ROOM;
	add_name(e, name);
}

void
event_text(struct event *e, const char *key, const char *text)
{
	if (e->n > 0 && text != NULL)
		add_text(e, e->max, key, text);
}

void
event_number(struct event *e, const char *key, uint64_t number)
{
	char text[24];

	if (e->n == 0)
		return;
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	add_plain(e, key, text);
}

void
event_truth(struct event *e, const char *key, int truth)
{
	if (e->n > 0)
		add_plain(e, key, truth ? "true" : "false");
}

void
event_list(struct event *e, const char *key)
{
	size_t before = e->n;

	if (e->n == 0)
		return;
	e->max -= LIST_ROOM;
	e->list = put_key(e, e->max, key) && put(e, e->max, "[", 1);
	if (!e->list)
		e->n = before;
}

bool
event_item(struct event *e, const char *text)
{
	size_t before = e->n;

	if (e->n == 0 || !e->list)
		return false;
	e->cut = false;
	add_text(e, e->max, NULL, text);
	if (e->cut)
		e->n = before;
	return !e->cut;
}

void
event_item_begin(struct event *e)
{
	if (e->n == 0)
		return;
	e->item = e->n;
	e->max--;			/* for the brace at its end */
	e->cut = !e->list || !put_comma(e, e->max) || !put(e, e->max, "{", 1);
}

bool
event_item_end(struct event *e)
{
	if (e->n == 0)
		return false;
	e->max++;
	if (e->cut)
		e->n = e->item;
	else
		e->text[e->n++] = '}';
	return !e->cut;
}

void
event_list_end(struct event *e)
{
	if (e->n == 0)
		return;
	e->max += LIST_ROOM;
	if (e->list)
		e->text[e->n++] = ']';
	e->list = false;
}

void
event_send(struct event *e)
{
	int saved = errno;
	int64_t until, end;
	size_t done;

	if (e->n == 0)
		return;
	memcpy(e->text + e->n, "}\n", END_LEN);
	e->n += END_LEN;
	until = now() + WAIT_MS;
	if (take_turn(&until)) {
		end = e->n > EVENT_MAX ? now() + WAIT_LONG_MS : until;
		done = push(rest.line, rest.n, until, until);
		rest.n -= done;
		memmove(rest.line, rest.line + done, rest.n);
		done = rest.n > 0 ? 0 : push(e->text, e->n, until, end);
		if (done > 0 && done < e->n) {
			rest.n = e->n - done;
			memcpy(rest.line, e->text + done, rest.n);
		}
		give_turn();
	}
	e->n = 0;
	errno = saved;
}
