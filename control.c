/* SPDX-License-Identifier: MIT */
/* control.c - a supervisor's orders: read, and obeyed.
 *
 * stdin is not ours: it may be shared with others, who may read what we were
 * told is there.  Then our read() waits, and a stop wakes it (task.h). */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "control.h"
#include "order.h"
#include "tell.h"

enum { READ_MAX = 1024 };

static void
list(struct tunnel *t)
{
	struct tell_list l;

	tell_list_begin(&l);
	if (t->roster.own)
		tell_list_next(&l);	/* sessions are a server's */
	else
		roster_list(&t->roster, &l);
	tell_list_send(&l);
}

static void
disconnect(struct tunnel *t, const char *id)
{
	char why[ORDER_ID_MAX + 32];
	uint8_t instance[CTL_INSTANCE];

	if (t->roster.own) {
		tell_error("DISCONNECT is for servers");
		return;
	}
	if (!roster_dismiss(&t->roster, id, instance)) {
		(void)snprintf(why, sizeof(why), "no session \"%s\"", id);
		tell_error(why);
		return;
	}
	session_dismiss(&t->sessions, instance);
}

static void
obey(struct tunnel *t, const struct order *o)
{
	switch (o->kind) {
	case ORDER_LIST:
		list(t);
		break;
	case ORDER_DISCONNECT:
		disconnect(t, o->session_id);
		break;
	case ORDER_SHUTDOWN:
		task_stop();
		break;
	}
}

/* Some bytes have come. */
static void
take(struct tunnel *t, struct order_reader *r, const char *p, size_t n)
{
	char why[ORDER_WHY_MAX];
	enum order_found found;
	struct order o;
	size_t used;

	while (!task_stopping() && (found = order_feed(r, p, n, &used, &o,
	    why)) != ORDER_MORE) {
		if (found == ORDER_READ)
			obey(t, &o);
		else
			tell_error(why);
		p += used;
		n -= used;
	}
}

/* In the background of a terminal a read is to fail, not to stop us all. */
static void
stay_awake(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTTIN);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void
run(struct task *task)
{
	struct tunnel *t = ((struct stream *)task)->tunnel;
	const int from = STDIN_FILENO;
	struct order_reader r = { .n = 0 };
	char buf[READ_MAX], why[ORDER_WHY_MAX];
	ssize_t n = 1;

	stay_awake();
	while (n > 0) {
		if (net_await_any(&from, 1, INT64_MAX) == -1) {
			if (errno != ETIMEDOUT)
				return;
			continue;
		}
		n = read(from, buf, sizeof(buf));
		if (n > 0)
			take(t, &r, buf, (size_t)n);
		else if (n == -1 && !task_stopping() &&
		    (errno == EINTR || errno == EAGAIN))
			n = 1;
	}
	if (!task_stopping() && order_end(&r, why) == ORDER_BAD)
		tell_error(why);
}

int
control_start(struct tunnel *t)
{
	return stream_launch(stream_new(t), run) ? 0 : -1;
}
