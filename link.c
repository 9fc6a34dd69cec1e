/* SPDX-License-Identifier: MIT */
/* link.c - a link's life: control messages and signs of life.
 *
 * One thread reads, and says that we live.  Others may add messages: those
 * are short and rare, so they are sent at once without blocking, under a
 * mutex; whoever does not take them within the socket's buffer is dead. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "link.h"
#include "sealed.h"
#include "task.h"

enum {
	ROUND_MS = 1000,
	SLEPT_MS = 5000,		/* the wall clock ran ahead by this */
	SEND_MS = 5000
};

void
link_init(struct link *l, int fd, struct seal *s, const char *name)
{
	memset(l, 0, sizeof(*l));
	l->fd = fd;
	l->seal = s;
	(void)pthread_mutex_init(&l->out_mu, NULL);
	atomic_init(&l->ordered, 0);
	(void)snprintf(l->name, sizeof(l->name), "%s", name);
}

int
link_send(struct link *l, const struct ctl *m)
{
	struct net_wait w = { task_now() + SEND_MS, -1 };
	uint8_t body[RECORD_CONTROL_MAX];

	if (seal_put(l->seal, RECORD_CONTROL, body, ctl_put(m, body)) == -1) {
		errno = ENOBUFS;
		return -1;
	}
	return sealed_flush(l->seal, l->fd, &w);
}

int
link_receive(struct link *l, struct ctl *m, int64_t patience_ms)
{
	struct net_wait w = { task_now() + patience_ms, -1 };
	enum record_type type;
	uint8_t *body;
	size_t n;

	for (;;) {
		if (sealed_read(l->seal, l->fd, &w, &type, &body, &n) == -1)
			return -1;
		if (type != RECORD_KEEPALIVE)
			break;
		seal_take_keepalive(l->seal, body, task_now());
	}
	if (type == RECORD_CONTROL && ctl_get(m, body, n))
		return 0;
	errno = EPROTO;
	return -1;
}

/* Send what goes out at once; out_mu is held. */
static void
push(struct link *l)
{
	const uint8_t *p;
	size_t n;
	ssize_t put;

	while (p = seal_pending(l->seal, &n), n > 0) {
		/* A dead socket is noticed by who reads it. */
		if ((put = net_write_now(l->fd, p, n)) <= 0)
			return;
		seal_sent(l->seal, (size_t)put, task_now());
	}
}

void
link_say(struct link *l, const struct ctl *m)
{
	uint8_t body[RECORD_CONTROL_MAX];
	size_t n = ctl_put(m, body);
	int rc;

	(void)pthread_mutex_lock(&l->out_mu);
	rc = seal_put(l->seal, RECORD_CONTROL, body, n);
	push(l);
	(void)pthread_mutex_unlock(&l->out_mu);
	if (rc == -1)
		link_order_end(l, CTL_FAILED);
}

void
link_order_end(struct link *l, enum ctl_reason reason)
{
	int none = 0;

	(void)atomic_compare_exchange_strong(&l->ordered, &none, (int)reason);
	net_end_reading(l->fd);
}

static void
keep_alive(struct link *l)
{
	int64_t now = task_now();

	(void)pthread_mutex_lock(&l->out_mu);
	push(l);
	if (seal_keepalive_due(l->seal, now)) {
		(void)seal_put_keepalive(l->seal, now);
		push(l);
	}
	(void)pthread_mutex_unlock(&l->out_mu);
}

/* We end it, for this reason: say so. */
static bool
leave(struct link *l, enum ctl_reason reason, char *why)
{
	struct ctl bye = { .kind = CTL_BYE, .reason = reason };

	link_say(l, &bye);
	(void)snprintf(why, LINK_WHY_MAX, "%s", reason == CTL_STOPPING ?
	    "stopped" : reason == CTL_DISMISSED ? "ended by an order" :
	    ctl_reason_text(reason));
	return true;
}

/* Reading failed, with errno; a tick is none of that. */
static bool
lost(char *why)
{
	(void)snprintf(why, LINK_WHY_MAX, "%s", errno == EPROTO ?
	    "what came is not what the other side sent" :
	    errno == ECONNRESET ? "the connection was cut" :
	    strerror(errno));
	return false;
}

/* The wall clock has run ahead of ours: the machine has slept. */
static bool
slept(int64_t *ahead)
{
	int64_t was = *ahead;

	*ahead = task_wall() - task_now();
	return *ahead - was >= SLEPT_MS;
}

bool
link_live(struct link *l, const struct link_events *e,
    char why[LINK_WHY_MAX])
{
	int64_t began, ahead = task_wall() - task_now();
	bool told = false, dozed;
	struct net_wait w = { 0, -1 };
	enum record_type type;
	struct seal *s = l->seal;
	struct ctl m;
	uint8_t *body;
	size_t n;
	int rc;

	for (;;) {
		began = task_now();
		w.until = began + ROUND_MS;
		rc = sealed_read(s, l->fd, &w, &type, &body, &n);
		if (atomic_load(&l->ordered) != 0)
			return leave(l, (enum ctl_reason)
			    atomic_load(&l->ordered), why);
		if (rc == -1 && errno == ECANCELED)
			return leave(l, CTL_STOPPING, why);
		if (rc == -1 && errno != ETIMEDOUT && errno != EINTR)
			return lost(why);
		keep_alive(l);
		if (rc == -1) {
			if (seal_waited(s, task_now() - began) >=
			    LINK_DEAD_MS) {
				(void)snprintf(why, LINK_WHY_MAX,
				    "silent for %d s", LINK_DEAD_MS / 1000);
				return false;
			}
			dozed = slept(&ahead);
			if (e->silent != NULL && !told &&
			    (dozed || s->waited_ms >= LINK_SILENT_MS)) {
				told = true;
				e->silent(e->arg);
			}
			continue;
		}
		told = false;
		if (type == RECORD_KEEPALIVE) {
			seal_take_keepalive(s, body, task_now());
			continue;
		}
		if (!ctl_get(&m, body, n)) {
			errno = EPROTO;
			return lost(why);
		}
		if (m.kind == CTL_BYE) {
			l->bye = m.reason;
			(void)snprintf(why, LINK_WHY_MAX, "%s%s%.255s",
			    ctl_reason_text(m.reason), m.text[0] ? ": " : "",
			    m.text);
			return true;
		}
		if (e->message == NULL || !e->message(e->arg, &m)) {
			errno = EPROTO;
			return lost(why);
		}
	}
}

void
link_close(struct link *l, bool clean)
{
	if (clean) {
		net_last_words(l->fd);
		net_close_clean(l->fd);
	} else
		(void)close(l->fd);
	seal_free(l->seal);
	l->seal = NULL;
	(void)pthread_mutex_destroy(&l->out_mu);
}
