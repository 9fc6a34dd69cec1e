/* SPDX-License-Identifier: MIT */
#ifndef LINK_H
#define LINK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "ctl.h"
#include "net.h"
#include "seal.h"

/* A link that carries no stream of its own: control messages and signs of
 * life, for as long as both sides live (PROTOCOL.md 3.5, 3.7). */

enum {
	LINK_SILENT_MS = 5000,		/* then its owner is told */
	LINK_DEAD_MS = 10000,
	LINK_WHY_MAX = 384
};

struct link {
	int fd;				/* the link's thread closes it */
	struct seal *seal;
	pthread_mutex_t out_mu;		/* guards seal->out, and sending,
					 * which never blocks */
	_Atomic int ordered;		/* somebody ends it: an enum
					 * ctl_reason, or 0 */
	enum ctl_reason bye;		/* what the peer said at its end, or
					 * 0; by the link's thread */
	char name[NET_NAME_MAX];	/* the peer */
};

/* What its thread does when something happens.  A NULL is not called. */
struct link_events {
	void *arg;
	/* A message came.  Returns false if it makes no sense here. */
	bool (*message)(void *arg, const struct ctl *m);
	/* Nothing was heard for LINK_SILENT_MS of waiting, or the machine has
	 * slept; once, until something is heard again. */
	void (*silent)(void *arg);
};

/* Make one of an authenticated socket and its seal: takes both. */
void link_init(struct link *l, int fd, struct seal *s, const char *name);

/* By the link's thread, before others know of it: send a message, read one;
 * bounded in time.  Return 0, or -1 with errno (EPROTO: not a message). */
int link_send(struct link *l, const struct ctl *m);
int link_receive(struct link *l, struct ctl *m, int64_t patience_ms);

/* Queue a message and send what goes out at once; any thread, while the link
 * is known to live; does not block.  A peer that takes nothing loses it. */
void link_say(struct link *l, const struct ctl *m);

/* Have it end, with this reason; any thread, while it is known to live. */
void link_order_end(struct link *l, enum ctl_reason reason);

/* By the link's thread: live until it ends; why says how.  Returns true if
 * it ended in order, false if it was lost. */
bool link_live(struct link *l, const struct link_events *e,
    char why[LINK_WHY_MAX]);

/* By the link's thread, when nobody else knows of it any more: close. */
void link_close(struct link *l, bool clean);

#endif
