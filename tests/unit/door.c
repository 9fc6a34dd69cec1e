/* SPDX-License-Identifier: MIT */
/* door.c - strangers on real sockets: how their bytes are read, who queues at
 * the gate and who does not, silence, and last words. */

#include "door.h"
#include "task.h"
#include "unit.h"

static struct gate gate;
static struct net_addr from;
static struct caller caller;
static uint8_t data[100000], got[sizeof(data)];
static char why[DOOR_WHY_MAX];

static void
init(void)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)&from.ss;

	REQUIRE(task_init() == 0);
	gate_init(&gate, GATE_MAX);
	memset(&from, 0, sizeof(from));
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	from.len = sizeof(*sin);
	unit_fill(data, sizeof(data), 1);
}

/* How many are at the gate? */
static unsigned
waiting(void)
{
	unsigned i, n = 0;

	(void)pthread_mutex_lock(&gate.mu);
	for (i = 0; i < gate.max; i++)
		n += gate.slot[i].ticket != 0;
	(void)pthread_mutex_unlock(&gate.mu);
	return n;
}

/* Says n bytes of data, `step` at a time with pauses; then perhaps ends, or
 * resets; and reads until the other side ends. */
struct stranger {
	pthread_t t;
	int fd;
	size_t n, step;
	int pause_ms;
	bool until_queued;		/* a pause lasts until somebody waits */
	bool ends, resets;
	uint8_t heard[8];
	size_t nheard;
	int err;			/* of the last read; 0: the end */
	int64_t over_at;
};

static atomic_bool may_reset;

static void *
be_stranger(void *arg)
{
	struct stranger *s = arg;
	ssize_t n = 1;
	size_t off, k;

	for (off = 0; off < s->n; off += k) {
		k = s->n - off < s->step ? s->n - off : s->step;
		if (send(s->fd, data + off, k, MSG_NOSIGNAL) != (ssize_t)k)
			break;
		unit_sleep(s->pause_ms);
		while (s->until_queued && off + k < s->n && waiting() == 0)
			unit_sleep(1);
	}
	if (s->resets) {
		while (!atomic_load(&may_reset))
			unit_sleep(1);
		unit_reset(s->fd);
		return NULL;
	}
	if (s->ends)
		(void)shutdown(s->fd, SHUT_WR);
	while (n > 0 && s->nheard < sizeof(s->heard)) {
		n = recv(s->fd, s->heard + s->nheard,
		    sizeof(s->heard) - s->nheard, 0);
		if (n > 0)
			s->nheard += (size_t)n;
	}
	s->err = n == -1 ? errno : 0;
	s->over_at = task_now();
	(void)close(s->fd);
	return NULL;
}

/* A stranger knocks; returns our descriptor. */
static int
knock(struct stranger *s, size_t n, size_t step, int pause_ms)
{
	int64_t began = task_now();
	int fd[2];

	unit_tcp(fd);
	memset(s, 0, sizeof(*s));
	s->fd = fd[1];
	s->n = n;
	s->step = step;
	s->pause_ms = pause_ms;
	door_knock(&caller, fd[0], &from, &gate);
	CHECK_EQ(caller.fd, fd[0]);
	CHECK(caller.wait.until >= began + DOOR_HANDSHAKE_MS);
	CHECK(caller.wait.until <= task_now() + DOOR_HANDSHAKE_MS);
	return fd[0];
}

static void
run(struct stranger *s)
{
	REQUIRE(pthread_create(&s->t, NULL, be_stranger, s) == 0);
}

static void
reads(void)
{
	static const struct {
		size_t n, step;
		int pause_ms;
	} rows[] = {
		{ 1, 1, 0 }, { 70, 70, 0 }, { 70, 1, 1 }, { 45, 44, 20 },
		{ 100000, 100000, 0 }, { 5, 1, 60 }
	};
	struct stranger s;
	size_t i;
	int fd;

	init();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("row %zu", i);
		fd = knock(&s, rows[i].n, rows[i].step, rows[i].pause_ms);
		run(&s);
		memset(got, 0, sizeof(got));
		CHECK_EQ(door_read(&caller, got, rows[i].n), 0);
		CHECK_BYTES(got, data, rows[i].n);
		CHECK_EQ(door_read(&caller, got, 0), 0);
		CHECK(door_leave(&caller));
		CHECK_EQ(caller.ticket, 0);
		CHECK(door_leave(&caller));	/* was never in */
		CHECK_EQ(waiting(), 0);
		net_close_clean(fd);
		(void)pthread_join(s.t, NULL);
	}
}

/* Not one byte more than asked for is taken: what follows is not ours. */
static void
reads_exactly(void)
{
	struct stranger s;
	size_t n;
	int fd;

	init();
	for (n = 1; n <= 8; n++) {
		unit_row("%zu bytes", n);
		fd = knock(&s, 8, 8, 0);
		run(&s);
		UNIT_AWAIT(unit_has_bytes(fd, 8));
		CHECK_EQ(door_read(&caller, got, n), 0);
		CHECK_EQ(recv(fd, got + n, 8, MSG_DONTWAIT), n < 8 ?
		    (ssize_t)(8 - n) : -1);
		CHECK_BYTES(got, data, 8);
		net_close_clean(fd);
		(void)pthread_join(s.t, NULL);
	}
}

/* Whose bytes are there never queues; who keeps us waiting does, once. */
static void
queues(void)
{
	struct stranger s;
	uint64_t ticket;
	int fd;

	init();
	fd = knock(&s, 40, 40, 0);
	run(&s);
	UNIT_AWAIT(unit_has_bytes(fd, 40));
	CHECK_EQ(door_read(&caller, got, 20), 0);
	CHECK_EQ(door_read_some(&caller, got, 20), 20);
	CHECK_EQ(caller.ticket, 0);
	CHECK_EQ(waiting(), 0);
	door_queue(&caller);
	ticket = caller.ticket;
	CHECK(ticket != 0);
	door_queue(&caller);
	CHECK(caller.ticket == ticket);
	CHECK_EQ(waiting(), 1);
	CHECK(door_leave(&caller));
	CHECK_EQ(waiting(), 0);
	net_close_clean(fd);
	(void)pthread_join(s.t, NULL);

	fd = knock(&s, 2, 1, 0);
	s.until_queued = true;
	run(&s);
	CHECK_EQ(door_read(&caller, got, 2), 0);
	CHECK(caller.ticket != 0);
	CHECK_EQ(waiting(), 1);
	CHECK(door_leave(&caller));
	net_close_clean(fd);
	(void)pthread_join(s.t, NULL);
}

/* The end, a reset, our deadline, and a stop, in the middle of it. */
static void
cut_off(void)
{
	struct stranger s;
	int64_t began;
	int fd, i;

	init();
	atomic_store(&may_reset, true);
	for (i = 0; i < 4; i++) {
		unit_row("case %d", i);
		fd = knock(&s, 10, 10, 0);
		s.ends = i == 0;
		s.resets = i == 1;
		run(&s);
		if (i == 2)
			caller.wait.until = task_now() + 150;
		if (i == 3)
			task_stop();
		began = task_now();
		errno = 0;
		CHECK_EQ(door_read(&caller, got, 11), -1);
		CHECK_EQ(errno, i < 2 ? ECONNRESET : i == 2 ? ETIMEDOUT :
		    ECANCELED);
		CHECK(unit_within(task_now() - began, 1000));
		if (i == 2)
			CHECK(task_now() - began >= 100);
		(void)door_leave(&caller);
		CHECK_EQ(waiting(), 0);
		net_close_clean(fd);
		(void)pthread_join(s.t, NULL);
	}
}

/* A flood from one source: whoever has waited longest must go, and finds an
 * end there. */
static void
evicted(void)
{
	struct caller other[GATE_PER_SOURCE];
	struct stranger s;
	int fd, pair[2], i;

	init();
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	fd = knock(&s, 1, 1, 0);
	run(&s);
	CHECK_EQ(door_read(&caller, got, 1), 0);
	door_queue(&caller);
	for (i = 0; i < GATE_PER_SOURCE; i++) {
		gate.slot[0].since -= GATE_GRACE_MS;
		door_knock(&other[i], pair[0], &from, &gate);
		door_queue(&other[i]);
	}
	errno = 0;
	CHECK_EQ(door_read_some(&caller, got, 1), -1);
	CHECK_EQ(errno, ECONNRESET);
	CHECK(!door_leave(&caller));
	CHECK_EQ(caller.ticket, 0);
	CHECK_EQ(waiting(), GATE_PER_SOURCE);
	for (i = 0; i < GATE_PER_SOURCE; i++)
		CHECK(door_leave(&other[i]));
	CHECK_EQ(waiting(), 0);
	unit_reset(fd);
	(void)pthread_join(s.t, NULL);
}

/* One byte arrives, and then an end, whatever the other side is saying. */
static void
refuses(void)
{
	struct stranger s;
	int fd, i;

	init();
	atomic_store(&may_reset, false);
	for (i = 0; i < 4; i++) {
		unit_row("case %d", i);
		fd = knock(&s, i == 3 ? sizeof(data) : 100, 100, 0);
		s.ends = i == 1;
		s.resets = i == 2;
		run(&s);
		CHECK_EQ(door_read(&caller, got, 1), 0);
		if (i == 2) {		/* and not before we have that byte */
			atomic_store(&may_reset, true);
			(void)pthread_join(s.t, NULL);
		}
		door_refuse(&caller, (uint8_t)(0x20 + i));
		CHECK_EQ(waiting(), 1);
		(void)door_leave(&caller);
		net_close_clean(fd);
		if (i == 2)
			continue;
		(void)pthread_join(s.t, NULL);
		CHECK_EQ(s.nheard, 1);
		CHECK_EQ(s.heard[0], 0x20 + i);
		CHECK_EQ(s.err, 0);
	}
}

/* Nothing is said until the deadline, or until they have had enough. */
static void
silence(void)
{
	struct stranger s;
	int64_t began;
	int fd, i;

	init();
	for (i = 0; i < 2; i++) {
		unit_row("case %d", i);
		fd = knock(&s, 5000, 10, i == 0 ? 1 : 0);
		s.ends = i == 1;
		run(&s);
		if (i == 0)
			caller.wait.until = task_now() + 300;
		began = task_now();
		door_silence(&caller);
		CHECK(i == 1 || task_now() - began >= 250);
		CHECK(unit_within(task_now() - began, 1500));
		CHECK_EQ(waiting(), 1);
		(void)door_leave(&caller);
		unit_reset(fd);
		(void)pthread_join(s.t, NULL);
		CHECK_EQ(s.nheard, 0);
	}
}

/* What an errno after a wait means, and sentences of any length. */
static void
verdicts(void)
{
	static const struct {
		int err;
		enum door_verdict verdict;
		const char *why;
	} rows[] = {
		{ ECANCELED, DOOR_STOPPED, "stopped" },
		{ ETIMEDOUT, DOOR_FAILED, "no whole handshake in 10 s" },
		{ ECONNABORTED, DOOR_FAILED, "no longer wanted" },
		{ ECONNRESET, DOOR_BROKEN, "Connection reset by peer" },
		{ EPIPE, DOOR_BROKEN, "Broken pipe" },
		{ EPROTO, DOOR_BROKEN, "Protocol error" }
	};
	char much[DOOR_WHY_MAX + 100];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("errno %d", rows[i].err);
		errno = rows[i].err;
		CHECK_EQ(door_broke(why), rows[i].verdict);
		CHECK_STR(why, rows[i].why);
	}
	memset(much, 'x', sizeof(much));
	much[sizeof(much) - 1] = '\0';
	CHECK_EQ(door_say(why, DOOR_WRONG, much), DOOR_WRONG);
	CHECK_EQ(strlen(why), DOOR_WHY_MAX - 1);
	CHECK_EQ(door_say(why, DOOR_READY, "100%s"), DOOR_READY);
	CHECK_STR(why, "100%s");
}

int
main(void)
{
	unit_case("door: reads", reads);
	unit_case("door: reads no more than asked", reads_exactly);
	unit_case("door: who queues", queues);
	unit_case("door: cut off", cut_off);
	unit_case("door: evicted", evicted);
	unit_case("door: last words", refuses);
	unit_case("door: silence", silence);
	unit_case("door: verdicts", verdicts);
	return unit_end();
}
