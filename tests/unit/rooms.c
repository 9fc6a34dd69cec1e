/* SPDX-License-Identifier: MIT */
/* rooms.c - the relay's table: its rooms, tickets, parked connections and
 * calls, with servers and clients played over real sockets, and a clock that
 * can be put forward. */

#include "clock.h"
#include "entropy.h"
#include "rooms.h"
#include "unit.h"

static struct rooms t;

/* A server: its room, the relay's end of its control connection, and its own
 * end. */
struct guest {
	struct room r;
	struct post post;
	int fd;
	unsigned waiting;		/* how often it heard WAITING */
};

static void
init(unsigned max, unsigned max_source)
{
	REQUIRE(entropy_init() == 0 && task_init() == 0);
	rooms_init(&t, max, max_source);
}

/* As the relay does: once it is in, WAITING is said, and it is open. */
static int
enter_room(struct room *r)
{
	struct meet waiting = { .kind = MEET_M_WAITING };
	int rc = rooms_enter(&t, r);

	if (rc == 0)
		rooms_open(&t, r, &waiting);
	return rc;
}

/* One that would have this room; owner and source are one byte each. */
static struct guest *
guest(const char *room, unsigned owner, unsigned source, unsigned wanted)
{
	struct guest *g = calloc(1, sizeof(*g));
	int pair[2];

	REQUIRE(g != NULL);
	unit_tcp(pair);
	post_init(&g->post, pair[0], NULL);
	g->fd = pair[1];
	unit_timeouts(g->fd, 1000);
	(void)snprintf(g->r.name, sizeof(g->r.name), "%s", room);
	memset(g->r.owner, (int)owner, sizeof(g->r.owner));
	memset(g->r.source, (int)source, sizeof(g->r.source));
	g->r.wanted = wanted;
	g->r.post = &g->post;
	return g;
}

static void
drop(struct guest *g)
{
	rooms_leave(&t, &g->r);
	CHECK(!g->r.linked);
	CHECK_EQ(g->r.nparked, 0);
	CHECK(g->r.calls == NULL);
	post_close(&g->post, false);
	(void)close(g->fd);
	free(g);
}

/* What a server is told next, within ms; 0: nothing (more).  WAITING is only
 * counted. */
static int
hear_in(struct guest *g, struct meet *m, int ms)
{
	struct pollfd p = { .fd = g->fd, .events = POLLIN };
	uint8_t len[2], body[MEET_BODY_MAX];
	size_t n;

	do {
		if (poll(&p, 1, ms) != 1 ||
		    recv(g->fd, len, 2, MSG_WAITALL) != 2)
			return 0;
		n = (size_t)(len[0] << 8 | len[1]);
		REQUIRE(n <= sizeof(body));
		REQUIRE(recv(g->fd, body, n, MSG_WAITALL) == (ssize_t)n);
		REQUIRE(meet_get(m, body, n));
		g->waiting += m->kind == MEET_M_WAITING;
	} while (m->kind == MEET_M_WAITING);
	return (int)m->kind;
}

static int
hear(struct guest *g, struct meet *m)
{
	int64_t until = clock_real() + 12000;
	int kind;

	while ((kind = hear_in(g, m, 5)) == 0 && clock_real() < until)
		clock_tick(5);
	return kind;
}

/* Is there nothing (more)? */
static bool
nothing(struct guest *g)
{
	struct meet m;

	return hear_in(g, &m, 0) == 0;
}

/* All lists say the same. */
static void
check_table(void)
{
	const struct room *r;
	const struct pass *p;
	const struct call *c;
	unsigned i, k, n = 0, parked = 0, good = 0, listed = 0;

	(void)pthread_mutex_lock(&t.mu);
	for (i = 0; i < ROOMS_BUCKETS; i++) {
		for (r = t.bucket[i]; r != NULL; r = r->next) {
			n++;
			CHECK(r->linked && !r->replaced);
			CHECK(r->nparked <= r->wanted);
			parked += r->nparked;
			for (k = 0; k < MEET_PARKED_MAX; k++) {
				CHECK(r->grants[k].room == NULL ||
				    r->grants[k].room == r);
				good += r->grants[k].room == r;
			}
			for (c = r->calls; c != NULL; c = c->next) {
				CHECK(c->pass.room == r && c->fd == -1);
				CHECK(c->pass.call == c && !c->gone);
				good++;
			}
		}
		for (p = t.passes[i]; p != NULL; p = p->next) {
			listed++;
			REQUIRE(p->room != NULL && p->room->linked);
		}
	}
	CHECK_EQ(listed, good);
	CHECK_EQ(t.n, n);
	CHECK_EQ(t.parked, parked);
	(void)pthread_mutex_unlock(&t.mu);
}

static void
check_count(unsigned rooms, unsigned parked)
{
	unsigned is;

	CHECK_EQ(rooms_count(&t, &is), rooms);
	CHECK_EQ(is, parked);
	check_table();
}

static void
enter_and_leave(void)
{
	enum { MANY = 600 };
	static struct room many[MANY];
	struct guest *g, *h;
	unsigned i;

	init(4096, 4096);
	check_count(0, 0);
	g = guest("a", 1, 1, 0);
	CHECK_EQ(enter_room(&g->r), 0);
	CHECK(g->r.linked);
	check_count(1, 0);
	h = guest("b", 1, 1, 0);	/* the same owner, another room */
	CHECK_EQ(enter_room(&h->r), 0);
	check_count(2, 0);
	CHECK(nothing(g) && nothing(h));
	CHECK(g->waiting == 1 && h->waiting == 1);
	rooms_leave(&t, &g->r);
	check_count(1, 0);
	CHECK(!g->r.linked && h->r.linked);
	rooms_leave(&t, &g->r);		/* nothing to leave */
	check_count(1, 0);
	CHECK(!rooms_replaced(&t, &g->r) && !rooms_replaced(&t, &h->r));
	/* Once more. */
	CHECK_EQ(enter_room(&g->r), 0);
	check_count(2, 0);
	/* So many that some share a bucket; out in another order. */
	for (i = 0; i < MANY; i++) {
		(void)snprintf(many[i].name, sizeof(many[i].name), "m%u", i);
		many[i].post = &g->post;
		CHECK_EQ(rooms_enter(&t, &many[i]), 0);
	}
	check_count(MANY + 2, 0);
	for (i = 0; i < MANY; i += 2)
		rooms_leave(&t, &many[i]);
	check_count(MANY / 2 + 2, 0);
	for (i = 0; i < MANY; i++) {
		CHECK_EQ(many[i].linked, i % 2 == 1);
		rooms_leave(&t, &many[i]);
	}
	check_count(2, 0);
	drop(g);
	drop(h);
	check_count(0, 0);
}

/* The same server again: at once, and the old one cannot undo that. */
static void
same_owner(void)
{
	struct guest *g, *h;
	struct call c;
	struct meet m;
	uint8_t ticket[MEET_TICKET];
	int pair[2], two[2];
	bool asked;
	char byte;

	init(1, 1);			/* no place for both */
	g = guest("a", 1, 1, 2);
	CHECK_EQ(enter_room(&g->r), 0);
	CHECK(rooms_beat(&t, &g->r));
	CHECK_EQ(hear(g, &m), MEET_M_GRANT);
	unit_tcp(pair);
	CHECK(rooms_accept(&t, m.id, pair[0]));
	CHECK_EQ(hear(g, &m), MEET_M_GRANT);
	memcpy(ticket, m.id, sizeof(ticket));
	check_count(1, 1);
	h = guest("a", 1, 2, 1);
	CHECK_EQ(enter_room(&h->r), 0);
	check_count(1, 0);
	CHECK(!g->r.linked && h->r.linked);
	CHECK(rooms_replaced(&t, &g->r));
	CHECK(!rooms_replaced(&t, &h->r));
	/* It is told so, and its thread finds an end. */
	CHECK_EQ(hear(g, &m), MEET_M_BYE);
	CHECK_EQ(m.reason, MEET_R_REPLACED);
	CHECK(net_readable(g->post.fd));
	CHECK(nothing(h));
	/* What was its own is gone: tickets, what was parked. */
	unit_tcp(two);
	CHECK(!rooms_accept(&t, ticket, two[0]));
	unit_timeouts(pair[1], 1000);
	CHECK(recv(pair[1], &byte, 1, 0) <= 0 && errno != EAGAIN);
	/* It leaves, and beats: the other one is still there. */
	CHECK(rooms_beat(&t, &g->r));
	CHECK(nothing(g));
	rooms_leave(&t, &g->r);
	check_count(1, 0);
	CHECK(h->r.linked);
	CHECK(rooms_beat(&t, &h->r));
	CHECK_EQ(hear(h, &m), MEET_M_GRANT);
	CHECK(rooms_accept(&t, m.id, two[0]));
	CHECK_EQ(rooms_call(&t, "a", &c, -1, &asked), MEET_JOINED);
	CHECK_EQ(c.fd, two[0]);
	CHECK(!asked);
	(void)close(two[0]);
	(void)close(two[1]);
	(void)close(pair[1]);
	drop(g);
	check_count(1, 0);
	drop(h);
	check_count(0, 0);
}

/* Somebody who would enter, in a thread of its own. */
struct entering {
	pthread_t thread;
	struct guest *g;
	atomic_bool over;
	atomic_int rc;
};

static void *
enter(void *arg)
{
	struct entering *e = arg;

	atomic_store(&e->rc, enter_room(&e->g->r));
	atomic_store(&e->over, true);
	return NULL;
}

static void
ask_for(struct entering *e, struct guest *g)
{
	e->g = g;
	atomic_init(&e->over, false);
	atomic_init(&e->rc, -1);
	REQUIRE(pthread_create(&e->thread, NULL, enter, e) == 0);
}

static int
finish(struct entering *e)
{
	int64_t until = clock_real() + 12000;

	while (!atomic_load(&e->over) && clock_real() < until) {
		unit_sleep(5);
		clock_tick(5);
	}
	REQUIRE(atomic_load(&e->over));
	(void)pthread_join(e->thread, NULL);
	return atomic_load(&e->rc);
}

/* Is it still waiting, a look later? */
static bool
waits(struct entering *e)
{
	unit_sleep(250);
	return !atomic_load(&e->over);
}

/* Another server: the one that lives keeps its room. */
static void
busy(void)
{
	struct guest *g, *h;
	struct entering e;
	struct meet m;
	int64_t took;
	unsigned i;

	init(10, 10);
	g = guest("a", 1, 1, 0);
	CHECK_EQ(enter_room(&g->r), 0);
	h = guest("a", 2, 2, 0);
	ask_for(&e, h);
	CHECK_EQ(hear(g, &m), MEET_M_PING);
	CHECK(!atomic_load(&e.over));
	rooms_heard(&t, &g->r);
	CHECK_EQ(finish(&e), MEET_R_BUSY);
	check_count(1, 0);
	CHECK(g->r.linked && !h->r.linked && nothing(g) && nothing(h));
	unit_row("not asked again");
	/* At once: not even a look around is waited for, which takes 100 ms.
	 * One of them shows it, and others may be held up. */
	for (i = 0, took = 90; i < 20 && took >= 90; i++) {
		took = clock_real();
		CHECK_EQ(enter_room(&h->r), MEET_R_BUSY);
		took = clock_real() - took;
	}
	CHECK(took < 90);
	CHECK(nothing(g));
	clock_pass(ROOMS_ASKED_MS - 1000);
	rooms_heard(&t, &g->r);
	CHECK_EQ(enter_room(&h->r), MEET_R_BUSY);
	CHECK(nothing(g));
	unit_row("asked for another source");
	memset(h->r.source, 3, sizeof(h->r.source));
	ask_for(&e, h);
	CHECK_EQ(hear(g, &m), MEET_M_PING);
	rooms_heard(&t, &g->r);
	CHECK_EQ(finish(&e), MEET_R_BUSY);
	unit_row("asked again, later");
	memset(h->r.source, 2, sizeof(h->r.source));
	clock_pass(1000);
	ask_for(&e, h);
	CHECK_EQ(hear(g, &m), MEET_M_PING);
	rooms_heard(&t, &g->r);
	CHECK_EQ(finish(&e), MEET_R_BUSY);
	/* So many are remembered; then the oldest is forgotten. */
	clock_pass(ROOMS_ASKED_MS);
	for (i = 0; i <= ROOMS_ASKERS; i++) {
		unit_row("asker %u", i);
		memset(h->r.source, (int)(10 + i), sizeof(h->r.source));
		ask_for(&e, h);
		CHECK_EQ(hear(g, &m), MEET_M_PING);
		rooms_heard(&t, &g->r);
		CHECK_EQ(finish(&e), MEET_R_BUSY);
		clock_pass(10);
	}
	for (i = 1; i <= ROOMS_ASKERS; i++) {
		unit_row("asker %u again", i);
		memset(h->r.source, (int)(10 + i), sizeof(h->r.source));
		CHECK_EQ(enter_room(&h->r), MEET_R_BUSY);
		CHECK(nothing(g));
	}
	unit_row("asker 0 again");
	memset(h->r.source, 10, sizeof(h->r.source));
	ask_for(&e, h);
	CHECK_EQ(hear(g, &m), MEET_M_PING);
	rooms_heard(&t, &g->r);
	CHECK_EQ(finish(&e), MEET_R_BUSY);
	check_count(1, 0);
	drop(g);
	drop(h);
}

/* The silent one loses it: after 2 s to a newcomer from its own source, and
 * after 10 s to one from another. */
static void
silent(void)
{
	static const struct {
		unsigned source;
		int64_t ms;
		int pings;		/* one every 3 s */
	} rows[] = { { 1, 2000, 1 }, { 2, 10000, 3 } };
	struct guest *g, *h;
	struct entering e;
	struct meet m;
	size_t i;
	int n;

	init(10, 10);
	for (i = 0; i < 2; i++) {
		unit_row("source %u", rows[i].source);
		g = guest("a", 1, 1, 0);
		CHECK_EQ(enter_room(&g->r), 0);
		h = guest("a", 2, rows[i].source, 0);
		clock_hold();
		ask_for(&e, h);
		CHECK_EQ(hear(g, &m), MEET_M_PING);
		CHECK(waits(&e));
		/* It is asked again and again. */
		for (n = 1; n < rows[i].pings; n++) {
			CHECK(nothing(g));
			clock_pass(3100);
			CHECK_EQ(hear(g, &m), MEET_M_PING);
		}
		/* Not yet all that is to pass. */
		clock_pass(rows[i].ms - 1200 - atomic_load(&clock_ahead));
		CHECK(waits(&e));
		CHECK(g->r.linked && !h->r.linked);
		check_count(1, 0);
		clock_pass(1200);
		CHECK_EQ(finish(&e), 0);
		check_count(1, 0);
		CHECK(!g->r.linked && h->r.linked);
		CHECK(rooms_replaced(&t, &g->r));
		CHECK_EQ(hear(g, &m), MEET_M_BYE);
		CHECK_EQ(m.reason, MEET_R_REPLACED);
		CHECK(net_readable(g->post.fd));
		rooms_leave(&t, &g->r);
		check_count(1, 0);
		drop(g);
		drop(h);
		clock_go();
		atomic_store(&clock_ahead, 0);
	}
	check_count(0, 0);
}

/* While somebody waits for an answer the room changes hands. */
static void
meanwhile(void)
{
	struct guest *g, *h, *other;
	struct entering e;
	struct meet m;

	init(10, 10);
	unit_row("it is free");
	g = guest("a", 1, 1, 0);
	CHECK_EQ(enter_room(&g->r), 0);
	h = guest("a", 2, 2, 0);
	ask_for(&e, h);
	CHECK_EQ(hear(g, &m), MEET_M_PING);
	rooms_leave(&t, &g->r);
	CHECK_EQ(finish(&e), 0);
	CHECK(h->r.linked && !rooms_replaced(&t, &g->r));
	check_count(1, 0);
	rooms_leave(&t, &h->r);
	unit_row("a third one has it");
	CHECK_EQ(enter_room(&g->r), 0);
	ask_for(&e, h);
	CHECK_EQ(hear(g, &m), MEET_M_PING);
	other = guest("a", 3, 3, 0);
	rooms_leave(&t, &g->r);
	if (enter_room(&other->r) == 0) {
		CHECK_EQ(finish(&e), MEET_R_BUSY);
		CHECK(other->r.linked && !h->r.linked);
		CHECK(nothing(other));
	} else
		(void)finish(&e);	/* h was quicker */
	check_count(1, 0);
	rooms_leave(&t, &other->r);
	rooms_leave(&t, &h->r);
	unit_row("the newcomer is gone");
	CHECK_EQ(enter_room(&g->r), 0);
	ask_for(&e, h);
	CHECK_EQ(hear(g, &m), MEET_M_PING);
	unit_reset(h->fd);
	h->fd = -1;
	CHECK_EQ(finish(&e), MEET_R_FAILED);
	CHECK(g->r.linked && !h->r.linked);
	check_count(1, 0);
	unit_row("a stop");
	ask_for(&e, other);
	CHECK_EQ(hear(g, &m), MEET_M_PING);
	task_stop();
	CHECK_EQ(finish(&e), MEET_R_STOPPING);
	CHECK(g->r.linked && !other->r.linked);
	drop(g);
	drop(h);
	drop(other);
	check_count(0, 0);
}

/* The same server comes back while another one asks for its room: that is a
 * sign of life, whether or not the old connection ever gave one. */
static void
comes_back(void)
{
	struct guest *g, *again, *h;
	struct entering e;
	struct meet m;
	int heard;

	init(10, 10);
	for (heard = 0; heard < 2; heard++) {
		unit_row("heard before: %d", heard);
		g = guest("a", 1, 1, 0);
		CHECK_EQ(enter_room(&g->r), 0);
		if (heard)
			rooms_heard(&t, &g->r);
		h = guest("a", 2, 1, 0);
		clock_hold();
		ask_for(&e, h);
		CHECK_EQ(hear(g, &m), MEET_M_PING);
		clock_pass(1500);
		again = guest("a", 1, 1, 0);
		CHECK_EQ(enter_room(&again->r), 0);
		CHECK(!g->r.linked);
		unit_sleep(150);
		clock_pass(600);
		CHECK_EQ(finish(&e), MEET_R_BUSY);
		clock_go();
		CHECK(again->r.linked && !rooms_replaced(&t, &again->r));
		CHECK(!h->r.linked);
		check_count(1, 0);
		drop(g);
		drop(again);
		drop(h);
	}
}

static void
limits(void)
{
	struct guest *g[5], *h;
	struct entering e;
	char name[8];
	unsigned i;

	init(4, 2);
	for (i = 0; i < 5; i++) {
		(void)snprintf(name, sizeof(name), "r%u", i);
		g[i] = guest(name, i, i / 2, 0);
		unit_row("%s", name);
		CHECK_EQ(enter_room(&g[i]->r), i < 4 ? 0 : MEET_R_FULL);
	}
	check_count(4, 0);
	unit_row("full, and again");
	h = guest("r0", 0, 0, 0);
	CHECK_EQ(enter_room(&h->r), 0);
	check_count(4, 0);
	unit_row("one leaves");
	rooms_leave(&t, &g[3]->r);
	/* Source 0 has as many as it may; source 1 has one. */
	memset(g[4]->r.source, 0, sizeof(g[4]->r.source));
	CHECK_EQ(enter_room(&g[4]->r), MEET_R_FULL);
	check_count(3, 0);
	memset(g[4]->r.source, 1, sizeof(g[4]->r.source));
	CHECK_EQ(enter_room(&g[4]->r), 0);
	check_count(4, 0);
	unit_row("at the limit of a source");
	rooms_leave(&t, &g[4]->r);
	rooms_leave(&t, &g[2]->r);
	check_count(2, 0);
	memset(g[2]->r.source, 0, sizeof(g[2]->r.source));
	CHECK_EQ(enter_room(&g[2]->r), MEET_R_FULL);
	check_count(2, 0);
	/* What a silent one leaves is not more than there may be. */
	unit_row("after a challenge");
	memset(g[2]->r.source, 0, sizeof(g[2]->r.source));
	(void)snprintf(g[2]->r.name, sizeof(g[2]->r.name), "r1");
	ask_for(&e, g[2]);
	CHECK(waits(&e));
	clock_pass(2000);
	CHECK_EQ(finish(&e), 0);
	check_count(2, 0);
	for (i = 0; i < 5; i++)
		drop(g[i]);
	drop(h);
	check_count(0, 0);
}

/* The next GRANT, taken: our end of what is parked. */
static int
park(struct guest *g, int *relay_end)
{
	struct meet m;
	int pair[2];

	unit_tcp(pair);
	unit_timeouts(pair[1], 1000);
	REQUIRE(hear(g, &m) == MEET_M_GRANT);
	REQUIRE(rooms_accept(&t, m.id, pair[0]));
	if (relay_end != NULL)
		*relay_end = pair[0];
	return pair[1];
}

static bool
is_closed(int fd)
{
	char byte;
	ssize_t n;

	/* Beats may come first. */
	while ((n = recv(fd, &byte, 1, 0)) == 1)
		continue;
	return n == 0 || errno == ECONNRESET;
}

static void
parking(void)
{
	int fds[MEET_PARKED_MAX], relay_end[3], own[3];
	struct guest *g;
	struct call c;
	bool asked;
	unsigned i;

	init(10, 10);
	g = guest("a", 1, 1, 3);
	CHECK_EQ(enter_room(&g->r), 0);
	CHECK(nothing(g));		/* not before WAITING */
	CHECK_EQ(rooms_parked(&t, &g->r, fds), 0);
	CHECK(rooms_beat(&t, &g->r));
	for (i = 0; i < 3; i++) {
		own[i] = park(g, &relay_end[i]);
		check_count(1, i + 1);
	}
	CHECK(nothing(g));
	CHECK(rooms_beat(&t, &g->r));
	CHECK(nothing(g));		/* there are enough */
	CHECK_EQ(rooms_parked(&t, &g->r, fds), 3);
	for (i = 0; i < 3; i++)
		CHECK_EQ(fds[i], relay_end[i]);
	unit_row("the freshest");
	clock_pass(1000);
	CHECK_EQ(send(own[0], "\0", 1, 0), 1);
	rooms_read_parked(&t, &g->r, relay_end[0]);
	clock_pass(10);
	CHECK_EQ(send(own[1], "\0\0", 2, 0), 2);
	rooms_read_parked(&t, &g->r, relay_end[1]);
	CHECK_EQ(rooms_call(&t, "a", &c, -1, &asked), MEET_JOINED);
	CHECK(!asked);
	CHECK_EQ(c.fd, relay_end[1]);
	check_count(1, 2);
	(void)close(c.fd);
	(void)close(own[1]);
	/* Another one takes its place. */
	own[1] = park(g, &relay_end[1]);
	CHECK(nothing(g));
	check_count(1, 3);
	clock_pass(10);
	CHECK_EQ(send(own[0], "\0", 1, 0), 1);
	rooms_read_parked(&t, &g->r, relay_end[0]);
	CHECK_EQ(rooms_call(&t, "a", &c, -1, &asked), MEET_JOINED);
	CHECK_EQ(c.fd, relay_end[0]);
	(void)close(c.fd);
	(void)close(own[0]);
	own[0] = park(g, &relay_end[0]);
	unit_row("leaving");
	rooms_leave(&t, &g->r);
	check_count(0, 0);
	for (i = 0; i < 3; i++) {
		CHECK(is_closed(own[i]));
		(void)close(own[i]);
	}
	CHECK(nothing(g));
	drop(g);
}

/* A client that calls, in a thread of its own. */
struct calling {
	pthread_t thread;
	const char *room;
	int watch, fd;
	bool asked;
	atomic_bool over;
	atomic_int status;
};

static void *
call(void *arg)
{
	struct calling *k = arg;
	struct call c;

	atomic_store(&k->status, (int)rooms_call(&t, k->room, &c, k->watch,
	    &k->asked));
	k->fd = c.fd;
	atomic_store(&k->over, true);
	return NULL;
}

static void
start_call(struct calling *k, const char *room, int watch)
{
	k->room = room;
	k->watch = watch;
	k->fd = -1;
	atomic_init(&k->over, false);
	REQUIRE(pthread_create(&k->thread, NULL, call, k) == 0);
}

static int
finish_call(struct calling *k)
{
	int64_t until = clock_real() + 12000;

	while (!atomic_load(&k->over) && clock_real() < until)
		unit_sleep(5);
	REQUIRE(atomic_load(&k->over));
	(void)pthread_join(k->thread, NULL);
	return atomic_load(&k->status);
}

/* Parked ones that were not heard for 7 s are not used; after 15 s they are
 * let go, and so is their server.  A GRANT that nobody takes is renewed. */
static void
stale(void)
{
	struct guest *g;
	struct calling k;
	struct meet m, first;
	int own, relay_end, pair[2];
	char byte = 1;

	init(10, 10);
	g = guest("a", 1, 1, 1);
	CHECK_EQ(enter_room(&g->r), 0);
	CHECK(rooms_beat(&t, &g->r));
	own = park(g, &relay_end);
	unit_row("not used");
	clock_pass(ROOMS_FRESH_MS);
	start_call(&k, "a", -1);
	CHECK_EQ(hear(g, &m), MEET_M_CALL);
	/* The clock that stands before a wait makes it long, but not the
	 * answer. */
	unit_tcp(pair);
	CHECK(rooms_accept(&t, m.id, pair[0]));
	CHECK_EQ(finish_call(&k), MEET_JOINED);
	CHECK(k.asked);
	CHECK_EQ(k.fd, pair[0]);
	check_count(1, 1);
	unit_row("fresh again");
	CHECK(rooms_beat(&t, &g->r));
	CHECK_EQ(recv(own, &byte, 1, 0), 1);
	CHECK_EQ(byte, 0);
	CHECK_EQ(send(own, "\0", 1, 0), 1);
	rooms_read_parked(&t, &g->r, relay_end);
	clock_pass(ROOMS_FRESH_MS - 500);
	CHECK(rooms_beat(&t, &g->r));
	CHECK_EQ(recv(own, &byte, 1, 0), 1);
	start_call(&k, "a", -1);
	CHECK_EQ(finish_call(&k), MEET_JOINED);
	CHECK(!k.asked);
	CHECK_EQ(k.fd, relay_end);
	(void)close(relay_end);
	(void)close(own);
	unit_row("dead");
	own = park(g, &relay_end);
	rooms_heard(&t, &g->r);
	clock_pass(ROOMS_DEAD_MS - 500);
	CHECK(rooms_beat(&t, &g->r));
	check_count(1, 1);
	rooms_heard(&t, &g->r);
	clock_pass(500);
	CHECK(rooms_beat(&t, &g->r));
	check_count(1, 0);
	CHECK(is_closed(own));
	(void)close(own);
	CHECK_EQ(hear(g, &first), MEET_M_GRANT);
	clock_pass(ROOMS_DEAD_MS - 500);
	CHECK(!rooms_beat(&t, &g->r));
	rooms_heard(&t, &g->r);
	CHECK(rooms_beat(&t, &g->r));
	unit_row("a grant is renewed");
	CHECK(nothing(g));
	clock_pass(ROOMS_GRANT_MS - ROOMS_DEAD_MS - 1000);
	rooms_heard(&t, &g->r);
	CHECK(rooms_beat(&t, &g->r));
	CHECK(nothing(g));
	clock_pass(1500);
	CHECK(rooms_beat(&t, &g->r));
	CHECK_EQ(hear(g, &m), MEET_M_GRANT);
	CHECK(memcmp(m.id, first.id, MEET_TICKET) != 0);
	CHECK(!rooms_accept(&t, first.id, pair[0]));
	CHECK(rooms_accept(&t, m.id, pair[0]));
	check_count(1, 1);
	(void)close(pair[1]);
	drop(g);
	check_count(0, 0);
}

static void
tickets(void)
{
	uint8_t wrong[MEET_TICKET];
	struct guest *g, *h;
	struct meet m[2], n;
	struct calling k;
	int pair[2], i, bit;

	init(10, 10);
	unit_tcp(pair);
	memset(wrong, 0, sizeof(wrong));
	unit_row("an empty table");
	CHECK(!rooms_accept(&t, wrong, pair[0]));
	g = guest("a", 1, 1, 2);
	h = guest("b", 2, 1, 1);
	CHECK_EQ(enter_room(&g->r), 0);
	CHECK_EQ(enter_room(&h->r), 0);
	CHECK(rooms_beat(&t, &g->r) && rooms_beat(&t, &h->r));
	for (i = 0; i < 2; i++)
		CHECK_EQ(hear(g, &m[i]), MEET_M_GRANT);
	CHECK(memcmp(m[0].id, m[1].id, MEET_TICKET) != 0);
	CHECK_EQ(hear(h, &n), MEET_M_GRANT);
	for (bit = 0; bit < 8 * MEET_TICKET; bit++) {
		unit_row("bit %d is wrong", bit);
		memcpy(wrong, m[0].id, sizeof(wrong));
		wrong[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CHECK(!rooms_accept(&t, wrong, pair[0]));
	}
	memset(wrong, 0, sizeof(wrong));
	CHECK(!rooms_accept(&t, wrong, pair[0]));
	check_count(2, 0);
	unit_row("once");
	CHECK(rooms_accept(&t, m[0].id, pair[0]));
	CHECK(!rooms_accept(&t, m[0].id, pair[1]));
	CHECK_EQ(g->r.nparked, 1);
	CHECK_EQ(h->r.nparked, 0);	/* for one room */
	check_count(2, 1);
	unit_row("of a room that is gone");
	rooms_leave(&t, &h->r);
	CHECK(!rooms_accept(&t, n.id, pair[1]));
	check_count(1, 1);
	unit_row("GRANT's, in time");
	clock_pass(ROOMS_GRANT_MS - 1000);
	CHECK(rooms_accept(&t, m[1].id, pair[1]));
	check_count(1, 2);
	rooms_leave(&t, &g->r);		/* which closes both */
	atomic_store(&clock_ahead, 0);
	unit_row("GRANT's, too late");
	CHECK_EQ(enter_room(&g->r), 0);
	CHECK(rooms_beat(&t, &g->r));
	CHECK_EQ(hear(g, &m[0]), MEET_M_GRANT);
	clock_pass(ROOMS_GRANT_MS);
	unit_tcp(pair);
	CHECK(!rooms_accept(&t, m[0].id, pair[0]));
	check_count(1, 0);
	rooms_leave(&t, &g->r);
	while (!nothing(g))
		continue;
	atomic_store(&clock_ahead, 0);
	unit_row("CALL's, in time");
	CHECK_EQ(enter_room(&h->r), 0);
	start_call(&k, "b", -1);
	CHECK_EQ(hear(h, &n), MEET_M_CALL);
	clock_pass(ROOMS_CALL_MS - 1000);
	CHECK(rooms_accept(&t, n.id, pair[0]));
	CHECK_EQ(finish_call(&k), MEET_JOINED);
	atomic_store(&clock_ahead, 0);
	unit_row("CALL's, too late");
	start_call(&k, "b", -1);
	CHECK_EQ(hear(h, &n), MEET_M_CALL);
	clock_pass(ROOMS_CALL_MS);
	CHECK(!rooms_accept(&t, n.id, pair[0]));
	CHECK_EQ(finish_call(&k), MEET_NO_SERVER);
	CHECK(!rooms_accept(&t, n.id, pair[0]));
	check_count(1, 0);
	(void)close(pair[0]);
	(void)close(pair[1]);
	drop(g);
	drop(h);
	check_count(0, 0);
}

static void
calls(void)
{
	enum { CALLERS = 5 };
	struct calling k, many[CALLERS];
	struct meet m[CALLERS];
	struct guest *g, *h;
	int pair[2], watch[2], i, j, fd[CALLERS];

	init(10, 10);
	unit_row("no such room");
	start_call(&k, "a", -1);
	CHECK_EQ(finish_call(&k), MEET_NO_ROOM);
	CHECK(!k.asked);
	CHECK_EQ(k.fd, -1);
	g = guest("a", 1, 1, 0);
	CHECK_EQ(enter_room(&g->r), 0);
	start_call(&k, "b", -1);
	CHECK_EQ(finish_call(&k), MEET_NO_ROOM);
	unit_row("answered");
	unit_tcp(pair);
	unit_tcp(watch);
	start_call(&k, "a", watch[0]);
	CHECK_EQ(hear(g, &m[0]), MEET_M_CALL);
	unit_sleep(120);		/* and looked around */
	check_table();
	CHECK(!atomic_load(&k.over));
	CHECK(rooms_accept(&t, m[0].id, pair[0]));
	CHECK_EQ(finish_call(&k), MEET_JOINED);
	CHECK(k.asked);
	CHECK_EQ(k.fd, pair[0]);
	CHECK(!rooms_accept(&t, m[0].id, pair[0]));
	check_count(1, 0);
	unit_row("many, answered in another order");
	for (i = 0; i < CALLERS; i++) {
		start_call(&many[i], "a", -1);
		CHECK_EQ(hear(g, &m[i]), MEET_M_CALL);
	}
	check_table();
	for (i = 0; i < CALLERS; i++) {
		j = (i * 2 + 1) % CALLERS;
		CHECK((fd[j] = dup(pair[0])) != -1);
		CHECK(rooms_accept(&t, m[j].id, fd[j]));
		CHECK_EQ(finish_call(&many[j]), MEET_JOINED);
		CHECK_EQ(many[j].fd, fd[j]);
		(void)close(fd[j]);
		check_table();
	}
	check_count(1, 0);
	unit_row("the caller is gone");
	start_call(&many[0], "a", -1);
	CHECK_EQ(hear(g, &m[1]), MEET_M_CALL);
	start_call(&k, "a", watch[0]);
	CHECK_EQ(hear(g, &m[0]), MEET_M_CALL);
	start_call(&many[2], "a", -1);
	CHECK_EQ(hear(g, &m[2]), MEET_M_CALL);
	unit_reset(watch[1]);
	CHECK_EQ(finish_call(&k), MEET_NO_SERVER);
	CHECK_EQ(k.fd, -1);
	CHECK(!rooms_accept(&t, m[0].id, pair[0]));
	check_table();
	unit_row("the room is gone");
	CHECK(!atomic_load(&many[0].over) && !atomic_load(&many[2].over));
	rooms_leave(&t, &g->r);
	CHECK_EQ(finish_call(&many[0]), MEET_NO_SERVER);
	CHECK_EQ(finish_call(&many[2]), MEET_NO_SERVER);
	CHECK(!rooms_accept(&t, m[1].id, pair[0]));
	check_count(0, 0);
	unit_row("the server comes again");
	CHECK_EQ(enter_room(&g->r), 0);
	start_call(&k, "a", -1);
	CHECK_EQ(hear(g, &m[0]), MEET_M_CALL);
	h = guest("a", 1, 1, 0);
	CHECK_EQ(enter_room(&h->r), 0);
	CHECK_EQ(finish_call(&k), MEET_NO_SERVER);
	check_count(1, 0);
	unit_row("not answered");
	start_call(&k, "a", -1);
	CHECK_EQ(hear(h, &m[0]), MEET_M_CALL);
	unit_sleep(150);
	CHECK(!atomic_load(&k.over));
	clock_pass(ROOMS_CALL_MS);
	CHECK_EQ(finish_call(&k), MEET_NO_SERVER);
	check_count(1, 0);
	atomic_store(&clock_ahead, 0);
	unit_row("a stop");
	start_call(&k, "a", -1);
	CHECK_EQ(hear(h, &m[0]), MEET_M_CALL);
	task_stop();
	CHECK_EQ(finish_call(&k), MEET_NO_SERVER);
	check_count(1, 0);
	(void)close(pair[0]);
	(void)close(pair[1]);
	drop(g);
	drop(h);
	check_count(0, 0);
}

/* What comes on a parked connection. */
static void
beats(void)
{
	static const struct {
		const char *what;
		uint8_t bytes[32];
		size_t n;
		bool good;
	} rows[] = {
		{ "one", { 0 }, 1, true },
		{ "as many as can be under way", { 0 }, 8, true },
		{ "more", { 0 }, 32, false },
		{ "taken", { 1 }, 1, false },
		{ "two", { 2 }, 1, false },
		{ "255", { 255 }, 1, false },
		{ "one that is none behind", { 0, 0, 0, 7 }, 4, false },
		{ "text", "GET / HTTP/1.0", 14, false }
	};
	int own, relay_end, fds[MEET_PARKED_MAX];
	struct guest *g;
	struct meet m;
	uint8_t byte;
	size_t i;

	init(10, 10);
	g = guest("a", 1, 1, 1);
	CHECK_EQ(enter_room(&g->r), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("%s", rows[i].what);
		CHECK(rooms_beat(&t, &g->r));
		own = park(g, &relay_end);
		CHECK(rooms_beat(&t, &g->r));
		CHECK_EQ(recv(own, &byte, 1, 0), 1);
		CHECK_EQ(byte, 0);
		/* Somebody else's, and nothing there: no harm. */
		rooms_read_parked(&t, &g->r, -1);
		rooms_read_parked(&t, &g->r, own);
		rooms_read_parked(&t, &g->r, relay_end);
		check_count(1, 1);
		clock_pass(3000);
		rooms_heard(&t, &g->r);
		CHECK_EQ(send(own, rows[i].bytes, rows[i].n, 0),
		    (ssize_t)rows[i].n);
		rooms_read_parked(&t, &g->r, relay_end);
		if (rows[i].good) {
			CHECK_EQ(rooms_parked(&t, &g->r, fds), 1);
			CHECK(g->r.parked[0].heard_at >= task_now() - 1000);
			CHECK(nothing(g));
			/* Its end is one, too: another is asked for. */
			(void)shutdown(own, SHUT_WR);
			while (rooms_parked(&t, &g->r, fds) > 0)
				rooms_read_parked(&t, &g->r, relay_end);
		}
		check_count(1, 0);
		CHECK(is_closed(own));
		(void)close(own);
	}
	unit_row("gone");
	own = park(g, &relay_end);
	unit_reset(own);
	CHECK(rooms_beat(&t, &g->r));
	check_count(1, 0);
	CHECK_EQ(hear(g, &m), MEET_M_GRANT);
	CHECK(nothing(g));
	drop(g);
}

/* Everything at once.  Each server's thread does what the relay's does for
 * it, and answers as the server would. */
enum { SERVERS = 6, CALLERS = 6, NAMES = 3, HAMMER_MS = 300,
	MOST_MS = 15000 };

static atomic_bool enough;
static atomic_uint joined, accepted, left, replaced;

static void
serve(struct guest *g, int own[], unsigned *nown)
{
	int fds[MEET_PARKED_MAX], pair[2];
	struct meet m;
	unsigned i, n;

	while (hear_in(g, &m, 0) > 0) {
		if (m.kind == MEET_M_PING)
			rooms_heard(&t, &g->r);
		if (m.kind != MEET_M_CALL && m.kind != MEET_M_GRANT)
			continue;
		REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
		if (*nown == 32 || !rooms_accept(&t, m.id, pair[0])) {
			(void)close(pair[0]);
			(void)close(pair[1]);
			continue;
		}
		(void)atomic_fetch_add(&accepted, 1);
		(void)send(pair[1], m.stamp % 2 == 0 ? "\0" : "\1", 1,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		own[(*nown)++] = pair[1];
	}
	n = rooms_parked(&t, &g->r, fds);
	for (i = 0; i < n; i++)
		rooms_read_parked(&t, &g->r, fds[i]);
	(void)rooms_beat(&t, &g->r);
	/* What was used is forgotten, or broken off. */
	if (*nown > 24) {
		while (*nown > 0)
			(void)close(own[--*nown]);
	}
}

static void *
be_server(void *arg)
{
	unsigned who = *(unsigned *)arg, round = 0, i, nown = 0;
	struct guest *g;
	char name[8];
	int own[32];

	while (!atomic_load(&enough)) {
		/* The first ones share owner and room: each replaces the
		 * other; the last ones are at odds about another room. */
		(void)snprintf(name, sizeof(name), "n%u", who / 2 % NAMES);
		g = guest(name, who < 4 ? who / 2 : who, who % 3, who % 4);
		if (enter_room(&g->r) == 0) {
			for (i = 0; i < 20 + round % 7 && !rooms_replaced(&t,
			    &g->r) && !atomic_load(&enough); i++) {
				serve(g, own, &nown);
				unit_sleep(1);
			}
		}
		(void)atomic_fetch_add(rooms_replaced(&t, &g->r) ? &replaced :
		    &left, 1);
		drop(g);
		round++;
		unit_sleep(1);
	}
	while (nown > 0)
		(void)close(own[--nown]);
	return NULL;
}

static void *
be_caller(void *arg)
{
	unsigned who = *(unsigned *)arg, round;
	int watch[2];
	struct call c;
	char name[8];
	bool asked;

	for (round = 0; !atomic_load(&enough); round++) {
		(void)snprintf(name, sizeof(name), "n%u", (who + round) %
		    (NAMES + 1));
		unit_tcp(watch);
		if (round % 5 == 4)	/* it is gone when it looks around */
			unit_reset(watch[1]);
		if (rooms_call(&t, name, &c, watch[0], &asked) ==
		    MEET_JOINED) {
			(void)atomic_fetch_add(&joined, 1);
			CHECK(c.fd != -1);
			(void)close(c.fd);
		} else
			CHECK_EQ(c.fd, -1);
		(void)close(watch[0]);
		if (round % 5 != 4)
			(void)close(watch[1]);
	}
	return NULL;
}

/* There was something to see. */
static bool
seen_enough(void)
{
	return atomic_load(&joined) > 0 && atomic_load(&accepted) > 0 &&
	    atomic_load(&left) > 0 && atomic_load(&replaced) > 0;
}

static void
hammer(void)
{
	pthread_t thread[SERVERS + CALLERS];
	unsigned who[SERVERS + CALLERS], i, fds;
	int64_t began;

	init(4, 3);
	fds = unit_open_fds();
	for (i = 0; i < SERVERS + CALLERS; i++) {
		who[i] = i < SERVERS ? i : i - SERVERS;
		REQUIRE(pthread_create(&thread[i], NULL, i < SERVERS ?
		    be_server : be_caller, &who[i]) == 0);
	}
	began = clock_real();
	while (clock_real() < began + HAMMER_MS || (!seen_enough() &&
	    clock_real() < began + MOST_MS)) {
		check_table();
		unit_sleep(10);
	}
	atomic_store(&enough, true);
	task_stop();
	for (i = 0; i < SERVERS + CALLERS; i++)
		(void)pthread_join(thread[i], NULL);
	check_count(0, 0);
	CHECK_EQ(unit_open_fds(), fds);
	for (i = 0; i < ROOMS_BUCKETS; i++)
		CHECK(t.bucket[i] == NULL && t.passes[i] == NULL);
	CHECK(seen_enough());
}

int
main(void)
{
	unit_case("rooms: enter and leave", enter_and_leave);
	unit_case("rooms: the same owner", same_owner);
	unit_case("rooms: busy", busy);
	unit_case("rooms: the silent one is replaced", silent);
	unit_case("rooms: changes hands meanwhile", meanwhile);
	unit_case("rooms: the same server comes back", comes_back);
	unit_case("rooms: limits", limits);
	unit_case("rooms: parking", parking);
	unit_case("rooms: stale", stale);
	unit_case("rooms: tickets", tickets);
	unit_case("rooms: calls", calls);
	unit_case("rooms: beats", beats);
	unit_case("rooms: hammer", hammer);
	return unit_end();
}
