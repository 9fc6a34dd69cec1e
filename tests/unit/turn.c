/* SPDX-License-Identifier: MIT */
/* turn.c - real threads that wait for their turn. */

#include <arpa/inet.h>

#include <sched.h>

#include "task.h"
#include "turn.h"
#include "unit.h"

enum {
	FLOOD = TURN_WAITING_SOURCE,
	LONG_MS = 600 * 1000	/* longer than any case may take */
};

static struct turns q;
static atomic_uint begun;	/* turns, of visitors */

/* Somebody who wants a turn, in a thread of its own. */
struct visitor {
	struct turn turn;
	struct net_addr from;
	struct net_wait w;
	int fd[2];		/* ours is fd[0] */
	pthread_t thread;
	bool ends, valid;	/* at once when its turn has come */
	int err;		/* turn_begin()'s errno, or 0 */
	unsigned order;		/* how many had begun before */
};

static struct net_addr
address(const char *s)
{
	struct net_addr a;
	struct sockaddr_in *four = (struct sockaddr_in *)&a.ss;

	memset(&a, 0, sizeof(a));
	REQUIRE(inet_pton(AF_INET, s, &four->sin_addr) == 1);
	four->sin_family = AF_INET;
	a.len = sizeof(*four);
	return a;
}

static void
set_up(struct visitor *v, const char *from)
{
	memset(v, 0, sizeof(*v));
	v->from = address(from);
	v->w.until = task_now() + LONG_MS;
	v->w.watch = -1;
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, v->fd) == 0);
}

static void
tear_down(struct visitor *v)
{
	(void)close(v->fd[0]);
	(void)close(v->fd[1]);
}

static int
begin(struct visitor *v)
{
	v->err = 0;
	if (turn_begin(&q, &v->turn, v->fd[0], &v->from, &v->w) == -1)
		v->err = errno;
	else
		v->order = atomic_fetch_add(&begun, 1);
	return v->err;
}

/* As begin(), in this thread; what follows needs it. */
static void
begin_now(struct visitor *v, const char *from)
{
	set_up(v, from);
	errno = begin(v);
	REQUIRE(errno == 0);
}

static void *
visit(void *arg)
{
	struct visitor *v = arg;

	if (begin(v) == 0 && v->ends) {
		turn_computed(&q, &v->turn);
		turn_end(&q, &v->turn, v->valid);
	}
	return NULL;
}

static void
start(struct visitor *v)
{
	REQUIRE(pthread_create(&v->thread, NULL, visit, v) == 0);
}

/* Its turn_begin() has returned: what? */
static int
join(struct visitor *v)
{
	REQUIRE(pthread_join(v->thread, NULL) == 0);
	return v->err;
}

static unsigned
waiting(void)
{
	unsigned n;

	(void)pthread_mutex_lock(&q.mu);
	n = q.waiting.n;
	(void)pthread_mutex_unlock(&q.mu);
	return n;
}

static unsigned
open_now(void)
{
	unsigned n;

	(void)pthread_mutex_lock(&q.mu);
	n = q.open.n;
	(void)pthread_mutex_unlock(&q.mu);
	return n;
}

static const struct turn *
timer(void)
{
	const struct turn *t;

	(void)pthread_mutex_lock(&q.mu);
	t = q.timer;
	(void)pthread_mutex_unlock(&q.mu);
	return t;
}

static const struct turn *
computing(void)
{
	const struct turn *t;

	(void)pthread_mutex_lock(&q.mu);
	t = q.computing;
	(void)pthread_mutex_unlock(&q.mu);
	return t;
}

/* The case's time limit is the limit. */
static void
wait_waiting(unsigned n)
{
	while (waiting() != n)
		unit_sleep(1);
}

static void
start_waiting(struct visitor *v, const char *from)
{
	unsigned n = waiting();

	set_up(v, from);
	start(v);
	wait_waiting(n + 1);
}

/* Nobody is left, and all lists know it. */
static void
check_empty(void)
{
	CHECK(q.waiting.n == 0 && q.open.n == 0);
	CHECK(q.waiting.first == NULL && q.waiting.last == NULL);
	CHECK(q.open.first == NULL && q.open.last == NULL);
	CHECK(q.computing == NULL && q.timer == NULL);
}

static void
alone(void)
{
	struct visitor v;
	int i;

	turn_init(&q, false);
	set_up(&v, "192.0.2.1");
	/* More often than the limits would let a guesser. */
	for (i = 0; i < 100; i++) {
		CHECK_EQ(begin(&v), 0);
		CHECK(q.computing == &v.turn && q.open.n == 1);
		turn_computed(&q, &v.turn);
		CHECK(q.computing == NULL && q.open.n == 1);
		turn_end(&q, &v.turn, true);
		check_empty();
	}
	tear_down(&v);
}

/* One source floods; another one's single visitor comes last, and is next
 * but one. */
static void
fair(void)
{
	static struct visitor flood[FLOOD];
	struct visitor holder, single;
	unsigned i, last = 0;

	turn_init(&q, true);
	begin_now(&holder, "192.0.2.3");
	for (i = 0; i < FLOOD; i++) {
		set_up(&flood[i], "192.0.2.1");
		flood[i].ends = flood[i].valid = true;
		start(&flood[i]);
	}
	wait_waiting(FLOOD);
	set_up(&single, "192.0.2.2");
	single.ends = single.valid = true;
	start(&single);
	wait_waiting(FLOOD + 1);
	turn_computed(&q, &holder.turn);
	turn_end(&q, &holder.turn, true);
	CHECK_EQ(join(&single), 0);
	/* The holder had turn 0. */
	CHECK(single.order <= 2);
	for (i = 0; i < FLOOD; i++) {
		CHECK_EQ(join(&flood[i]), 0);
		if (flood[i].order > last)
			last = flood[i].order;
	}
	CHECK_EQ(last, FLOOD + 1);
	check_empty();
}

/* Who is next: the source whose last turn is longest ago, and of one source
 * who came first.  One by one, so that nothing depends on threads. */
static void
order(void)
{
	static const struct {
		const char *from;
		unsigned turn;
	} rows[] = {
		{ "192.0.2.1", 3 },	/* has been served first of all */
		{ "192.0.2.3", 1 },	/* never served, and came first */
		{ "192.0.2.1", 6 },
		{ "192.0.2.2", 4 },	/* after .1 */
		{ "192.0.2.4", 2 },
		{ "192.0.2.3", 5 },
		{ "192.0.2.1", 7 }
	};
	struct visitor v[7], holder;
	unsigned i, turn;

	turn_init(&q, true);
	begin_now(&holder, "192.0.2.1");
	turn_end(&q, &holder.turn, false);
	tear_down(&holder);
	begin_now(&holder, "192.0.2.2");
	atomic_store(&begun, 1);
	for (i = 0; i < 7; i++)
		start_waiting(&v[i], rows[i].from);
	for (turn = 1; turn <= 7; turn++) {
		for (i = 0; rows[i].turn != turn; i++)
			continue;
		unit_row("turn %u", turn);
		if (turn == 1)
			turn_computed(&q, &holder.turn);
		CHECK_EQ(join(&v[i]), 0);
		CHECK_EQ(v[i].order, turn);
		CHECK(computing() == &v[i].turn);
		turn_computed(&q, &v[i].turn);
	}
	for (i = 0; i < 7; i++)
		turn_end(&q, &v[i].turn, i % 2 == 0);
	turn_end(&q, &holder.turn, true);
	check_empty();
}

/* Since when a source may go does not matter, only that it may. */
static void
order_by_turns(void)
{
	struct visitor first, second, third, fourth;

	turn_init(&q, false);
	begin_now(&first, "192.0.2.1");
	turn_end(&q, &first.turn, true);
	begin_now(&second, "192.0.2.2");
	CHECK_EQ(q.guess.source[0].served, 1);
	q.guess.source[0].full_at = task_now() - 1 +
	    (GUESS_SOURCE_BURST - 1) * (int64_t)GUESS_SOURCE_EVERY_MS;
	start_waiting(&third, "192.0.2.2");
	start_waiting(&fourth, "192.0.2.1");
	turn_end(&q, &second.turn, true);
	CHECK_EQ(join(&fourth), 0);
	turn_end(&q, &fourth.turn, true);
	CHECK_EQ(join(&third), 0);
	turn_end(&q, &third.turn, true);
	check_empty();
}

static atomic_int at_work, most_open, opened, enough, refused;
static int64_t crowd_until;	/* no turn begins later: all may be slow */

static void *
crowd(void *arg)
{
	struct visitor *v = arg;
	unsigned i;
	int n, most;

	for (i = 0; i < 50 && unit_ms() < crowd_until; i++) {
		if (begin(v) != 0) {
			(void)atomic_fetch_add(&refused, 1);
			break;
		}
		CHECK_EQ(atomic_fetch_add(&at_work, 1), 0);
		n = atomic_fetch_add(&opened, 1) + 1;
		most = atomic_load(&most_open);
		while (n > most && !atomic_compare_exchange_weak(&most_open,
		    &most, n))
			continue;
		(void)sched_yield();
		CHECK_EQ(atomic_fetch_sub(&at_work, 1), 1);
		/* Some have nothing to open; nobody guesses wrong. */
		if (i % 4 != 0) {
			turn_computed(&q, &v->turn);
			(void)sched_yield();
		}
		(void)atomic_fetch_sub(&opened, 1);
		turn_end(&q, &v->turn, i % 4 != 0);
	}
	(void)atomic_fetch_add(&enough, (int)i);
	return NULL;
}

static void
one_at_a_time(void)
{
	enum { MANY = 96 };
	static struct visitor v[MANY];
	char from[32];
	unsigned i;

	turn_init(&q, true);
	crowd_until = unit_ms() + UNIT_SECONDS * 1000 / 3;
	for (i = 0; i < MANY; i++) {
		(void)snprintf(from, sizeof(from), "192.0.2.%u", i % 16);
		set_up(&v[i], from);
	}
	for (i = 0; i < MANY; i++)
		REQUIRE(pthread_create(&v[i].thread, NULL, crowd, &v[i]) ==
		    0);
	for (i = 0; i < MANY; i++)
		CHECK_EQ(join(&v[i]), 0);
	CHECK_EQ(refused, 0);
	CHECK(enough >= MANY);
	CHECK(most_open <= TURN_OPEN_MAX);
	check_empty();
	/* Not one guess was lost. */
	CHECK(q.guess.full_at <= task_now());
}

/* So many of one source are open, and no more; others are not concerned. */
static void
open_source(void)
{
	static struct visitor v[TURN_OPEN_SOURCE];
	struct visitor more, other;
	unsigned i;

	turn_init(&q, true);
	for (i = 0; i < TURN_OPEN_SOURCE; i++) {
		begin_now(&v[i], "192.0.2.1");
		turn_computed(&q, &v[i].turn);
	}
	start_waiting(&more, "192.0.2.1");
	begin_now(&other, "192.0.2.2");
	turn_computed(&q, &other.turn);
	turn_end(&q, &other.turn, true);
	CHECK_EQ(waiting(), 1);
	CHECK(timer() == NULL);		/* not for the clock to decide */
	turn_end(&q, &v[3].turn, false);
	CHECK_EQ(join(&more), 0);
	CHECK_EQ(open_now(), TURN_OPEN_SOURCE);
	turn_end(&q, &more.turn, true);
	for (i = 0; i < TURN_OPEN_SOURCE; i++) {
		if (i != 3)
			turn_end(&q, &v[i].turn, true);
	}
	check_empty();
}

static void
open_total(void)
{
	static struct visitor v[TURN_OPEN_MAX];
	struct visitor more, one_more;
	char from[32];
	unsigned i;

	turn_init(&q, true);
	for (i = 0; i < TURN_OPEN_MAX; i++) {
		(void)snprintf(from, sizeof(from), "192.0.2.%u",
		    i / TURN_OPEN_SOURCE);
		begin_now(&v[i], from);
		turn_computed(&q, &v[i].turn);
	}
	(void)pthread_mutex_lock(&q.mu);
	q.guess.full_at = 0;		/* not for the clock to decide */
	(void)pthread_mutex_unlock(&q.mu);
	start_waiting(&more, "192.0.2.100");
	start_waiting(&one_more, "192.0.2.101");
	CHECK_EQ(open_now(), TURN_OPEN_MAX);
	turn_end(&q, &v[0].turn, true);
	CHECK_EQ(join(&more), 0);
	turn_computed(&q, &more.turn);
	CHECK_EQ(waiting(), 1);
	CHECK_EQ(open_now(), TURN_OPEN_MAX);
	turn_end(&q, &v[1].turn, true);
	CHECK_EQ(join(&one_more), 0);
	turn_end(&q, &one_more.turn, true);
	turn_end(&q, &more.turn, true);
	for (i = 2; i < TURN_OPEN_MAX; i++)
		turn_end(&q, &v[i].turn, true);
	check_empty();
}

static void
deadline(void)
{
	struct visitor holder, v, patient;

	turn_init(&q, true);
	begin_now(&holder, "192.0.2.1");
	start_waiting(&patient, "192.0.2.2");
	set_up(&v, "192.0.2.3");
	v.w.until = task_now() + 30;
	CHECK_EQ(begin(&v), ETIMEDOUT);
	CHECK(task_now() >= v.w.until);
	CHECK_EQ(waiting(), 1);
	/* One that has passed already. */
	CHECK_EQ(begin(&v), ETIMEDOUT);
	CHECK_EQ(waiting(), 1);
	turn_computed(&q, &holder.turn);
	CHECK_EQ(join(&patient), 0);
	turn_end(&q, &patient.turn, true);
	turn_end(&q, &holder.turn, true);
	/* Even if it could be now: and then it costs nothing. */
	CHECK_EQ(begin(&v), ETIMEDOUT);
	check_empty();
	CHECK(q.guess.full_at <= task_now());
}

static void
stop(void)
{
	struct visitor holder, v[8];
	unsigned i;

	REQUIRE(task_init() == 0);
	turn_init(&q, true);
	begin_now(&holder, "192.0.2.1");
	for (i = 0; i < 8; i++)
		start_waiting(&v[i], "192.0.2.2");
	task_stop();
	for (i = 0; i < 8; i++)
		CHECK_EQ(join(&v[i]), ECANCELED);
	CHECK_EQ(begin(&v[0]), ECANCELED);
	/* What has begun may end. */
	turn_computed(&q, &holder.turn);
	turn_end(&q, &holder.turn, true);
	check_empty();
	(void)task_finish(0);
}

static void
write_byte(struct visitor *v)
{
	REQUIRE(write(v->fd[1], "", 1) == 1);
}

static void
close_peer(struct visitor *v)
{
	(void)close(v->fd[1]);
	v->fd[1] = -1;
}

/* As the gate does. */
static void
evict(struct visitor *v)
{
	(void)shutdown(v->fd[0], SHUT_RD);
}

static void
readable(void)
{
	static const struct {
		const char *name;
		void (*fn)(struct visitor *);
	} rows[] = {
		{ "a byte", write_byte },
		{ "the end", close_peer },
		{ "evicted", evict }
	};
	struct visitor holder, v, patient;
	unsigned i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("%s", rows[i].name);
		turn_init(&q, true);
		begin_now(&holder, "192.0.2.1");
		start_waiting(&v, "192.0.2.2");
		start_waiting(&patient, "192.0.2.2");
		rows[i].fn(&v);
		CHECK_EQ(join(&v), ECONNRESET);
		CHECK_EQ(waiting(), 1);
		turn_computed(&q, &holder.turn);
		CHECK_EQ(join(&patient), 0);
		turn_computed(&q, &patient.turn);
		turn_end(&q, &patient.turn, true);
		turn_end(&q, &holder.turn, true);
		/* The way is free, but not for one who is gone: then the
		 * processor is, too, and the guess was none. */
		CHECK_EQ(begin(&v), ECONNRESET);
		check_empty();
		CHECK(q.guess.full_at <= task_now());
		tear_down(&v);
		tear_down(&holder);
		tear_down(&patient);
	}
}

/* Gone while it waited, and nobody has noticed when its turn comes: the next
 * one gets it, and without delay. */
static void
gone(void)
{
	static struct visitor v[32];
	struct visitor holder;
	unsigned i;

	turn_init(&q, true);
	begin_now(&holder, "192.0.2.1");
	for (i = 0; i < 32; i++)
		start_waiting(&v[i], "192.0.2.2");
	for (i = 0; i < 31; i++)
		write_byte(&v[i]);
	turn_computed(&q, &holder.turn);
	for (i = 0; i < 31; i++)
		CHECK_EQ(join(&v[i]), ECONNRESET);
	CHECK_EQ(join(&v[31]), 0);
	turn_end(&q, &v[31].turn, false);
	turn_end(&q, &holder.turn, true);
	check_empty();
	CHECK(q.guess.full_at <= task_now());
}

/* Guesses that have not been shown to be right are gone; those that are right
 * come back, and so do those with which nothing could be checked. */
static void
guesses(void)
{
	static struct visitor v[GUESS_SOURCE_BURST];
	struct visitor more, other;
	unsigned i;

	turn_init(&q, false);
	for (i = 0; i < GUESS_SOURCE_BURST; i++) {
		begin_now(&v[i], "192.0.2.1");
		turn_computed(&q, &v[i].turn);
		/* Two are wrong, and the source may have one more open. */
		if (i == 0 || i == GUESS_SOURCE_BURST - 1)
			turn_end(&q, &v[i].turn, false);
	}
	start_waiting(&more, "192.0.2.1");
	CHECK(timer() == &more.turn);
	begin_now(&other, "192.0.2.2");
	turn_end(&q, &other.turn, false);
	CHECK_EQ(waiting(), 1);
	turn_end(&q, &v[1].turn, true);		/* right: lets `more` in */
	CHECK_EQ(join(&more), 0);
	CHECK_EQ(q.guess.source[0].served, 7);
	tear_down(&v[0]);
	start_waiting(&v[0], "192.0.2.1");
	turn_end(&q, &more.turn, false);	/* a bad point: lets v[0] in */
	CHECK_EQ(join(&v[0]), 0);
	turn_computed(&q, &v[0].turn);
	turn_end(&q, &v[0].turn, false);	/* wrong */
	for (i = 2; i < GUESS_SOURCE_BURST - 1; i++)
		turn_end(&q, &v[i].turn, false);
	/* Five are wrong now. */
	set_up(&more, "192.0.2.1");
	more.w.until = task_now() + 30;
	CHECK_EQ(begin(&more), ETIMEDOUT);
	check_empty();
}

/* Everything is used up, and the next one comes back in ms. */
static void
use_up(int ms)
{
	(void)pthread_mutex_lock(&q.mu);
	q.guess.full_at = task_now() + ms + (q.guess.strong ?
	    (GUESS_STRONG_BURST - 1) * GUESS_STRONG_EVERY_MS :
	    (GUESS_BURST - 1) * GUESS_EVERY_MS);
	(void)pthread_mutex_unlock(&q.mu);
}

/* When only time is needed, somebody sees that it has come: also if those
 * who should have are gone by then. */
static void
timers(void)
{
	struct visitor first, second, third, last;
	int64_t at;

	turn_init(&q, false);
	use_up(LONG_MS);
	start_waiting(&first, "192.0.2.1");
	start_waiting(&second, "192.0.2.2");
	CHECK(timer() == &first.turn);
	write_byte(&first);
	CHECK_EQ(join(&first), ECONNRESET);
	CHECK(timer() == &second.turn);
	/* It is earlier now, and whoever comes next tells the second. */
	at = task_now() + 300;
	use_up(300);
	set_up(&third, "192.0.2.2");
	start(&third);
	CHECK_EQ(join(&second), 0);
	CHECK(task_now() >= at);
	wait_waiting(1);
	use_up(LONG_MS);
	turn_computed(&q, &second.turn);
	CHECK(timer() == &third.turn);
	/* A source that was never served is next instead. */
	start_waiting(&last, "192.0.2.3");
	CHECK(timer() == &last.turn);
	use_up(300);
	turn_end(&q, &second.turn, false);
	CHECK_EQ(join(&last), 0);
	CHECK_EQ(waiting(), 1);
	CHECK(timer() == NULL);
	turn_computed(&q, &last.turn);
	CHECK_EQ(join(&third), 0);
	turn_end(&q, &third.turn, true);
	turn_end(&q, &last.turn, true);
	check_empty();
}

/* Waits end when they should, not when somebody happens to look around: that
 * would be too slow. */
static void
in_time(void)
{
	struct visitor holder, v;
	unsigned i;
	int64_t at;

	turn_init(&q, true);
	set_up(&v, "192.0.2.1");
	for (i = 0; i < 100; i++) {
		at = task_now() + GUESS_STRONG_EVERY_MS;
		use_up(GUESS_STRONG_EVERY_MS);
		CHECK_EQ(begin(&v), 0);
		CHECK(task_now() >= at);
		turn_computed(&q, &v.turn);
		turn_end(&q, &v.turn, false);
	}
	begin_now(&holder, "192.0.2.2");
	for (i = 0; i < 100; i++) {
		v.w.until = task_now() + 10;
		CHECK_EQ(begin(&v), ETIMEDOUT);
		CHECK(task_now() >= v.w.until);
	}
	turn_end(&q, &holder.turn, true);
	check_empty();
}

static void
full(void)
{
	static struct visitor v[TURN_WAITING_MAX];
	struct visitor holder, more, mate;
	char from[] = "192.0.3.10";
	unsigned i;

	turn_init(&q, true);
	begin_now(&holder, "192.0.2.1");
	for (i = 0; i < TURN_WAITING_MAX; i++) {
		if (i == TURN_WAITING_SOURCE) {
			wait_waiting(TURN_WAITING_SOURCE);
			set_up(&mate, from);
			CHECK_EQ(begin(&mate), ENOBUFS);
			tear_down(&mate);
		}
		/* .10 to .25: as many from each as may be */
		from[8] = (char)('1' + i / TURN_WAITING_SOURCE / 10);
		from[9] = (char)('0' + i / TURN_WAITING_SOURCE % 10);
		v[i].from = address(from);
		v[i].w = (struct net_wait){ INT64_MAX, -1 };
		v[i].fd[0] = holder.fd[0];
		v[i].ends = v[i].valid = true;
		start(&v[i]);
	}
	wait_waiting(TURN_WAITING_MAX);
	set_up(&more, "192.0.2.3");
	CHECK_EQ(begin(&more), ENOBUFS);
	CHECK_EQ(waiting(), TURN_WAITING_MAX);
	turn_computed(&q, &holder.turn);
	for (i = 0; i < TURN_WAITING_MAX; i++)
		CHECK_EQ(join(&v[i]), 0);
	CHECK_EQ(begin(&more), 0);
	turn_end(&q, &more.turn, true);
	turn_end(&q, &holder.turn, true);
	check_empty();
}

int
main(void)
{
	unit_case("turn: alone", alone);
	unit_case("turn: a flood and a single one", fair);
	unit_case("turn: who is next", order);
	unit_case("turn: who is next, by turns", order_by_turns);
	unit_case("turn: one at a time", one_at_a_time);
	unit_case("turn: open, of one source", open_source);
	unit_case("turn: open, in total", open_total);
	unit_case("turn: deadlines", deadline);
	unit_case("turn: stop", stop);
	unit_case("turn: a peer that is gone", readable);
	unit_case("turn: gone, and not noticed yet", gone);
	unit_case("turn: guesses", guesses);
	unit_case("turn: the clock", timers);
	unit_case("turn: in time", in_time);
	unit_case("turn: the queue is full", full);
	return unit_end();
}
