/* SPDX-License-Identifier: MIT */
#ifndef SESSION_H
#define SESSION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "ctl.h"
#include "kex.h"
#include "link.h"
#include "number.h"
#include "roster.h"

/* The server's sessions: each live link's keys, the numbers of its streams
 * that were used, and the streams that it was asked for.  One table, one
 * mutex; under it a control message may be sent, which does not block.
 * (PROTOCOL.md 3.4, 3.5) */

enum {
	SESSION_ASK_MS = 10000,		/* so long may an asked one take */
	SESSION_GRACE_MS = 15000,	/* a replaced link's streams may come */
	SESSION_GRACE_LINKS = 8		/* ... unless so many others have come
					 * since: twice what a client has under
					 * way at once */
};

struct sessions;

struct session {
	struct session *next;		/* oldest first */
	struct sessions *table;
	struct link *link;		/* NULL: replaced, and closed */
	unsigned newer;			/* ... and so many links came since */
	struct kex_keys keys;
	uint8_t instance[CTL_INSTANCE];
	struct roster_client *client;	/* whose it is */
	enum ctl_mode mode;
	uint16_t port;			/* what WELCOME says */
	struct numbers even;
	uint64_t next_odd;
};

enum ask_state {
	ASK_WAITING,		/* for a link */
	ASK_SENT,
	ASK_TAKEN,		/* the stream is here, and being answered */
	ASK_OPENED,		/* and ready: `fd` and `seal` are there */
	ASK_REFUSED		/* with `reason` and `text` */
};

/* A stream that the server wants: on the stack of the thread that does. */
struct ask {
	struct ask *next;		/* in the order they came */
	enum ask_state state;
	uint64_t number;
	uint8_t sid[KEX_SID];
	pthread_cond_t changed;
	int fd;
	struct seal *seal;
	enum ctl_reason reason;
	char text[CTL_SENTENCE_MAX + 1];
	struct roster_member *member;	/* joins the client that opens it */
	char peer[NET_NAME_MAX];
};

struct sessions {
	pthread_mutex_t mu;	/* guards all of it */
	struct session *first;
	struct ask *asks;
	struct roster *roster;	/* borrowed */
};

/* No links, no requests. */
void session_init(struct sessions *t, struct roster *roster);

/* Enter a new link's session, and send WELCOME (in this order seen from
 * outside: neither a stream nor a request can be too early).  It stays the
 * caller's and in its place until it leaves; an older link of the same
 * instance is ordered to end, and what waits for a link is asked for.
 * Leaving wipes its keys. */
void session_enter(struct sessions *t, struct session *s);
void session_leave(struct sessions *t, struct session *s);

/* All links of this instance are ordered to end: the client is dismissed. */
void session_dismiss(struct sessions *t,
    const uint8_t instance[CTL_INSTANCE]);

/* A replaced link is about to be closed: what it was asked for, others may do;
 * only streams whose hellos are under way still need its session.  Have
 * SESSION_GRACE_LINKS others come since? */
void session_retire(struct sessions *t, struct session *s);
bool session_stale(struct sessions *t, struct session *s);

/* Copy the keys of the session that a stream's hello names, if that number
 * may be used; else false.  The caller wipes them. */
bool session_find(struct sessions *t, const struct kex_hello *h,
    struct kex_keys *keys);

/* Its OPEN was verified: use the number, and m joins the client.  Returns
 * false if that is not allowed any more.  An odd one: *ask is who wanted it,
 * in ASK_TAKEN, for session_give() alone to go on with; a->member joins. */
bool session_use(struct sessions *t, const struct kex_hello *h,
    struct ask **ask, struct roster_member *m);

/* Give the stream to who asked for it (seal NULL: it came to nothing); fd and
 * seal are theirs now. */
void session_give(struct sessions *t, struct ask *a, int fd, struct seal *s,
    const char *peer);

/* The client says that this stream will not come: who asked for it is told;
 * or, if it was the client's own, its number is used up. */
void session_cancel(struct sessions *t, struct session *s,
    const struct ctl *m);

/* Ask the oldest live link that takes requests for a stream, or the next one
 * that comes, and wait for it; gone(arg) ends the wait early.  Returns true
 * with a->fd, a->seal and a->peer, which are the caller's; or false with
 * a->reason and a->text.  m has joined a client, or not. */
bool session_ask(struct sessions *t, struct ask *a, struct roster_member *m,
    bool (*gone)(void *), void *arg);

#endif
