/* SPDX-License-Identifier: MIT */
/* session.c - the table of links: numbers, requests, who is asked, and what
 * becomes of a request when things go wrong.  The links are real ones, over
 * sockets; the clients at their other ends are played here. */

#include "number.h"
#include "sealed.h"
#include "secret.h"
#include "session.h"
#include "task.h"
#include "unit.h"

static struct sessions table;
static struct roster_member member;	/* of nobody's */

/* A link, and the client at its other end. */
struct pair {
	struct session session;
	struct link link;
	int fd;				/* the client's */
	struct seal *seal;
};

/* A link number `id` in this mode; its instance is `who`. */
static void
make(struct pair *p, int id, enum ctl_mode mode, int who)
{
	struct seal_keys k = { .suite = BEAR_CHACHA20_POLY1305 };
	struct seal *seal;
	int fd[2];

	memset(p, 0, sizeof(*p));
	unit_tcp(fd);
	unit_fill(k.in, sizeof(k.in), 2 * (unsigned)id);
	unit_fill(k.out, sizeof(k.out), 2 * (unsigned)id + 1);
	REQUIRE((seal = seal_new(RECORD_LINK, false, &k)) != NULL);
	link_init(&p->link, fd[0], seal, "client");
	unit_fill(k.out, sizeof(k.out), 2 * (unsigned)id);
	unit_fill(k.in, sizeof(k.in), 2 * (unsigned)id + 1);
	REQUIRE((p->seal = seal_new(RECORD_LINK, true, &k)) != NULL);
	p->fd = fd[1];
	p->session.table = &table;
	p->session.link = &p->link;
	p->session.mode = mode;
	p->session.keys.suite = BEAR_CHACHA20_POLY1305;
	unit_fill(p->session.keys.sid, KEX_SID, 100 + (unsigned)id);
	unit_fill(p->session.keys.prk, BEAR_HASH, 200 + (unsigned)id);
	unit_fill(p->session.instance, CTL_INSTANCE, 300 + (unsigned)who);
}

static void
drop(struct pair *p)
{
	link_close(&p->link, false);
	seal_free(p->seal);
	(void)close(p->fd);
}

/* What the client hears within ms; false: nothing. */
static bool
hear(struct pair *p, int ms, struct ctl *m)
{
	struct net_wait w = { task_now() + ms, -1 };
	enum record_type type;
	uint8_t *body;
	size_t n;

	memset(m, 0, sizeof(*m));
	if (sealed_read(p->seal, p->fd, &w, &type, &body, &n) == -1)
		return false;
	CHECK_EQ(type, RECORD_CONTROL);
	CHECK(ctl_get(m, body, n));
	return true;
}

static void
hears_welcome(struct pair *p)
{
	struct ctl m;

	CHECK(hear(p, 10000, &m));
	CHECK_EQ(m.kind, CTL_WELCOME);
	CHECK_EQ(m.mode, p->session.mode);
}

/* The number that the client is asked for. */
static uint64_t
hears_ask(struct pair *p)
{
	struct ctl m;

	CHECK(hear(p, 10000, &m));
	CHECK_EQ(m.kind, CTL_ASK);
	return m.number;
}

/* The client hears that this number is not wanted any more. */
static void
hears_cancel(struct pair *p, uint64_t number)
{
	struct ctl m;

	CHECK(hear(p, 10000, &m));
	CHECK_EQ(m.kind, CTL_CANCEL);
	CHECK_EQ(m.number, number);
	CHECK_EQ(m.reason, CTL_TIMEOUT);
}

static struct kex_hello
hello(const struct pair *p, uint64_t number)
{
	struct kex_hello h = { .role = KEX_CLIENT, .number = number };

	memcpy(h.sid, p->session.keys.sid, KEX_SID);
	return h;
}

static void
begin(void)
{
	REQUIRE(task_init() == 0);
	session_init(&table, NULL);
}

/* The numbers a client opens streams with by itself. */
static void
numbers(void)
{
	struct ctl no = { .kind = CTL_CANCEL, .reason = CTL_TIMEOUT };
	struct kex_keys keys;
	struct kex_hello h;
	struct ask *ask = (struct ask *)&table;
	struct pair p;

	begin();
	make(&p, 1, CTL_CLIENT_OPENS, 1);
	h = hello(&p, 2);
	CHECK(!session_find(&table, &h, &keys));
	session_enter(&table, &p.session);
	hears_welcome(&p);
	CHECK(session_find(&table, &h, &keys));
	CHECK_BYTES(&keys, &p.session.keys, sizeof(keys));
	unit_row("looking does not use it");
	CHECK(session_find(&table, &h, &keys));
	CHECK(session_use(&table, &h, &ask, &member));
	CHECK(ask == NULL);
	unit_row("once is enough");
	CHECK(!session_find(&table, &h, &keys));
	CHECK(!session_use(&table, &h, &ask, &member));
	CHECK(ask == NULL);
	unit_row("others");
	h.number = 6;
	CHECK(session_use(&table, &h, &ask, &member));
	h.number = 4;
	CHECK(session_find(&table, &h, &keys));
	CHECK(session_use(&table, &h, &ask, &member));
	CHECK(!session_use(&table, &h, &ask, &member));
	h.number = 0;
	CHECK(!session_find(&table, &h, &keys));
	CHECK(!session_use(&table, &h, &ask, &member));
	unit_row("odd ones, which nobody asked for");
	for (h.number = 1; h.number < 9; h.number += 2) {
		CHECK(!session_find(&table, &h, &keys));
		CHECK(!session_use(&table, &h, &ask, &member));
	}
	unit_row("the window");
	h.number = 2 + 2 * (uint64_t)NUMBER_WINDOW + 1000;
	CHECK(session_use(&table, &h, &ask, &member));
	h.number = 8;
	CHECK(!session_find(&table, &h, &keys));
	CHECK(!session_use(&table, &h, &ask, &member));
	unit_row("our own role, reflected");
	h.number = 9000;
	h.role = KEX_SERVER;
	CHECK(!session_find(&table, &h, &keys));
	CHECK(!session_use(&table, &h, &ask, &member));
	h.role = KEX_CLIENT;
	CHECK(session_find(&table, &h, &keys));
	unit_row("another session's name");
	h.sid[KEX_SID - 1] ^= 1;
	CHECK(!session_find(&table, &h, &keys));
	CHECK(!session_use(&table, &h, &ask, &member));
	h.sid[KEX_SID - 1] ^= 1;
	unit_row("given up by the client");
	h.number = 9002;
	CHECK(session_find(&table, &h, &keys));
	no.number = 9002;
	session_cancel(&table, &p.session, &no);
	session_cancel(&table, &p.session, &no);
	CHECK(!session_find(&table, &h, &keys));
	CHECK(!session_use(&table, &h, &ask, &member));
	h.number = 9004;
	CHECK(session_find(&table, &h, &keys));
	unit_row("over");
	session_leave(&table, &p.session);
	CHECK(!session_find(&table, &h, &keys));
	CHECK(!session_use(&table, &h, &ask, &member));
	memset(&keys, 0, sizeof(keys));
	CHECK_BYTES(&p.session.keys, &keys, sizeof(keys));
	drop(&p);
}

/* Only the mode that says so lets the client open streams. */
static void
modes(void)
{
	static const enum ctl_mode mode[] = {
		CTL_NO_MODE, CTL_PIPE, CTL_SERVER_ASKS
	};
	struct kex_keys keys;
	struct kex_hello h;
	struct ask *ask;
	struct pair p;
	size_t i;

	begin();
	for (i = 0; i < 3; i++) {
		unit_row("mode %d", mode[i]);
		make(&p, 1, mode[i], 1);
		session_enter(&table, &p.session);
		for (h = hello(&p, 0); h.number < 6; h.number++) {
			CHECK(!session_find(&table, &h, &keys));
			CHECK(!session_use(&table, &h, &ask, &member));
		}
		session_leave(&table, &p.session);
		drop(&p);
	}
}

/* Several sessions, whose numbers are their own; left in any order. */
static void
several(void)
{
	struct kex_keys keys;
	struct kex_hello h;
	struct ask *ask;
	struct pair p[3];
	int i, k;

	begin();
	for (i = 0; i < 3; i++) {
		make(&p[i], i + 1, CTL_CLIENT_OPENS, i);
		session_enter(&table, &p[i].session);
	}
	for (i = 0; i < 3; i++) {
		unit_row("session %d", i);
		h = hello(&p[i], 2);
		CHECK(session_find(&table, &h, &keys));
		CHECK_BYTES(keys.prk, p[i].session.keys.prk, BEAR_HASH);
		CHECK(session_use(&table, &h, &ask, &member));
		CHECK(!session_use(&table, &h, &ask, &member));
	}
	for (i = 0; i < 3; i++) {
		k = (i + 1) % 3;	/* the middle, the last, the first */
		h = hello(&p[k], 4);
		CHECK(session_find(&table, &h, &keys));
		session_leave(&table, &p[k].session);
		CHECK(!session_find(&table, &h, &keys));
	}
	CHECK(table.first == NULL);
	for (i = 0; i < 3; i++)
		drop(&p[i]);
}

/* Who asks, in a thread of its own. */
struct asker {
	struct ask ask;
	pthread_t t;
	atomic_bool gone, over;
	bool opened;
	int64_t ms;
};

static bool
is_gone(void *arg)
{
	return atomic_load((atomic_bool *)arg);
}

static void *
do_ask(void *arg)
{
	struct asker *a = arg;
	int64_t began = task_now();

	a->opened = session_ask(&table, &a->ask, &member, is_gone, &a->gone);
	a->ms = task_now() - began;
	atomic_store(&a->over, true);
	return NULL;
}

static void
ask(struct asker *a)
{
	memset(a, 0, sizeof(*a));
	REQUIRE(pthread_create(&a->t, NULL, do_ask, a) == 0);
}

/* Wait until the request is in the table. */
static void
await_asks(unsigned n)
{
	int64_t until = task_now() + 10000;
	struct ask *a;
	unsigned have;

	do {
		unit_sleep(1);
		have = 0;
		(void)pthread_mutex_lock(&table.mu);
		for (a = table.asks; a != NULL; a = a->next)
			have++;
		(void)pthread_mutex_unlock(&table.mu);
	} while (have != n && task_now() < until);
	CHECK_EQ(have, n);
}

static void
join(struct asker *a)
{
	(void)pthread_join(a->t, NULL);
}

/* The stream that was asked for has come: hand it over.  fd is but a
 * number. */
static void
give(const struct pair *p, uint64_t number, int fd, struct seal *seal)
{
	struct kex_hello h = hello(p, number);
	struct kex_keys keys;
	struct ask *a;

	CHECK(session_find(&table, &h, &keys));
	CHECK(session_use(&table, &h, &a, &member));
	REQUIRE(a != NULL);
	CHECK_EQ(a->state, ASK_TAKEN);
	/* Nobody else can come with that number, nor take it back. */
	CHECK(!session_find(&table, &h, &keys));
	CHECK(!session_use(&table, &h, &(struct ask *){ NULL },
	    &member));
	session_give(&table, a, fd, seal, "the peer");
}

static struct seal *
some_seal(void)
{
	struct seal_keys k = { .suite = BEAR_CHACHA20_POLY1305 };

	unit_fill(k.in, sizeof(k.in), 1);
	unit_fill(k.out, sizeof(k.out), 2);
	return seal_new(RECORD_STREAM, false, &k);
}

static void
asked_and_given(void)
{
	struct kex_keys keys;
	struct kex_hello h;
	struct seal *seal;
	struct asker a;
	struct ctl m;
	struct pair p;
	uint64_t i;

	begin();
	make(&p, 1, CTL_SERVER_ASKS, 1);
	session_enter(&table, &p.session);
	hears_welcome(&p);
	for (i = 0; i < 4; i++) {
		unit_row("stream %d", (int)i);
		ask(&a);
		CHECK_EQ(hears_ask(&p), 2 * i + 1);
		h = hello(&p, 2 * i + 3);
		CHECK(!session_find(&table, &h, &keys));
		h.number = 2 * i + 1;
		h.role = KEX_SERVER;
		CHECK(!session_find(&table, &h, &keys));
		seal = i < 3 ? some_seal() : NULL;
		give(&p, 2 * i + 1, 77, seal);
		join(&a);
		CHECK_EQ(a.opened, i < 3);
		CHECK(unit_within(a.ms, 2000));
		if (i < 3) {
			CHECK_EQ(a.ask.fd, 77);
			CHECK(a.ask.seal == seal);
			CHECK_STR(a.ask.peer, "the peer");
			seal_free(seal);
		} else
			CHECK_EQ(a.ask.reason, CTL_FAILED);
	}
	CHECK(table.asks == NULL);
	CHECK(!hear(&p, 100, &m));
	session_leave(&table, &p.session);
	drop(&p);
}

/* The client says no. */
static void
cancelled(void)
{
	struct ctl no = { .kind = CTL_CANCEL, .reason = CTL_UNREACHABLE,
	    .text = "cannot connect to db:5432" };
	struct kex_keys keys;
	struct kex_hello h;
	struct pair p, other;
	struct asker a;

	begin();
	make(&p, 1, CTL_SERVER_ASKS, 1);
	make(&other, 2, CTL_SERVER_ASKS, 2);
	session_enter(&table, &p.session);
	session_enter(&table, &other.session);
	hears_welcome(&p);
	ask(&a);
	CHECK_EQ(no.number = hears_ask(&p), 1);
	unit_row("somebody else, or something else");
	session_cancel(&table, &other.session, &no);
	no.number = 3;
	session_cancel(&table, &p.session, &no);
	no.number = 2;
	session_cancel(&table, &p.session, &no);
	unit_sleep(50);
	CHECK(!atomic_load(&a.over));
	unit_row("the client");
	memset(no.text + strlen(no.text), 'x', CTL_TARGET_MAX -
	    strlen(no.text));
	no.number = 1;
	session_cancel(&table, &p.session, &no);
	join(&a);
	CHECK(!a.opened && unit_within(a.ms, 2000));
	CHECK_EQ(a.ask.reason, CTL_UNREACHABLE);
	CHECK(strncmp(a.ask.text, "cannot connect to db:5432x", 26) == 0);
	CHECK_EQ(strlen(a.ask.text), CTL_SENTENCE_MAX);
	h = hello(&p, 1);
	CHECK(!session_find(&table, &h, &keys));
	unit_row("again, when nobody wants it any more");
	session_cancel(&table, &p.session, &no);
	CHECK(table.asks == NULL);
	unit_row("once it is here, a CANCEL comes too late");
	ask(&a);
	CHECK_EQ(no.number = hears_ask(&p), 3);
	h.number = 3;
	{
		struct ask *taken;

		CHECK(session_use(&table, &h, &taken, &member));
		REQUIRE(taken != NULL);
		session_cancel(&table, &p.session, &no);
		CHECK_EQ(taken->state, ASK_TAKEN);
		unit_sleep(20);
		CHECK(!atomic_load(&a.over));
		session_give(&table, taken, 5, p.seal, "x");
	}
	join(&a);
	CHECK(a.opened && a.ask.fd == 5);
	session_leave(&table, &p.session);
	session_leave(&table, &other.session);
	drop(&p);
	drop(&other);
}

/* Who asked has gone; the stream that comes then is not wanted. */
static void
gone(void)
{
	struct kex_keys keys;
	struct kex_hello h;
	struct asker a;
	struct ask *taken;
	struct pair p;

	begin();
	make(&p, 1, CTL_SERVER_ASKS, 1);
	session_enter(&table, &p.session);
	hears_welcome(&p);
	ask(&a);
	CHECK_EQ(hears_ask(&p), 1);
	atomic_store(&a.gone, true);
	join(&a);
	CHECK(!a.opened && unit_within(a.ms, 2000));
	h = hello(&p, 1);
	CHECK(!session_find(&table, &h, &keys));
	CHECK(!session_use(&table, &h, &taken, &member));
	CHECK(taken == NULL && table.asks == NULL);
	hears_cancel(&p, 1);
	unit_row("while the stream is being answered it waits");
	ask(&a);
	CHECK_EQ(hears_ask(&p), 3);
	h.number = 3;
	CHECK(session_use(&table, &h, &taken, &member));
	atomic_store(&a.gone, true);
	unit_sleep(400);
	CHECK(!atomic_load(&a.over));
	session_give(&table, taken, 5, p.seal, "x");
	join(&a);
	CHECK(a.opened);		/* and closes it */
	session_leave(&table, &p.session);
	drop(&p);
}

/* A request waits for a link, the links that take none do not count, and the
 * oldest of the others is asked. */
static void
waits_for_link(void)
{
	struct pair p[3];
	struct asker a[2];
	struct ctl m;
	int i;

	begin();
	ask(&a[0]);
	await_asks(1);
	ask(&a[1]);
	await_asks(2);
	make(&p[0], 1, CTL_CLIENT_OPENS, 1);
	make(&p[1], 2, CTL_SERVER_ASKS, 2);
	make(&p[2], 3, CTL_SERVER_ASKS, 3);
	session_enter(&table, &p[0].session);
	hears_welcome(&p[0]);
	CHECK(!hear(&p[0], 50, &m));
	session_enter(&table, &p[1].session);
	/* WELCOME comes before all else. */
	hears_welcome(&p[1]);
	CHECK_EQ(hears_ask(&p[1]), 1);
	CHECK_EQ(hears_ask(&p[1]), 3);
	session_enter(&table, &p[2].session);
	hears_welcome(&p[2]);
	/* In the order they came. */
	give(&p[1], 1, 10, p[0].seal);
	join(&a[0]);
	CHECK(a[0].opened && a[0].ask.fd == 10);
	give(&p[1], 3, 11, p[0].seal);
	join(&a[1]);
	CHECK(a[1].opened && a[1].ask.fd == 11);
	unit_row("the oldest");
	ask(&a[0]);
	CHECK_EQ(hears_ask(&p[1]), 5);
	CHECK(!hear(&p[2], 50, &m));
	unit_row("it ends: the next one is asked");
	session_leave(&table, &p[1].session);
	CHECK_EQ(hears_ask(&p[2]), 1);
	unit_row("one that is about to end is not asked");
	ask(&a[1]);
	CHECK_EQ(hears_ask(&p[2]), 3);
	link_order_end(&p[2].link, CTL_STOPPING);
	give(&p[2], 3, 12, p[0].seal);
	join(&a[1]);
	ask(&a[1]);
	await_asks(2);
	CHECK_EQ(a[1].ask.state, ASK_WAITING);
	give(&p[2], 1, 13, p[0].seal);
	join(&a[0]);
	CHECK(a[0].opened && a[0].ask.fd == 13);
	atomic_store(&a[1].gone, true);
	join(&a[1]);
	CHECK(!a[1].opened);
	session_leave(&table, &p[0].session);
	session_leave(&table, &p[2].session);
	for (i = 0; i < 3; i++)
		drop(&p[i]);
}

/* A client's next link takes the place of its last one: what that was asked
 * for, the next one is; the streams that are under way may still come. */
static void
replaced(void)
{
	struct pair p[3];
	struct kex_keys keys;
	struct kex_hello h;
	struct asker a[2];
	int i;

	begin();
	for (i = 0; i < 3; i++)
		make(&p[i], i + 1, CTL_SERVER_ASKS, i == 1 ? 9 : 1);
	session_enter(&table, &p[0].session);
	hears_welcome(&p[0]);
	ask(&a[0]);
	CHECK_EQ(hears_ask(&p[0]), 1);
	session_enter(&table, &p[1].session);
	CHECK_EQ(atomic_load(&p[0].link.ordered), 0);
	h = hello(&p[0], 1);
	CHECK(session_find(&table, &h, &keys));
	session_enter(&table, &p[2].session);
	CHECK_EQ(atomic_load(&p[0].link.ordered), CTL_REPLACED);
	CHECK_EQ(atomic_load(&p[1].link.ordered), 0);
	CHECK_EQ(atomic_load(&p[2].link.ordered), 0);
	hears_welcome(&p[1]);
	hears_welcome(&p[2]);
	unit_row("the oldest of the others is asked");
	CHECK_EQ(hears_ask(&p[1]), 1);
	CHECK(!session_find(&table, &h, &keys));
	ask(&a[1]);
	CHECK_EQ(hears_ask(&p[1]), 3);
	unit_row("which leaves");
	session_leave(&table, &p[1].session);
	CHECK_EQ(hears_ask(&p[2]), 1);
	CHECK_EQ(hears_ask(&p[2]), 3);
	give(&p[2], 3, 4, p[0].seal);
	join(&a[1]);
	CHECK(a[1].opened && a[1].ask.fd == 4);
	give(&p[2], 1, 3, p[0].seal);
	join(&a[0]);
	CHECK(a[0].opened && a[0].ask.fd == 3);
	session_leave(&table, &p[0].session);
	session_leave(&table, &p[2].session);
	for (i = 0; i < 3; i++)
		drop(&p[i]);
}

/* Streams that the client opens by itself over a link that was replaced. */
static void
replaced_opens(void)
{
	struct pair p[2];
	struct kex_hello h;
	struct ask *unused;
	int i;

	begin();
	for (i = 0; i < 2; i++) {
		make(&p[i], i + 1, CTL_CLIENT_OPENS, 1);
		session_enter(&table, &p[i].session);
	}
	CHECK_EQ(atomic_load(&p[0].link.ordered), CTL_REPLACED);
	for (i = 0; i < 2; i++) {
		unit_row("link %d", i);
		h = hello(&p[i], 2);
		CHECK(session_use(&table, &h, &unused, &member));
		CHECK(!session_use(&table, &h, &unused, &member));
	}
	session_leave(&table, &p[0].session);
	h = hello(&p[0], 4);
	CHECK(!session_use(&table, &h, &unused, &member));
	h = hello(&p[1], 4);
	CHECK(session_use(&table, &h, &unused, &member));
	session_leave(&table, &p[1].session);
	for (i = 0; i < 2; i++)
		drop(&p[i]);
}

/* The client itself gives a link up for another: nobody has replaced it here,
 * and what it was asked for must not wait as long as its session does. */
static void
given_up(void)
{
	struct kex_keys keys;
	struct pair p[2];
	struct kex_hello h;
	struct asker a;
	int i;

	begin();
	for (i = 0; i < 2; i++) {
		make(&p[i], i + 1, CTL_SERVER_ASKS, i + 1);
		session_enter(&table, &p[i].session);
		hears_welcome(&p[i]);
	}
	ask(&a);
	CHECK_EQ(hears_ask(&p[0]), 1);
	session_retire(&table, &p[0].session);
	CHECK_EQ(hears_ask(&p[1]), 1);
	h = hello(&p[0], 1);
	CHECK(!session_find(&table, &h, &keys));
	give(&p[1], 1, 3, p[0].seal);
	join(&a);
	CHECK(a.opened && a.ask.fd == 3);
	for (i = 0; i < 2; i++) {
		session_leave(&table, &p[i].session);
		drop(&p[i]);
	}
}

/* A session outlasts its link, which was replaced, and the next ones that are
 * replaced as well; but not any number of them. */
static void
replaced_often(void)
{
	struct pair p[2 + SESSION_GRACE_LINKS];
	struct kex_keys keys;
	struct kex_hello h;
	int i, n = 2 + SESSION_GRACE_LINKS;

	begin();
	for (i = 0; i < n; i++)
		make(&p[i], i + 1, CTL_CLIENT_OPENS, 1);
	h = hello(&p[0], 2);
	session_enter(&table, &p[0].session);
	CHECK(!session_stale(&table, &p[0].session));
	for (i = 1; i < n; i++) {
		unit_row("link %d", i);
		CHECK(!session_stale(&table, &p[0].session));
		CHECK(session_find(&table, &h, &keys));
		session_enter(&table, &p[i].session);
		CHECK_EQ(atomic_load(&p[i - 1].link.ordered), CTL_REPLACED);
		session_retire(&table, &p[i - 1].session);
	}
	unit_row("the first one has waited for long enough");
	CHECK(session_stale(&table, &p[0].session));
	unit_row("the others have not");
	CHECK(!session_stale(&table, &p[1].session));
	for (i = 0; i < n; i++) {
		session_leave(&table, &p[i].session);
		drop(&p[i]);
	}
}

/* Ten seconds, of which nothing else is known: with a link that says nothing,
 * and without one. */
static void
times_out(void)
{
	struct kex_keys keys;
	struct kex_hello h;
	struct asker a[2];
	struct pair p;
	int i;

	begin();
	ask(&a[0]);
	await_asks(1);
	make(&p, 1, CTL_CLIENT_OPENS, 1);
	session_enter(&table, &p.session);
	hears_welcome(&p);
	p.session.mode = CTL_SERVER_ASKS;
	ask(&a[1]);
	join(&a[0]);
	join(&a[1]);
	CHECK(!a[0].opened && !a[1].opened);
	CHECK_EQ(a[0].ask.reason, CTL_TIMEOUT);
	CHECK_EQ(a[1].ask.reason, CTL_TIMEOUT);
	for (i = 0; i < 2; i++) {
		CHECK(a[i].ms >= SESSION_ASK_MS);
		CHECK(unit_within(a[i].ms, SESSION_ASK_MS + 2000));
	}
	CHECK(table.asks == NULL);
	h = hello(&p, 1);
	CHECK(!session_find(&table, &h, &keys));
	CHECK_EQ(hears_ask(&p), 1);
	hears_cancel(&p, 1);
	session_leave(&table, &p.session);
	drop(&p);
}

static void
stopped(void)
{
	struct asker a;

	begin();
	ask(&a);
	await_asks(1);
	task_stop();
	join(&a);
	CHECK(!a.opened && unit_within(a.ms, 2000));
	CHECK(table.asks == NULL);
}

/* All at once: those who ask, and clients that come, are asked, answer,
 * cancel, and go.  Each request ends, each stream given is got by exactly one,
 * and nothing is left. */
enum { ASKERS = 6, CLIENTS = 3, ROUNDS = 12 };
static _Atomic unsigned given, got, refused;
static atomic_bool closing;

static void *
ask_often(void *arg)
{
	atomic_bool never;
	struct ask a;
	int i;

	(void)arg;
	atomic_init(&never, false);
	for (i = 0; i < ROUNDS; i++) {
		if (session_ask(&table, &a, &member, is_gone, &never)) {
			(void)atomic_fetch_add(&got, 1);
			CHECK(a.seal != NULL && a.fd >= 0);
			seal_free(a.seal);
		} else {
			CHECK_EQ(a.reason, CTL_UNREACHABLE);
			(void)atomic_fetch_add(&refused, 1);
		}
	}
	return NULL;
}

/* A client with one link after another, each for a few requests. */
static void *
be_client(void *arg)
{
	int id = *(int *)arg, links = 0, n;
	struct ctl m;
	struct pair p;

	while (!atomic_load(&closing)) {
		make(&p, id + CLIENTS * links++, CTL_SERVER_ASKS, id);
		session_enter(&table, &p.session);
		for (n = 0; n < 5 && hear(&p, 100, &m); n++) {
			if (m.kind != CTL_ASK)
				continue;
			if (m.number % 3 == 0) {
				m.kind = CTL_CANCEL;
				m.reason = CTL_UNREACHABLE;
				session_cancel(&table, &p.session, &m);
			} else if (n != 4) {	/* the last is forgotten */
				give(&p, m.number, id, some_seal());
				(void)atomic_fetch_add(&given, 1);
			}
		}
		session_leave(&table, &p.session);
		drop(&p);
	}
	return NULL;
}

static void
all_at_once(void)
{
	pthread_t asker[ASKERS], client[CLIENTS];
	int i, id[CLIENTS];

	begin();
	for (i = 0; i < CLIENTS; i++) {
		id[i] = i;
		REQUIRE(pthread_create(&client[i], NULL, be_client, &id[i]) ==
		    0);
	}
	for (i = 0; i < ASKERS; i++)
		REQUIRE(pthread_create(&asker[i], NULL, ask_often, NULL) ==
		    0);
	for (i = 0; i < ASKERS; i++)
		(void)pthread_join(asker[i], NULL);
	atomic_store(&closing, true);
	for (i = 0; i < CLIENTS; i++)
		(void)pthread_join(client[i], NULL);
	CHECK_EQ(atomic_load(&given), atomic_load(&got));
	CHECK_EQ(atomic_load(&got) + atomic_load(&refused), ASKERS * ROUNDS);
	CHECK(table.first == NULL && table.asks == NULL);
}

int
main(void)
{
	unit_case("session: numbers", numbers);
	unit_case("session: modes", modes);
	unit_case("session: several", several);
	unit_case("session: asked and given", asked_and_given);
	unit_case("session: cancelled", cancelled);
	unit_case("session: who asked is gone", gone);
	unit_case("session: a request waits for a link", waits_for_link);
	unit_case("session: replaced", replaced);
	unit_case("session: streams of a replaced link", replaced_opens);
	unit_case("session: a link that was given up", given_up);
	unit_case("session: replaced again and again", replaced_often);
	unit_case("session: too late", times_out);
	unit_case("session: a stop", stopped);
	unit_case("session: all at once", all_at_once);
	return unit_end();
}
