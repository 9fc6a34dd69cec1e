/* SPDX-License-Identifier: MIT */
/* late.c - who comes too late.
 *
 * All of them in main's own thread, which has nothing else to do then, and
 * without any wait: those of net.c end at a stop.  Nothing that they say is
 * believed, and nothing is done for them. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "kex.h"
#include "late.h"
#include "log.h"
#include "tell.h"

enum { LOOK_MS = 100 };

struct late {
	int fd;				/* -1: free */
	bool answered;
	int64_t until;
	struct net_addr from;
	struct http_request request;
	uint8_t head[LATE_HEAD_MAX];
	size_t n;
};

static struct late late[LATE_MAX];	/* main's */

_Static_assert((int)LATE_MAX + 1 <= (int)NET_ANY_MAX,
    "all are waited for at once");

static void
let_go(struct late *l)
{
	if (l->answered)
		net_close_clean(l->fd);
	else
		(void)close(l->fd);
	l->fd = -1;
}

/* Say it all at once, or nothing: so much always fits a socket's buffer. */
static void
answer(struct late *l, const void *p, size_t n)
{
	if (net_write_now(l->fd, p, n) != (ssize_t)n) {
		let_go(l);
		return;
	}
	/* Closing with bytes unread would take the answer back. */
	net_end_writing(l->fd);
	l->answered = true;
}

static void
refuse(struct tunnel *t, struct late *l, const void *p, size_t n)
{
	const char *why = meet_status_text(MEET_STOPPING);
	char name[NET_NAME_MAX], line[NET_NAME_MAX + 80];

	net_name(&l->from, name);
	stats_up(&t->stats, STATS_DRAINING);
	(void)snprintf(line, sizeof(line), "refused %s: %s", name, why);
	if (stream_complain(t, LOG_STREAM, line))
		tell_refused(name, why);
	answer(l, p, n);
}

static void
answer_meeting(struct tunnel *t, struct late *l, const struct late_ways *ways)
{
	static const struct meet no = {
		.kind = MEET_M_REFUSED, .reason = MEET_R_STOPPING
	};
	uint8_t out[MEET_LEN + MEET_BODY_MAX], state[MEET_STATUS_MAX];
	struct wr w = { out, 0, MEET_LEN, false };
	size_t n;

	switch (meet_kind(l->head)) {
	case MEET_WAIT:
		n = meet_put(&no, out + MEET_LEN);
		wr_u16(&w, (uint16_t)n);
		refuse(t, l, out, MEET_LEN + n);
		return;
	case MEET_DIAL:
	case MEET_MEMBER:
		out[0] = MEET_STOPPING;
		refuse(t, l, out, 1);
		return;
	case MEET_ACCEPT_KIND:
		out[0] = MEET_NO_TICKET;
		refuse(t, l, out, 1);
		return;
	case MEET_STATUS:
		answer(l, state, ways->status(t, state));
		return;
	case MEET_KIND_VERSION:
		out[0] = KEX_VERSION;
		refuse(t, l, out, 1);
		return;
	case MEET_KIND_BAD:
		let_go(l);
		return;
	}
}

/* What has come so far: is it enough for an answer? */
static void
judge(struct tunnel *t, struct late *l, const struct late_ways *ways)
{
	char out[LATE_OUT_MAX];
	enum http_verdict v;

	if (l->n < 2)
		return;
	if (l->head[0] >= 'A' && l->head[0] <= 'Z' && l->head[1] >= 'A' &&
	    l->head[1] <= 'Z') {
		v = http_feed(&l->request, l->head, l->n);
		if (v == HTTP_MORE && l->n == sizeof(l->head))
			v = HTTP_TOO_LONG;
		if (v != HTTP_MORE)
			answer(l, out, ways->http(t, &l->request, v, out,
			    sizeof(out)));
	} else if (l->n >= MEET_HEAD)
		answer_meeting(t, l, ways);
	else if (l->head[0] != 0xad || l->head[1] != 0x17)
		let_go(l);
}

/* There is something to be read. */
static void
hear(struct tunnel *t, struct late *l, const struct late_ways *ways)
{
	uint8_t waste[512];
	ssize_t n;

	if (l->answered)
		n = net_read_now(l->fd, waste, sizeof(waste));
	else
		n = net_read_now(l->fd, l->head + l->n,
		    sizeof(l->head) - l->n);
	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EWOULDBLOCK &&
	    errno != EINTR))
		let_go(l);
	else if (n > 0 && !l->answered) {
		l->n += (size_t)n;
		judge(t, l, ways);
	}
}

static void
let_in(struct tunnel *t, int lfd, struct late *l)
{
	if ((l->fd = net_accept_now(lfd, &l->from)) == -1)
		return;
	stats_up(&t->stats, STATS_CONNECTIONS_TOTAL);
	l->answered = false;
	l->until = task_now() + LATE_MS;
	l->n = 0;
	memset(&l->request, 0, sizeof(l->request));
}

/* One round; returns the number of a free place, or LATE_MAX. */
static int
look(struct tunnel *t, const bool *ready, const struct late_ways *ways)
{
	int64_t now = task_now();
	int i, vacant = LATE_MAX;

	for (i = 0; i < LATE_MAX; i++) {
		if (late[i].fd != -1 && ready[i])
			hear(t, &late[i], ways);
		if (late[i].fd != -1 && now >= late[i].until)
			let_go(&late[i]);
		if (late[i].fd == -1)
			vacant = i;
	}
	return vacant;
}

void
late_serve(struct tunnel *t, int lfd, int64_t until,
    const struct late_ways *ways)
{
	int fds[LATE_MAX + 1], i, vacant = 0;
	bool ready[LATE_MAX + 1];
	int64_t left;

	for (i = 0; i < LATE_MAX; i++)
		late[i].fd = -1;
	while (atomic_load(&t->carried) > 0 &&
	    (left = until - task_now()) > 0) {
		for (i = 0; i < LATE_MAX; i++)
			fds[i] = late[i].fd;
		fds[LATE_MAX] = vacant < LATE_MAX ? lfd : -1;
		net_await_late(fds, ready, LATE_MAX + 1,
		    left < LOOK_MS ? left : LOOK_MS);
		if (ready[LATE_MAX])
			let_in(t, lfd, &late[vacant]);
		vacant = look(t, ready, ways);
	}
	for (i = 0; i < LATE_MAX; i++) {
		if (late[i].fd != -1)
			let_go(&late[i]);
	}
}
