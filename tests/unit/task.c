/* SPDX-License-Identifier: MIT */
/* task.c - threads start, help, are woken, stop, and are all joined. */

#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

#include "task.h"
#include "unit.h"

struct job {
	struct task task;
	int n;
	bool stubborn;
	atomic_int woken;
};

static atomic_int ran;

static struct job *
job_new(void)
{
	struct job *j = calloc(1, sizeof(*j));

	REQUIRE(j != NULL);
	return j;
}

/* Free what has ended; returns how many. */
static int
reap(void)
{
	struct task *t;
	int n;

	for (n = 0; (t = task_reap()) != NULL; n++)
		free(t);
	return n;
}

static void
count_me(struct task *t)
{
	(void)t;
	(void)atomic_fetch_add(&ran, 1);
}

static void
many(void)
{
	int i, reaped = 0;

	REQUIRE(task_init() == 0);
	for (i = 0; i < 500; i++) {
		REQUIRE(task_start(&job_new()->task, count_me) == 0);
		reaped += reap();
	}
	CHECK_EQ(task_finish(10000), 0);
	CHECK_EQ(task_count(), 0);
	reaped += reap();
	CHECK_EQ(atomic_load(&ran), 500);
	CHECK_EQ(reaped, 500);
}

/* Pages of address space in use, where the system tells. */
static long
pages(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long n = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%ld", &n) != 1)
		n = 0;
	(void)fclose(f);
	return n;
}

/* A thread that nobody joined would keep its stack for ever. */
static void
stacks(void)
{
	long before = 0;
	int i;

	REQUIRE(task_init() == 0);
	for (i = 0; i < 300; i++) {
		if (i == 50)
			before = pages();
		REQUIRE(task_start(&job_new()->task, count_me) == 0);
		while (task_count() > 0)
			unit_sleep(1);
		(void)reap();
	}
	CHECK((pages() - before) * sysconf(_SC_PAGESIZE) < 50L * 1024 * 1024);
	CHECK_EQ(task_finish(1000), 0);
	(void)reap();
}

/* Nobody piles up unjoined: at most the last one that ended. */
static void
joined(void)
{
	int i, reaped = 0;

	REQUIRE(task_init() == 0);
	for (i = 0; i < 50; i++) {
		REQUIRE(task_start(&job_new()->task, count_me) == 0);
		while (task_count() > 0)
			unit_sleep(1);
	}
	for (i = 0; i < 5000 && reaped < 49; i++) {
		reaped += reap();
		unit_sleep(1);
	}
	CHECK_EQ(reaped, 49);
	CHECK_EQ(task_finish(1000), 0);
	CHECK_EQ(reap(), 1);
}

static void
help(void *arg)
{
	(void)atomic_fetch_add(&((struct job *)arg)->woken, 1);
}

static void
with_help(struct task *t)
{
	struct job *j = (struct job *)t;
	int i;

	for (i = 1; i <= 20; i++) {
		if (task_help(t, help, j) == -1)
			return;
		task_help_join(t);
		if (atomic_load(&j->woken) != i)
			return;
	}
	(void)atomic_fetch_add(&ran, 1);
}

static void
helped(void)
{
	int i;

	REQUIRE(task_init() == 0);
	for (i = 0; i < 20; i++)
		REQUIRE(task_start(&job_new()->task, with_help) == 0);
	CHECK_EQ(task_finish(10000), 0);
	CHECK_EQ(atomic_load(&ran), 20);
	CHECK_EQ(reap(), 20);
}

/* Each of the two threads of a task blocks until the other one wakes it. */
static atomic_int turn;

static void
block_until_woken(struct task *t, int me)
{
	/* A kick before the call begins is lost: hence again and again. */
	while (atomic_load(&turn) != me)
		task_kick_other(t);
	while (poll(NULL, 0, 10000) != -1 && errno != EINTR)
		continue;
	atomic_store(&turn, me + 1);
}

static void
helper_blocks(void *arg)
{
	struct task *t = arg;

	block_until_woken(t, 0);
	while (atomic_load(&turn) < 2)
		task_kick_other(t);
}

static void
owner_blocks(struct task *t)
{
	if (task_help(t, helper_blocks, t) == -1)
		return;
	block_until_woken(t, 1);
	task_help_join(t);
	(void)atomic_fetch_add(&ran, 1);
}

static void
kicked(void)
{
	REQUIRE(task_init() == 0);
	REQUIRE(task_start(&job_new()->task, owner_blocks) == 0);
	CHECK_EQ(task_finish(8000), 0);
	CHECK_EQ(atomic_load(&ran), 1);
	CHECK_EQ(reap(), 1);
}

/* Until killed: in a call that only a signal ends, in both threads. */
static void
hang(void *arg)
{
	struct job *j = arg;

	while (!task_killed() && !(task_stopping() && !j->stubborn)) {
		if (poll(NULL, 0, -1) == -1 && errno == EINTR)
			(void)atomic_fetch_add(&j->woken, 1);
	}
}

static void
hang_twice(struct task *t)
{
	if (task_help(t, hang, t) == -1)
		return;
	hang(t);
	task_help_join(t);
}

static void
killed(void)
{
	int64_t begin;
	struct job *j;
	int i;

	REQUIRE(task_init() == 0);
	for (i = 0; i < 20; i++) {
		j = job_new();
		j->stubborn = i % 2 == 0;
		REQUIRE(task_start(&j->task, hang_twice) == 0);
	}
	unit_sleep(50);
	begin = task_now();
	/* Ten end when asked, ten only when killed. */
	CHECK_EQ(task_finish(500), 10);
	CHECK(task_now() - begin >= 500);
	CHECK(unit_within(task_now() - begin, 2500));
	CHECK(task_killed());
	CHECK_EQ(task_count(), 0);
	CHECK_EQ(reap(), 20);
}

static void
no_patience(void)
{
	int64_t begin;
	struct job *j = job_new();

	REQUIRE(task_init() == 0);
	j->stubborn = true;
	REQUIRE(task_start(&j->task, hang_twice) == 0);
	begin = task_now();
	CHECK_EQ(task_finish(0), 1);
	CHECK(unit_within(task_now() - begin, 1500));
	CHECK_EQ(reap(), 1);
}

static bool
stop_readable(void)
{
	struct pollfd p = { task_stop_fd(), POLLIN, 0 };

	return poll(&p, 1, 0) == 1;
}

static void
stops(void)
{
	REQUIRE(task_init() == 0);
	CHECK(!task_stopping() && !stop_readable());
	task_stop();
	CHECK(task_stopping() && stop_readable() && !task_killed());
	CHECK(unit_within((uint32_t)task_now() - task_stopped_ms(), 1000));
	unit_sleep(20);
	task_stop();			/* not the moment of the second */
	CHECK((uint32_t)task_now() - task_stopped_ms() >= 20);
	CHECK_EQ(task_finish(0), 0);
}

/* Who sees that a stop was asked also sees when. */
static atomic_bool go;

static void *
stop_at_once(void *arg)
{
	(void)arg;
	while (!atomic_load(&go))
		(void)sched_yield();
	task_stop();
	return NULL;
}

static void
when_stopped(void)
{
	pthread_t t;
	uint32_t when;

	REQUIRE(task_init() == 0);
	REQUIRE(pthread_create(&t, NULL, stop_at_once, NULL) == 0);
	unit_sleep(1);
	atomic_store(&go, true);
	while (!task_stopping())
		(void)sched_yield();
	when = task_stopped_ms();
	CHECK(unit_within((uint32_t)task_now() - when, 1000));
	(void)pthread_join(t, NULL);
}

/* It takes many tries to meet the moment. */
static void
when_stopped_often(void)
{
	int64_t until = unit_ms() + UNIT_SECONDS * 1000 / 2;
	int i;

	/* (Where all is slow it is not tried as often.) */
	for (i = 0; i < 200 && !unit_failed && unit_ms() < until; i++)
		unit_again(when_stopped);
}

static void
signalled(void)
{
	static const int signals[] = { SIGINT, SIGTERM };
	int i, status;
	pid_t pid;

	for (i = 0; i < 4; i++) {
		unit_row("first %d, then %d", signals[i / 2], signals[i % 2]);
		REQUIRE((pid = fork()) != -1);
		if (pid == 0) {
			REQUIRE(task_init() == 0);
			(void)kill(getpid(), SIGPIPE);	/* never */
			(void)kill(getpid(), SIGUSR1);	/* does nothing */
			(void)kill(getpid(), signals[i / 2]);
			while (!task_stopping())
				unit_sleep(1);
			(void)kill(getpid(), signals[i % 2]);
			unit_sleep(15000);
			_exit(0);
		}
		REQUIRE(waitpid(pid, &status, 0) == pid);
		CHECK(WIFEXITED(status));
		CHECK_EQ(WEXITSTATUS(status), 128 + signals[i % 2]);
	}
}

static void
side(void *arg)
{
	if (arg != NULL)
		unit_sleep(300);
	(void)atomic_fetch_add(&ran, 1);
}

static void
sides(void)
{
	int64_t begin;
	int i;

	REQUIRE(task_init() == 0);
	for (i = 0; i < 50; i++)
		REQUIRE(task_side(side, NULL) == 0);
	REQUIRE(task_side(side, &i) == 0);
	begin = task_now();
	CHECK_EQ(task_finish(0), 0);		/* waits a moment for them */
	/* Not for one that the machine holds up. */
	CHECK(atomic_load(&ran) == 51 || unit_stalls() > 300);
	CHECK(unit_within(task_now() - begin, 1000));
}

static void
side_hangs(void *arg)
{
	(void)arg;
	unit_sleep(10000);
}

static void
side_is_left(void)
{
	int64_t begin;

	REQUIRE(task_init() == 0);
	REQUIRE(task_side(side_hangs, NULL) == 0);
	begin = task_now();
	CHECK_EQ(task_finish(0), 0);
	CHECK(unit_within(task_now() - begin, 2000));
	_exit(unit_failed);
}

/* No thread to be had: the task stays the caller's, and nothing is counted.
 * (Root has no such limit, so this is done as nobody.) */
static void
no_threads(void)
{
	struct rlimit rl = { 1, 1 };
	struct job *j = job_new();
	int64_t begin;

	REQUIRE(task_init() == 0);
	if (getuid() == 0 && setuid(65534) == -1)
		return;
	REQUIRE(setrlimit(RLIMIT_NPROC, &rl) == 0);
	errno = 0;
	if (task_start(&j->task, count_me) == 0) {
		(void)task_finish(1000);	/* no such limit here */
		(void)reap();
		return;
	}
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(task_count(), 0);
	CHECK_EQ(task_side(side, NULL), -1);
	CHECK_EQ(errno, EAGAIN);
	free(j);
	begin = task_now();
	CHECK_EQ(task_finish(5000), 0);
	CHECK(unit_within(task_now() - begin, 1000));
	_exit(unit_failed);	/* the leak checker is a thread, too */
}

int
main(void)
{
	unit_case("task: many", many);
	unit_case("task: all are joined", joined);
	unit_case("task: no stack is left", stacks);
	unit_case("task: helpers", helped);
	unit_case("task: two threads wake each other", kicked);
	unit_case("task: asked, then killed", killed);
	unit_case("task: no patience", no_patience);
	unit_case("task: stop", stops);
	unit_case("task: when it stopped", when_stopped_often);
	unit_case("task: signals", signalled);
	unit_case("task: side threads", sides);
	unit_case("task: a side thread that hangs", side_is_left);
	unit_case("task: no threads", no_threads);
	return unit_end();
}
