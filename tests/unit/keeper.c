/* SPDX-License-Identifier: MIT */
/* keeper.c - when the client dials its link, who gets it, and the numbers and
 * requests that belong to it.
 *
 * Times are checked by moving the keeper's own (up_at, begun_at) back, not by
 * waiting. */

#include "entropy.h"
#include "keeper.h"
#include "sealed.h"
#include "task.h"
#include "unit.h"

enum { MOST = 4 };

static struct keeper k;

/* A link that is up, as far as the keeper can see, and the server's end. */
struct pair {
	struct link link;
	struct seal *seal;
	int fd;
	struct kex_keys keys;
	struct net_addr server;
};

static void
make(struct pair *p, unsigned id)
{
	struct seal_keys s = { .suite = BEAR_CHACHA20_POLY1305 };
	struct seal *ours;
	int fd[2];

	memset(p, 0, sizeof(*p));
	unit_tcp(fd);
	unit_fill(s.in, sizeof(s.in), 2 * id);
	unit_fill(s.out, sizeof(s.out), 2 * id + 1);
	REQUIRE((ours = seal_new(RECORD_LINK, true, &s)) != NULL);
	link_init(&p->link, fd[0], ours, "server");
	unit_fill(s.out, sizeof(s.out), 2 * id);
	unit_fill(s.in, sizeof(s.in), 2 * id + 1);
	REQUIRE((p->seal = seal_new(RECORD_LINK, false, &s)) != NULL);
	p->fd = fd[1];
	unit_fill(p->keys.prk, BEAR_HASH, 100 + id);
	unit_fill(p->keys.sid, KEX_SID, 200 + id);
	p->keys.suite = BEAR_CHACHA20_POLY1305;
	p->server.len = sizeof(struct sockaddr_in);
	p->server.ss.ss_family = AF_INET;
	((struct sockaddr_in *)&p->server.ss)->sin_port = (in_port_t)id;
}

static void
drop(struct pair *p)
{
	link_close(&p->link, false);
	seal_free(p->seal);
	(void)close(p->fd);
}

/* What the server hears on that link, 0: nothing. */
static enum ctl_kind
hear(struct pair *p, struct ctl *m)
{
	struct pollfd fd = { p->fd, POLLIN, 0 };
	struct net_wait w = { 0, -1 };
	enum record_type type;
	uint8_t *body;
	size_t n;

	if (poll(&fd, 1, 200) != 1)
		return 0;
	w.until = task_now() + 10000;
	if (sealed_read(p->seal, p->fd, &w, &type, &body, &n) == -1)
		return 0;
	CHECK_EQ(type, RECORD_CONTROL);
	CHECK(ctl_get(m, body, n));
	return m->kind;
}

static unsigned hellos;

/* An attempt has begun; returns the number its hello would get. */
static unsigned
begun(void)
{
	keeper_begun(&k);
	return ++hellos;
}

static void
begin(unsigned max)
{
	REQUIRE(task_init() == 0);
	REQUIRE(entropy_init() == 0);
	REQUIRE(keeper_init(&k, max) == 0);
	hellos = 0;
}

/* In how many ms is the next attempt due?  0: now; -1: not as things are. */
static int64_t
due_in(void)
{
	int64_t due = keeper_due(&k), now = task_now();

	return due == INT64_MAX ? -1 : due <= now ? 0 : due - now;
}

/* About so much: the clock moves on. */
static void
due_about(int64_t ms)
{
	int64_t is = due_in();

	if (is > ms || !unit_within(ms - is, 500))
		unit_fail(__FILE__, __LINE__, "due in %lld, not %lld",
		    (long long)is, (long long)ms);
}

static bool
is_gone(void *arg)
{
	return atomic_load((atomic_bool *)arg);
}

static bool
never(void *arg)
{
	(void)arg;
	return false;
}

/* Attempts: one now; others beside it, every 1.5 s, as many as may be. */
static void
attempts(void)
{
	static const uint8_t zero[CTL_INSTANCE];
	unsigned i;

	begin(MOST);
	CHECK(memcmp(k.instance, zero, sizeof(zero)) != 0);
	CHECK(!keeper_known(&k) && !keeper_linked(&k));
	CHECK_EQ(due_in(), 0);
	for (i = 1; i <= MOST; i++) {
		unit_row("attempt %u", i);
		CHECK_EQ(begun(), i);
		if (i < MOST)
			due_about(RETRY_BESIDE_MS);
		else
			CHECK_EQ(due_in(), -1);
		k.begun_at -= RETRY_BESIDE_MS;
		CHECK_EQ(due_in(), i < MOST ? 0 : -1);
	}
	unit_row("one fails");
	CHECK(keeper_failed(&k, false, 0) == 0);
	CHECK_EQ(due_in(), 0);
	CHECK(keeper_failed(&k, true, 0) == 1000);
	CHECK_EQ(due_in(), -1);		/* each would be a guess at us */
	CHECK(keeper_failed(&k, true, 0) == 2000);
	CHECK_EQ(due_in(), -1);
	CHECK(keeper_failed(&k, false, 0) == 0);
	due_about(2000);		/* no sooner for that */
	unit_row("no more");
	keeper_end(&k);
	CHECK_EQ(due_in(), -1);
	CHECK(!keeper_known(&k));
}

/* A side that has stdin and stdout tries one at a time. */
static void
one_at_a_time(void)
{
	begin(1);
	CHECK_EQ(begun(), 1);
	CHECK_EQ(due_in(), -1);
	k.begun_at -= 100000;
	CHECK_EQ(due_in(), -1);
	unit_row("it carries a stream");
	keeper_carries(&k);
	CHECK_EQ(due_in(), -1);
	keeper_carried(&k);
	due_about(RETRY_FIRST_MS);
}

/* A link is up: none is due until its keys are old, or somebody wants one. */
static void
up_and_down(void)
{
	struct kex_keys zero;
	struct pair p[3];
	unsigned n;

	begin(MOST);
	make(&p[0], 1);
	make(&p[1], 2);
	make(&p[2], 3);
	n = begun();
	CHECK_EQ(keeper_up(&k, n, &p[0].link, &p[0].keys, &p[0].server), 1);
	CHECK(keeper_known(&k) && keeper_linked(&k));
	due_about(KEEPER_RENEW_MS);
	unit_row("wanted because it is silent");
	keeper_want(&k, 0);
	keeper_want(&k, 2);
	due_about(KEEPER_RENEW_MS);
	keeper_want(&k, 1);
	due_about(RETRY_BESIDE_MS);
	k.up_at -= RETRY_BESIDE_MS;
	k.due_at = 0;
	keeper_want(&k, 1);
	CHECK_EQ(due_in(), 0);
	n = begun();
	CHECK_EQ(keeper_up(&k, n, &p[1].link, &p[1].keys, &p[1].server), 2);
	CHECK_EQ(atomic_load(&p[0].link.ordered), CTL_REPLACED);
	due_about(KEEPER_RENEW_MS);
	unit_row("the old one is not the one that is up");
	CHECK(!keeper_down(&k, &p[0].link, false, UINT32_MAX));
	CHECK(keeper_linked(&k));
	due_about(KEEPER_RENEW_MS);
	unit_row("renewal");
	k.up_at -= KEEPER_RENEW_MS;
	CHECK_EQ(due_in(), 0);
	n = begun();
	due_about(RETRY_BESIDE_MS);
	CHECK(keeper_failed(&k, true, 0) == 1000);
	due_about(1000);		/* again in its own time */
	CHECK(keeper_linked(&k));
	CHECK_EQ(begun(), n + 1);
	CHECK_EQ(keeper_up(&k, n + 1, &p[2].link, &p[2].keys, &p[2].server),
	    3);
	CHECK_EQ(atomic_load(&p[1].link.ordered), CTL_REPLACED);
	unit_row("the user says so");
	keeper_hurry(&k);
	CHECK_EQ(due_in(), 0);
	n = begun();
	CHECK_EQ(due_in(), -1);		/* refused before: one at a time */
	CHECK(keeper_failed(&k, false, 0) == 0);
	CHECK_EQ(due_in(), 0);		/* still wanted */
	unit_row("down");
	CHECK(keeper_down(&k, &p[2].link, false, UINT32_MAX));
	CHECK(!keeper_linked(&k) && keeper_known(&k));
	CHECK(due_in() >= 0 && due_in() < 1500);
	memset(&zero, 0, sizeof(zero));
	CHECK_BYTES(&k.keys, &zero, sizeof(zero));
	drop(&p[0]);
	drop(&p[1]);
	drop(&p[2]);
}

/* An attempt that began before the one whose link is up comes too late. */
static void
late_attempts(void)
{
	struct pair p[2];
	unsigned first, second;

	begin(MOST);
	make(&p[0], 1);
	make(&p[1], 2);
	first = begun();
	second = begun();
	CHECK_EQ(keeper_up(&k, second, &p[1].link, &p[1].keys,
	    &p[1].server), 1);
	unit_row("it comes to a link");
	CHECK_EQ(keeper_up(&k, first, &p[0].link, &p[0].keys, &p[0].server),
	    0);
	CHECK_EQ(atomic_load(&p[0].link.ordered), CTL_REPLACED);
	CHECK_EQ(atomic_load(&p[1].link.ordered), 0);
	CHECK(k.link == &p[1].link && k.attempts == 0);
	CHECK(!keeper_down(&k, &p[0].link, false, 0));
	due_about(KEEPER_RENEW_MS);
	unit_row("after that one is down it may");
	first = begun();
	second = begun();
	CHECK_EQ(keeper_up(&k, second, &p[1].link, &p[1].keys,
	    &p[1].server), 2);
	CHECK(keeper_down(&k, &p[1].link, false, 0));
	CHECK_EQ(keeper_up(&k, first, &p[0].link, &p[0].keys, &p[0].server),
	    3);
	drop(&p[0]);
	drop(&p[1]);
}

/* When a network comes back all attempts are let in at once: one says hello,
 * the others are over; also those that began before a link came up. */
static void
claims(void)
{
	int64_t began;
	struct pair p;

	begin(MOST);
	make(&p, 1);
	began = task_now();
	(void)begun();
	(void)begun();
	(void)begun();
	CHECK_EQ(keeper_claim(&k, began), 1);
	CHECK_EQ(k.attempts, 3);
	CHECK_EQ(keeper_claim(&k, began), 0);
	CHECK_EQ(k.attempts, 2);
	CHECK_EQ(keeper_up(&k, 1, &p.link, &p.keys, &p.server), 1);
	CHECK_EQ(keeper_claim(&k, began), 0);
	CHECK_EQ(k.attempts, 0);
	due_about(KEEPER_RENEW_MS);
	unit_row("a renewal");
	k.up_at -= KEEPER_RENEW_MS;
	(void)begun();
	CHECK_EQ(keeper_claim(&k, task_now()), 2);
	(void)keeper_failed(&k, false, 0);
	unit_row("no link any more");
	began = k.up_at;
	CHECK(keeper_down(&k, &p.link, false, 0));
	(void)begun();
	(void)begun();
	CHECK_EQ(keeper_claim(&k, began), 3);
	unit_row("the one that said hello got no answer");
	k.claimed_at -= RETRY_BESIDE_MS;
	CHECK_EQ(keeper_claim(&k, began), 4);
	CHECK_EQ(k.attempts, 2);
	drop(&p);
}

/* One that fails after a later one has come to a link is no reason to dial
 * another; neither is its refusal. */
static void
late_failures(void)
{
	struct pair p;
	unsigned n;
	int refused;

	begin(MOST);
	for (refused = 0; refused < 2; refused++) {
		unit_row("refused %d", refused);
		make(&p, 1);
		(void)begun();
		n = begun();
		CHECK(keeper_up(&k, n, &p.link, &p.keys, &p.server) != 0);
		(void)keeper_failed(&k, refused, UINT32_MAX);
		CHECK_EQ(k.attempts, 0);
		due_about(KEEPER_RENEW_MS);
		CHECK(keeper_down(&k, &p.link, false, 0));
		drop(&p);
	}
}

/* A stream that a link carried itself is over: the next attempt comes soon,
 * but not at once. */
static void
carried(void)
{
	begin(1);
	(void)begun();
	CHECK(keeper_failed(&k, false, 0) == 0);
	(void)begun();
	keeper_carries(&k);
	CHECK_EQ(due_in(), -1);
	CHECK(!keeper_known(&k));
	keeper_carried(&k);
	CHECK(keeper_known(&k));
	CHECK_EQ(k.attempts, 0);
	due_about(RETRY_FIRST_MS);
	CHECK(k.retry.failures <= 1);
}

/* Refusals are forgotten only by a link that has lasted. */
static void
refusals(void)
{
	struct pair p;
	int i;

	begin(1);
	make(&p, 1);
	for (i = 0; i < 6; i++) {
		unit_row("round %d", i);
		(void)begun();
		CHECK_EQ(keeper_failed(&k, true, 0), i < 5 ? 1000u << i :
		    30000u);
		CHECK(keeper_up(&k, begun(), &p.link, &p.keys,
		    &p.server) != 0);
		CHECK(keeper_down(&k, &p.link, false, 0));
	}
	CHECK(keeper_up(&k, begun(), &p.link, &p.keys, &p.server) !=
	    0);
	k.up_at -= RETRY_FORGET_MS;
	CHECK(keeper_down(&k, &p.link, false, 0));
	(void)begun();
	CHECK_EQ(keeper_failed(&k, true, 0), 1000);
	drop(&p);
}

/* What streams get: keys, the server, a number that nobody else has. */
static void
leases(void)
{
	struct keeper_lease lease;
	struct pair p[2];
	uint64_t i;

	begin(MOST);
	make(&p[0], 1);
	make(&p[1], 2);
	CHECK_EQ(keeper_lease(&k, 0, task_now() + 50, never, NULL, &lease),
	    -1);
	CHECK_EQ(keeper_up(&k, begun(), &p[0].link, &p[0].keys,
	    &p[0].server), 1);
	for (i = 1; i < 5; i++) {
		unit_row("stream %d", (int)i);
		memset(&lease, 0, sizeof(lease));
		CHECK_EQ(keeper_lease(&k, 0, task_now() + 50, never, NULL,
		    &lease), 0);
		CHECK_EQ(lease.number, 2 * i);
		CHECK_EQ(lease.generation, 1);
		CHECK_BYTES(&lease.keys, &p[0].keys, sizeof(lease.keys));
		CHECK(net_same(&lease.server, &p[0].server));
	}
	unit_row("another link than that");
	CHECK_EQ(keeper_lease(&k, 1, task_now() + 50, never, NULL, &lease),
	    -1);
	CHECK_EQ(keeper_up(&k, begun(), &p[1].link, &p[1].keys,
	    &p[1].server), 2);
	CHECK_EQ(keeper_lease(&k, 1, task_now() + 50, never, NULL, &lease),
	    0);
	CHECK_EQ(lease.number, 2);
	CHECK_EQ(lease.generation, 2);
	CHECK_BYTES(&lease.keys, &p[1].keys, sizeof(lease.keys));
	unit_row("down");
	CHECK(keeper_down(&k, &p[1].link, false, 0));
	CHECK_EQ(keeper_lease(&k, 0, task_now() + 50, never, NULL, &lease),
	    -1);
	drop(&p[0]);
	drop(&p[1]);
}

/* A stream that waits for a link. */
struct waiter {
	pthread_t t;
	atomic_bool gone;
	int rc;
	int64_t ms;
	struct keeper_lease lease;
};

static void *
wait_for_link(void *arg)
{
	struct waiter *w = arg;
	int64_t began = task_now();

	w->rc = keeper_lease(&k, 0, began + 5000, is_gone, &w->gone,
	    &w->lease);
	w->ms = task_now() - began;
	return NULL;
}

static void
waiters(void)
{
	enum { N = 8 };
	struct waiter w[N];
	uint64_t seen = 0;
	struct pair p;
	int how, i;

	begin(MOST);
	make(&p, 1);
	for (how = 0; how < 4; how++) {
		unit_row("case %d", how);
		memset(w, 0, sizeof(w));
		for (i = 0; i < N; i++)
			REQUIRE(pthread_create(&w[i].t, NULL, wait_for_link,
			    &w[i]) == 0);
		unit_sleep(50);
		if (how == 0) {
			for (i = 0; i < N; i++)
				atomic_store(&w[i].gone, true);
		} else if (how == 1)
			CHECK(keeper_up(&k, begun(), &p.link,
			    &p.keys, &p.server) != 0);
		else if (how == 2)
			keeper_end(&k);
		else
			task_stop();
		for (i = 0; i < N; i++) {
			(void)pthread_join(w[i].t, NULL);
			CHECK_EQ(w[i].rc, how == 1 ? 0 : -1);
			CHECK(unit_within(w[i].ms, 2000));
			if (how == 1)
				seen |= UINT64_C(1) << w[i].lease.number;
		}
		if (how == 1) {
			/* 2, 4 ... 16, each once. */
			CHECK_EQ(seen, 0x15554);
			CHECK(keeper_down(&k, &p.link, false, 0));
		}
		if (how == 2)
			k.over = false;
	}
	drop(&p);
}

/* What the server asks for is kept for main, in order, for that link alone. */
static void
asks(void)
{
	struct keeper_lease lease;
	struct pair p[2];
	struct ctl m = { .kind = CTL_CANCEL, .number = 3,
	    .reason = CTL_FULL };
	uint64_t i;

	begin(MOST);
	make(&p[0], 1);
	make(&p[1], 2);
	CHECK(!keeper_take_ask(&k, &lease));
	CHECK_EQ(keeper_up(&k, begun(), &p[0].link, &p[0].keys,
	    &p[0].server), 1);
	for (i = 0; i < KEEPER_ASKS; i++)
		CHECK(keeper_put_ask(&k, 1, 2 * i + 1));
	CHECK(!keeper_put_ask(&k, 1, 999));
	unit_row("not wanted any more");
	keeper_drop_ask(&k, 1, 1);
	keeper_drop_ask(&k, 1, 5);
	keeper_drop_ask(&k, 1, 5);
	keeper_drop_ask(&k, 1, 4);
	keeper_drop_ask(&k, 2, 7);
	keeper_drop_ask(&k, 1, 2 * KEEPER_ASKS - 1);
	for (i = 1; i < KEEPER_ASKS - 1; i++) {
		if (2 * i + 1 == 5)
			continue;
		unit_row("ask %d", (int)i);
		memset(&lease, 0, sizeof(lease));
		CHECK(keeper_take_ask(&k, &lease));
		CHECK_EQ(lease.number, 2 * i + 1);
		CHECK_EQ(lease.generation, 1);
		CHECK_EQ(keeper_lease_ask(&k, &lease), 0);
		CHECK_EQ(lease.number, 2 * i + 1);
		CHECK_BYTES(&lease.keys, &p[0].keys, sizeof(lease.keys));
	}
	CHECK(!keeper_take_ask(&k, &lease));
	unit_row("said on that link");
	keeper_say(&k, 0, &m);
	keeper_say(&k, 2, &m);
	CHECK_EQ(hear(&p[0], &m), 0);
	m.kind = CTL_CANCEL;
	m.number = 3;
	m.reason = CTL_FULL;
	keeper_say(&k, 1, &m);
	CHECK_EQ(hear(&p[0], &m), CTL_CANCEL);
	CHECK_EQ(m.number, 3);
	unit_row("another link");
	CHECK(keeper_put_ask(&k, 1, 77));
	CHECK_EQ(keeper_up(&k, begun(), &p[1].link, &p[1].keys,
	    &p[1].server), 2);
	CHECK(!keeper_take_ask(&k, &lease));
	lease.generation = 1;
	CHECK_EQ(keeper_lease_ask(&k, &lease), -1);
	CHECK(keeper_put_ask(&k, 1, 79));	/* as if it were kept */
	CHECK(!keeper_take_ask(&k, &lease));
	CHECK(keeper_put_ask(&k, 2, 1));
	CHECK(keeper_take_ask(&k, &lease));
	CHECK_EQ(keeper_lease_ask(&k, &lease), 0);
	CHECK_BYTES(&lease.keys, &p[1].keys, sizeof(lease.keys));
	keeper_say(&k, 1, &m);
	CHECK_EQ(hear(&p[1], &m), 0);
	unit_row("down");
	CHECK(keeper_down(&k, &p[1].link, false, 0));
	CHECK_EQ(keeper_lease_ask(&k, &lease), -1);
	keeper_say(&k, 2, &m);
	drop(&p[0]);
	drop(&p[1]);
}

int
main(void)
{
	unit_case("keeper: attempts", attempts);
	unit_case("keeper: one at a time", one_at_a_time);
	unit_case("keeper: up and down", up_and_down);
	unit_case("keeper: late attempts", late_attempts);
	unit_case("keeper: late or not", claims);
	unit_case("keeper: late failures", late_failures);
	unit_case("keeper: a stream on the link itself", carried);
	unit_case("keeper: refusals", refusals);
	unit_case("keeper: leases", leases);
	unit_case("keeper: who waits for a link", waiters);
	unit_case("keeper: requests", asks);
	return unit_end();
}
