/* SPDX-License-Identifier: MIT */
/* waiter.c - a server's places, at small relays that are played here byte by
 * byte, with a clock that can be put forward. */

#include "clock.h"
#include "dial.h"
#include "entropy.h"

/* The relay's name has the addresses that a case gives it, in that order. */
static int played_relays(const struct hostport *hp, const char *room,
    struct net_addr out[RESOLVE_MAX], char why[DIAL_WHY_MAX]);

#define dial_relays played_relays
#include "../../waiter.c"
#include "unit.h"

enum {
	RELAYS = 3,
	PATIENCE_MS = 12000		/* for what has to come */
};

static struct waiter w;
static const struct hostport where = { .host = "relay", .port = 7000 };

/* The relays; their number, or -1: the name is not to be had. */
static struct net_addr addrs[RELAYS];
static int lfds[RELAYS];
static atomic_int nrelays;

static int
played_relays(const struct hostport *hp, const char *room,
    struct net_addr out[RESOLVE_MAX], char why[DIAL_WHY_MAX])
{
	int n = atomic_load(&nrelays);

	CHECK(hp == &where);
	CHECK_STR(room, "room");
	if (n == -1) {
		(void)snprintf(why, DIAL_WHY_MAX, "no such name");
		return -1;
	}
	memcpy(out, addrs, (size_t)n * sizeof(out[0]));
	return n;
}

static void
listen_at(int i)
{
	struct net_addr bound;

	REQUIRE((lfds[i] = net_listen(&addrs[i], SOCK_STREAM, &bound)) != -1);
	if (atomic_load(&nrelays) == 0)		/* nobody looks yet */
		addrs[i] = bound;
}

/* So many relays, all of them there. */
static void
init(int n)
{
	struct sockaddr_in *sin;
	int i;

	log_set_level(LOG_ERROR);
	REQUIRE(entropy_init() == 0 && task_init() == 0);
	for (i = 0; i < n; i++) {
		sin = (struct sockaddr_in *)&addrs[i].ss;
		sin->sin_family = AF_INET;
		sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		addrs[i].len = sizeof(*sin);
		listen_at(i);
	}
	atomic_store(&nrelays, n);
	w.relay = &where;
	w.room = "room";
	REQUIRE(waiter_init(&w) == 0);
}

/* The places' threads. */
static pthread_t thread[WAITER_PLACES];
static unsigned numbers[WAITER_PLACES], nthreads;

static void *
be_place(void *arg)
{
	waiter_run(&w, *(unsigned *)arg);
	return NULL;
}

static void
start_places(unsigned n)
{
	for (; nthreads < n; nthreads++) {
		numbers[nthreads] = nthreads;
		REQUIRE(pthread_create(&thread[nthreads], NULL, be_place,
		    &numbers[nthreads]) == 0);
	}
}

static void
pass(int64_t ms)
{
	unsigned i;

	clock_pass(ms);
	for (i = 0; i < nthreads; i++)
		clock_kick(thread[i]);
}

static void
end(void)
{
	task_stop();
	while (nthreads > 0)
		(void)pthread_join(thread[--nthreads], NULL);
}

/* Somebody comes to relay i within ms: its socket, or -1. */
static int
comes(int i, int ms)
{
	struct pollfd p = { .fd = lfds[i], .events = POLLIN };
	int fd;

	if (poll(&p, 1, ms) != 1)
		return -1;
	if ((fd = accept(lfds[i], NULL, NULL)) != -1) {
		(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
		unit_timeouts(fd, PATIENCE_MS);
	}
	return fd;
}

/* What it says next; 0: nothing, or the end (*m is not touched). */
static int
hear_in(int fd, struct meet *m, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint8_t len[2], body[MEET_BODY_MAX];
	size_t n;

	if (poll(&p, 1, ms) != 1 || recv(fd, len, 2, MSG_WAITALL) != 2)
		return 0;
	n = (size_t)(len[0] << 8 | len[1]);
	REQUIRE(n <= sizeof(body));
	REQUIRE(recv(fd, body, n, MSG_WAITALL) == (ssize_t)n);
	REQUIRE(meet_get(m, body, n));
	return (int)m->kind;
}

static int
hear(int fd, struct meet *m)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int i;

	for (i = 0; i < PATIENCE_MS / 5 && poll(&p, 1, 5) != 1; i++)
		clock_tick(5);
	return hear_in(fd, m, 0);
}

static void
say(int fd, const struct meet *m)
{
	uint8_t out[MEET_LEN + MEET_BODY_MAX];
	size_t n = meet_put(m, out + 2);

	out[0] = (uint8_t)(n >> 8);
	out[1] = (uint8_t)n;
	CHECK_EQ(send(fd, out, n + 2, MSG_NOSIGNAL), (ssize_t)n + 2);
}

static void
say_reason(int fd, enum meet_message kind, enum meet_reason reason)
{
	struct meet m = { .kind = kind, .reason = reason };

	say(fd, &m);
}

static void
say_ticket(int fd, enum meet_message kind, unsigned number)
{
	struct meet m = { .kind = kind };

	memset(m.id, (int)number, sizeof(m.id));
	say(fd, &m);
}

/* It says WAIT, as it should. */
static void
hear_wait(int fd)
{
	uint8_t head[MEET_HEAD];
	struct meet m;

	REQUIRE(fd != -1);
	REQUIRE(recv(fd, head, sizeof(head), MSG_WAITALL) == sizeof(head));
	CHECK_BYTES(head, "\xad\x17\1\3", 4);
	REQUIRE(hear(fd, &m) == MEET_M_WAIT);
	/* Of one process; its last byte may tell its places apart. */
	CHECK_BYTES(m.id, w.owner, MEET_ID - 1);
	CHECK_EQ(m.parked, WAITER_PARKED);
	CHECK_EQ(m.publish, MEET_PUBLISH_NONE);
	CHECK_EQ(m.port, 0);
	CHECK_STR(m.text, "room");
}

/* Somebody comes to relay i, and may wait at a relay that calls itself id. */
static int
let_in(int i, unsigned id)
{
	struct meet m = { .kind = MEET_M_WAITING };
	int fd = comes(i, PATIENCE_MS);

	hear_wait(fd);
	memset(m.id, (int)id, sizeof(m.id));
	say(fd, &m);
	return fd;
}

/* How many places are in this state. */
static unsigned
count_state(enum waiter_state state)
{
	unsigned i, n = 0;

	(void)pthread_mutex_lock(&w.mu);
	for (i = 0; i < WAITER_PLACES; i++)
		n += w.place[i].state == state;
	(void)pthread_mutex_unlock(&w.mu);
	return n;
}

static bool
soon_up(unsigned n)
{
	int64_t until = clock_real() + PATIENCE_MS;

	while (count_state(PLACE_UP) != n && clock_real() < until)
		unit_sleep(5);
	return count_state(PLACE_UP) == n;
}

/* How the connection ends: in order? */
static bool
ends_clean(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, 0);

	CHECK(n == 0 || errno == ECONNRESET);
	(void)close(fd);
	return n == 0;
}

static void
comes_up(void)
{
	struct waiter_call call;
	struct meet m;
	uint8_t none[MEET_ID] = { 0 };
	unsigned i;
	int fd;

	init(1);
	CHECK(memcmp(w.owner, none, sizeof(none)) != 0);
	CHECK(!waiter_up(&w));
	CHECK(!waiter_take(&w, &call));
	start_places(1);
	fd = comes(0, PATIENCE_MS);
	hear_wait(fd);
	unit_sleep(20);
	CHECK(!waiter_up(&w));		/* not before it was let in */
	m.kind = MEET_M_WAITING;
	memset(m.id, 1, sizeof(m.id));
	memset(m.addr, 0, sizeof(m.addr));
	m.publish = MEET_PUBLISH_NONE;
	m.port = 0;
	say(fd, &m);
	CHECK(soon_up(1));
	CHECK(waiter_up(&w));
	unit_row("ping");
	m.kind = MEET_M_PING;
	m.stamp = 0x12345678;
	say(fd, &m);
	m.stamp = 0;
	CHECK_EQ(hear(fd, &m), MEET_M_PONG);
	CHECK_EQ(m.stamp, 0x12345678);
	unit_row("tickets");
	task_wake_clear();
	say_ticket(fd, MEET_M_CALL, 1);
	UNIT_AWAIT(net_readable(task_wake_fd()));
	for (i = 2; i <= WAITER_CALLS + 6; i++)
		say_ticket(fd, i % 2 == 0 ? MEET_M_GRANT : MEET_M_CALL, i);
	m.kind = MEET_M_PING;		/* all of them were taken */
	say(fd, &m);
	CHECK_EQ(hear(fd, &m), MEET_M_PONG);
	for (i = 1; i <= WAITER_CALLS; i++) {
		unit_row("ticket %u", i);
		CHECK(waiter_take(&w, &call));
		CHECK_EQ(call.ticket[0], i % 256);
		CHECK_EQ(call.ticket[MEET_TICKET - 1], i % 256);
		waiter_taken(&w, &call);
		CHECK(net_same(&call.relay, &addrs[0]));
	}
	CHECK(!waiter_take(&w, &call));
	unit_row("more, later");
	say_ticket(fd, MEET_M_GRANT, 200);
	say(fd, &m);
	m.kind = MEET_M_PING;
	say(fd, &m);
	CHECK_EQ(hear(fd, &m), MEET_M_PONG);
	CHECK(waiter_take(&w, &call));
	CHECK_EQ(call.ticket[0], 200);
	unit_row("a stop");
	end();
	CHECK_EQ(hear(fd, &m), MEET_M_BYE);
	CHECK_EQ(m.reason, MEET_R_STOPPING);
	CHECK(ends_clean(fd));
	CHECK_EQ(w.exit_code, 0);
	(void)pthread_mutex_destroy(&w.mu);
}

/* How its time at a relay ends; it comes again, soon. */
static void
comes_again(void)
{
	static const struct {
		const char *what;
		bool clean;
	} rows[] = {
		{ "bye", true }, { "fin", false }, { "reset", false },
		{ "waiting", true }, { "refused", true }, { "wait", true },
		{ "garbage", false }
	};
	const char *what;
	struct meet m;
	size_t i;
	int fd;

	init(1);
	start_places(1);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		what = rows[i].what;
		unit_row("%s", what);
		fd = let_in(0, 1);
		CHECK(soon_up(1));
		memset(&m, 0, sizeof(m));
		m.kind = what[2] == 'i' && what[4] == 'i' ? MEET_M_WAITING :
		    MEET_M_WAIT;
		m.text[0] = 'a';
		if (strcmp(what, "bye") == 0)
			say_reason(fd, MEET_M_BYE, MEET_R_REPLACED);
		else if (strcmp(what, "fin") == 0)
			(void)shutdown(fd, SHUT_WR);
		else if (strcmp(what, "reset") == 0) {
			unit_reset(fd);
			CHECK(soon_up(0));
			continue;
		} else if (strcmp(what, "refused") == 0)
			say_reason(fd, MEET_M_REFUSED, MEET_R_BUSY);
		else if (strcmp(what, "garbage") == 0)
			CHECK_EQ(send(fd, "\0\0", 2, 0), 2);
		else
			say(fd, &m);
		if (rows[i].clean)
			(void)shutdown(fd, SHUT_WR);
		CHECK_EQ(ends_clean(fd), rows[i].clean);
	}
	end();
}

/* Nobody is there; then somebody is. */
static void
retries(void)
{
	struct waiter_call call;
	int fd;

	init(1);
	(void)close(lfds[0]);
	start_places(1);
	unit_sleep(150);
	CHECK(!waiter_up(&w));
	CHECK(!task_stopping());
	listen_at(0);
	fd = let_in(0, 1);
	CHECK(soon_up(1));
	unit_row("no such name");
	atomic_store(&nrelays, -1);
	say_reason(fd, MEET_M_BYE, MEET_R_STOPPING);
	(void)shutdown(fd, SHUT_WR);
	CHECK(ends_clean(fd));
	CHECK(soon_up(0));
	CHECK_EQ(comes(0, 200), -1);
	atomic_store(&nrelays, 1);
	fd = let_in(0, 1);
	CHECK(soon_up(1));
	CHECK(!waiter_take(&w, &call));
	end();
	(void)close(fd);
}

/* A refusal is not asked again at once. */
static void
refused(void)
{
	static const char *const rows[] = { "busy", "full", "nonsense" };
	static const enum meet_reason reasons[] = {
		MEET_R_BUSY, MEET_R_FULL, MEET_R_NONSENSE
	};
	struct meet ping = { .kind = MEET_M_PING };
	int fd, i;

	init(1);
	start_places(1);
	for (i = 0; i < 3; i++) {
		unit_row("%s", rows[i]);
		fd = comes(0, PATIENCE_MS);
		hear_wait(fd);
		clock_hold();
		say(fd, &ping);		/* the answer may come later */
		say_reason(fd, MEET_M_REFUSED, reasons[i]);
		(void)shutdown(fd, SHUT_WR);
		CHECK(ends_clean(fd));
		CHECK_EQ(comes(0, 300), -1);
		CHECK_EQ(count_state(PLACE_IDLE), WAITER_PLACES);
		pass(RETRY_REFUSED_MS << i);
		clock_go();
	}
	fd = let_in(0, 1);
	CHECK(soon_up(1));
	end();
	(void)close(fd);
}

/* A relay that says nothing is given up, asked before that. */
static void
silent(void)
{
	struct meet m;
	int fd;

	init(1);
	start_places(1);
	unit_row("no answer");
	fd = comes(0, PATIENCE_MS);
	hear_wait(fd);
	clock_hold();
	pass(WAITER_ANSWER_MS - 2000);
	CHECK_EQ(hear_in(fd, &m, 200), 0);
	CHECK_EQ(count_state(PLACE_DIALLING), 1);
	pass(WAITER_ANSWER_MS);
	clock_go();
	CHECK(!ends_clean(fd));
	unit_row("asked");
	fd = let_in(0, 1);
	CHECK(soon_up(1));
	clock_hold();
	CHECK_EQ(hear_in(fd, &m, 100), 0);
	pass(WAITER_PING_MS);
	CHECK_EQ(hear(fd, &m), MEET_M_PING);
	CHECK_EQ(hear_in(fd, &m, 50), 0);
	unit_row("answers");
	m.kind = MEET_M_PONG;
	say(fd, &m);
	m.kind = MEET_M_PING;
	say(fd, &m);
	CHECK_EQ(hear(fd, &m), MEET_M_PONG);
	pass(WAITER_PING_MS);
	CHECK_EQ(hear(fd, &m), MEET_M_PING);
	CHECK_EQ(count_state(PLACE_UP), 1);
	unit_row("silent");
	pass(WAITER_DEAD_MS - WAITER_PING_MS);
	clock_go();
	CHECK(!ends_clean(fd));
	CHECK(soon_up(0));
	fd = let_in(0, 1);
	CHECK(soon_up(1));
	end();
	(void)close(fd);
}

/* What is no relay. */
static void
no_relay(void)
{
	static const struct {
		const char *what;
		uint8_t bytes[8];
		size_t n;
	} rows[] = {
		{ "http", "HTTP/1.1", 8 },
		{ "status", { 0x32 }, 1 },
		{ "nothing", { 0 }, 0 }
	};
	int fd;
	size_t i;

	init(1);
	start_places(1);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("%s", rows[i].what);
		fd = comes(0, PATIENCE_MS);
		hear_wait(fd);
		CHECK_EQ(send(fd, rows[i].bytes, rows[i].n, 0),
		    (ssize_t)rows[i].n);
		(void)shutdown(fd, SHUT_WR);
		CHECK(!ends_clean(fd));
		CHECK_EQ(count_state(PLACE_UP), 0);
	}
	CHECK(!waiter_up(&w));
	end();
}

/* With --once, what does not come up is the end; what was up is not. */
static void
once_fails(void)
{
	init(1);
	w.once = true;
	(void)close(lfds[0]);
	start_places(1);
	while (!task_stopping())
		unit_sleep(5);
	end();
	CHECK_EQ(w.exit_code, 1);
}

static void
once_refused(void)
{
	int fd;

	init(1);
	w.once = true;
	start_places(1);
	fd = comes(0, PATIENCE_MS);
	hear_wait(fd);
	say_reason(fd, MEET_M_REFUSED, MEET_R_BUSY);
	(void)shutdown(fd, SHUT_WR);
	/* (A stop ends its listening to our last words.) */
	(void)ends_clean(fd);
	while (!task_stopping())
		unit_sleep(5);
	end();
	CHECK_EQ(w.exit_code, 1);
}

static void
once_was_up(void)
{
	int fd;

	init(1);
	w.once = true;
	start_places(1);
	fd = let_in(0, 1);
	CHECK(soon_up(1));
	unit_reset(fd);
	CHECK(soon_up(0));
	fd = comes(0, PATIENCE_MS);
	hear_wait(fd);
	say_reason(fd, MEET_M_REFUSED, MEET_R_BUSY);
	(void)shutdown(fd, SHUT_WR);
	CHECK(ends_clean(fd));
	unit_sleep(50);
	CHECK(!task_stopping());
	end();
	CHECK_EQ(w.exit_code, 0);
}

static void
once(void)
{
	unit_again(once_fails);
	unit_again(once_refused);
	unit_again(once_was_up);
}

/* Two places, if there are two relays; and a third one that stays out. */
static void
two_places(void)
{
	int a, b;

	init(3);
	start_places(3);
	a = let_in(0, 1);
	b = let_in(1, 2);
	CHECK(soon_up(2));
	CHECK_EQ(comes(2, 700), -1);	/* not even after a look around */
	CHECK_EQ(count_state(PLACE_IDLE), 1);
	CHECK_EQ(count_state(PLACE_UP), 2);
	unit_row("one of them is gone");
	(void)close(lfds[1]);
	unit_reset(b);
	b = let_in(2, 3);
	CHECK(soon_up(2));
	(void)close(b);
	(void)close(a);
	end();
}

/* Two addresses of one relay are one place.  It does with owners what
 * PROTOCOL.md 10.2 says: the same one has its room anew, another one finds it
 * busy.  However a server goes about that, it comes to rest. */
static void
alias(void)
{
	struct meet waiting = { .kind = MEET_M_WAITING }, m;
	uint8_t owner[MEET_ID] = { 0 }, head[MEET_HEAD];
	int64_t began, since;
	int fd, i, holder = -1;

	init(2);
	memset(waiting.id, 7, sizeof(waiting.id));
	start_places(3);
	began = since = clock_real();
	/* Until nobody new has had the room for more than a second. */
	while ((holder == -1 || clock_real() < since + 1500) &&
	    clock_real() < began + PATIENCE_MS) {
		if ((fd = comes(i = clock_real() & 1, 20)) == -1)
			continue;
		unit_row("address %d", i);
		REQUIRE(recv(fd, head, sizeof(head), MSG_WAITALL) ==
		    sizeof(head));
		REQUIRE(hear(fd, &m) == MEET_M_WAIT);
		if (holder != -1 && memcmp(owner, m.id, MEET_ID) != 0) {
			say_reason(fd, MEET_M_REFUSED, MEET_R_BUSY);
			(void)shutdown(fd, SHUT_WR);
			CHECK(ends_clean(fd));
			continue;
		}
		if (holder != -1) {
			say_reason(holder, MEET_M_BYE, MEET_R_REPLACED);
			(void)close(holder);
		}
		memcpy(owner, m.id, sizeof(owner));
		say(fd, &waiting);
		holder = fd;
		since = clock_real();
	}
	unit_row("%s", "");
	REQUIRE(holder != -1);
	CHECK(clock_real() >= since + 1500);
	CHECK_EQ(hear_in(holder, &m, 0), 0);
	CHECK_EQ(count_state(PLACE_UP), 1);
	end();
	CHECK_EQ(hear(holder, &m), MEET_M_BYE);
	(void)close(holder);
}

/* Should two addresses show the same relay all the same, the second one does
 * not count. */
static void
shown_twice(void)
{
	int a, b, c;

	init(3);
	start_places(2);
	a = let_in(0, 7);
	b = let_in(1, 7);
	(void)shutdown(b, SHUT_WR);
	CHECK(ends_clean(b));
	/* So the next one it is. */
	c = let_in(2, 8);
	CHECK(soon_up(2));
	CHECK_EQ(comes(1, 300), -1);
	end();
	(void)close(a);
	(void)close(c);
}

/* A better one comes: the third place goes there; the worst of the two leaves,
 * in order, but not before those who have it from before are done with it. */
static void
moves(void)
{
	struct place *p;
	struct meet m;
	int a, b, c, i;

	init(3);
	(void)close(lfds[0]);
	start_places(3);
	b = let_in(1, 2);
	c = let_in(2, 3);
	CHECK(soon_up(2));
	listen_at(0);
	/* A clock that is put forward so far would be the death of the others:
	 * that it is looked for every 60 s is not tested here. */
	(void)pthread_mutex_lock(&w.mu);
	w.changes++;
	(void)pthread_mutex_unlock(&w.mu);
	a = let_in(0, 1);
	CHECK(soon_up(3));
	unit_sleep(50);
	CHECK_EQ(hear_in(c, &m, 50), 0);
	(void)pthread_mutex_lock(&w.mu);
	for (i = 0; i < WAITER_PLACES; i++) {
		p = &w.place[i];
		unit_row("place %d", i);
		if (!net_same(&p->at, &addrs[2])) {
			CHECK_EQ(p->leave_at, INT64_MAX);
			continue;
		}
		CHECK(p->leave_at > task_now() + WAITER_MOVE_MS - PATIENCE_MS);
		CHECK(p->leave_at <= task_now() + WAITER_MOVE_MS);
		p->leave_at = task_now();	/* that has passed */
	}
	(void)pthread_mutex_unlock(&w.mu);
	unit_row("leaves");
	pass(WAITER_PING_MS);
	/* It was its time to say something, too. */
	CHECK_EQ(hear(c, &m), MEET_M_BYE);
	CHECK_EQ(m.reason, MEET_R_STOPPING);
	(void)shutdown(c, SHUT_WR);
	CHECK(ends_clean(c));
	CHECK(soon_up(2));
	CHECK_EQ(comes(2, 700), -1);
	CHECK_EQ(hear(a, &m), MEET_M_PING);
	CHECK_EQ(hear(b, &m), MEET_M_PING);
	end();
	(void)close(a);
	(void)close(b);
}

/* Is the room to be had?  By main, in this thread: the relay has one. */
struct answer {
	int reason;			/* 0: it is; -1: garbage */
	bool bye;			/* and we were told that it leaves */
};

static void *
answer(void *arg)
{
	struct answer *x = arg;
	struct meet m;
	int fd;

	if (x->reason == 0) {
		fd = let_in(0, 1);
		x->bye = hear(fd, &m) == MEET_M_BYE;
	} else {
		fd = comes(0, PATIENCE_MS);
		hear_wait(fd);
		if (x->reason == -1)
			(void)send(fd, "\0\0", 2, 0);
		else
			say_reason(fd, MEET_M_REFUSED,
			    (enum meet_reason)x->reason);
	}
	(void)shutdown(fd, SHUT_WR);
	(void)ends_clean(fd);
	return NULL;
}

static void
probe(void)
{
	static const struct {
		int reason, rc;
	} rows[] = {
		{ 0, 0 }, { MEET_R_BUSY, 1 }, { MEET_R_FULL, -1 },
		{ MEET_R_MEMBERS, -1 }, { -1, -1 }
	};
	char why[DOOR_WHY_MAX];
	struct answer x;
	pthread_t t;
	size_t i;

	init(1);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("reason %d", rows[i].reason);
		x.reason = rows[i].reason;
		x.bye = false;
		why[0] = '\0';
		REQUIRE(pthread_create(&t, NULL, answer, &x) == 0);
		CHECK_EQ(waiter_probe(&w, why), rows[i].rc);
		(void)pthread_join(t, NULL);
		CHECK_EQ(x.bye, rows[i].reason == 0);
		CHECK(rows[i].rc != -1 || why[0] != '\0');
		CHECK(!waiter_up(&w));
	}
	unit_row("nobody");
	(void)close(lfds[0]);
	CHECK_EQ(waiter_probe(&w, why), -1);
	CHECK(strstr(why, "is the relay running?") != NULL);
	unit_row("no name");
	atomic_store(&nrelays, -1);
	CHECK_EQ(waiter_probe(&w, why), -1);
	CHECK_STR(why, "no such name");
}

int
main(void)
{
	unit_case("waiter: comes up", comes_up);
	unit_case("waiter: comes again", comes_again);
	unit_case("waiter: retries", retries);
	unit_case("waiter: refused", refused);
	unit_case("waiter: a silent relay", silent);
	unit_case("waiter: no relay", no_relay);
	unit_case("waiter: once", once);
	unit_case("waiter: two places", two_places);
	unit_case("waiter: two addresses, one relay", alias);
	unit_case("waiter: a relay that shows itself twice", shown_twice);
	unit_case("waiter: moves to a better one", moves);
	unit_case("waiter: probes", probe);
	return unit_end();
}
