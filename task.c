/* SPDX-License-Identifier: MIT */
/* task.c - threads: start, count, stop, join.
 *
 * Owners are linked in a list while they live.  An owner that ends swaps
 * itself into `last` and joins whom it found there; main joins the final one.
 * So all threads are joined, by somebody who has nothing else to do, and none
 * pile up.  Ended task structures go to a list of spare ones which main
 * frees: allocation and freeing stay in one thread, so no thread ever makes
 * the C library set up a heap of its own for it (8 to 40 KB each in glibc).
 * (Two exceptions are rare: bulk.c without splice, and name look-ups.)
 *
 * Signals are blocked in every thread; one thread sits in sigwait().  The
 * exception is SIGUSR1, see task.h. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "task.h"

#ifndef TASK_STACK_KIB
#define TASK_STACK_KIB 64	/* sanitizers need more: see the Makefile */
#endif

enum {
	STACK_BYTES = TASK_STACK_KIB * 1024,
	SIDE_STACK_BYTES = 4 * STACK_BYTES,	/* getaddrinfo() is hungry */
	DRAIN_KICK_MS = 250,
	KILL_KICK_MS = 50,
	SIDE_WAIT_MS = 1000
};

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
/* mu guards these: */
static struct task *living, *last, *spare;
static unsigned count;		/* in living, or about to be */
static unsigned sides;
static pthread_cond_t changed;	/* count or sides went down */

static int stop_pipe[2] = { -1, -1 };
static int wake_pipe[2] = { -1, -1 };
static atomic_bool hup;
static bool catch_hup;
static atomic_bool stop_asked, stopping, killed, quitting;
static _Atomic uint32_t stopped_ms;
static sigset_t stop_signals;
static pthread_t signal_thread;

int64_t
task_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
task_wall(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
task_cond_init(pthread_cond_t *c)
{
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(c, &attr);
	(void)pthread_condattr_destroy(&attr);
}

void
task_cond_wait(pthread_cond_t *c, pthread_mutex_t *m, int64_t until)
{
	struct timespec ts;

	ts.tv_sec = (time_t)(until / 1000);
	ts.tv_nsec = (long)(until % 1000) * 1000000;
	(void)pthread_cond_timedwait(c, m, &ts);
}

static int
start(pthread_t *thread, size_t stack, bool detached, void *(*fn)(void *),
    void *arg)
{
	pthread_attr_t attr;
	long least = sysconf(_SC_THREAD_STACK_MIN);
	int rc;

	if (least > 0 && stack < (size_t)least)
		stack = (size_t)least;
	if ((rc = pthread_attr_init(&attr)) != 0) {
		errno = rc;
		return -1;
	}
	(void)pthread_attr_setstacksize(&attr, stack);
	if (detached)
		(void)pthread_attr_setdetachstate(&attr,
		    PTHREAD_CREATE_DETACHED);
	rc = pthread_create(thread, &attr, fn, arg);
	(void)pthread_attr_destroy(&attr);
	if (rc != 0) {
		errno = rc;
		return -1;
	}
	return 0;
}

static void
on_kick(int sig)
{
	(void)sig;
}

/* The first signal asks, the second one does not wait for an answer. */
static void *
signal_main(void *arg)
{
	int sig;

	(void)arg;
	for (;;) {
		if (sigwait(&stop_signals, &sig) != 0)
			continue;
		if (atomic_load(&quitting))
			return NULL;
		if (sig == SIGHUP) {
			atomic_store(&hup, true);
			task_wake();
			continue;
		}
		if (task_stopping())
			_exit(128 + sig);
		task_stop();
	}
}

void
task_wake(void)
{
	/* If the pipe is full main is about to look around anyway. */
	if (write(wake_pipe[1], "", 1) == -1)
		return;
}

int
task_wake_fd(void)
{
	return wake_pipe[0];
}

void
task_wake_clear(void)
{
	char waste[64];

	while (read(wake_pipe[0], waste, sizeof(waste)) > 0)
		continue;
}

bool
task_hup(void)
{
	return atomic_exchange(&hup, false);
}

void
task_catch_hup(void)
{
	catch_hup = true;
}

int
task_init(void)
{
	struct sigaction sa;
	int i;

	sa.sa_handler = on_kick;
	sa.sa_flags = 0;		/* no SA_RESTART: that is the point */
	(void)sigemptyset(&sa.sa_mask);
	if (sigaction(SIGUSR1, &sa, NULL) == -1)
		return -1;
	sa.sa_handler = SIG_IGN;	/* splice() knows no MSG_NOSIGNAL */
	if (sigaction(SIGPIPE, &sa, NULL) == -1)
		return -1;
	if (pipe(stop_pipe) == -1 || pipe(wake_pipe) == -1)
		return -1;
	for (i = 0; i < 2; i++) {
		(void)fcntl(stop_pipe[i], F_SETFD, FD_CLOEXEC);
		(void)fcntl(wake_pipe[i], F_SETFD, FD_CLOEXEC);
		(void)fcntl(wake_pipe[i], F_SETFL, O_NONBLOCK);
	}
	task_cond_init(&changed);
	(void)sigemptyset(&stop_signals);
	(void)sigaddset(&stop_signals, SIGINT);
	(void)sigaddset(&stop_signals, SIGTERM);
	if (catch_hup)
		(void)sigaddset(&stop_signals, SIGHUP);
	(void)pthread_sigmask(SIG_BLOCK, &stop_signals, NULL);
	return start(&signal_thread, STACK_BYTES, false, signal_main, NULL);
}

/* The last thing an owner does: leave the living, and join whoever left
 * before.  From here on nobody may touch t but the one who joins it. */
static void
leave(struct task *t)
{
	struct task *before;

	(void)pthread_mutex_lock(&mu);
	if (t->prev != NULL)
		t->prev->next = t->next;
	else
		living = t->next;
	if (t->next != NULL)
		t->next->prev = t->prev;
	before = last;
	last = t;
	count--;
	(void)pthread_cond_broadcast(&changed);
	(void)pthread_mutex_unlock(&mu);
	if (before == NULL)
		return;
	(void)pthread_join(before->owner, NULL);
	(void)pthread_mutex_lock(&mu);
	before->next = spare;
	spare = before;
	(void)pthread_mutex_unlock(&mu);
}

static void *
owner_main(void *arg)
{
	struct task *t = arg;

	(void)pthread_mutex_lock(&mu);
	t->owner = pthread_self();
	t->prev = NULL;
	t->next = living;
	if (living != NULL)
		living->prev = t;
	living = t;
	(void)pthread_mutex_unlock(&mu);
	t->run(t);
	leave(t);
	return NULL;
}

int
task_start(struct task *t, void (*run)(struct task *))
{
	pthread_t thread;
	int rc;

	t->run = run;
	t->has_helper = false;
	(void)pthread_mutex_lock(&mu);
	count++;
	(void)pthread_mutex_unlock(&mu);
	/* Not &t->owner: the thread itself sets that, under mu, and by the
	 * time this call returns t may belong to nobody. */
	rc = start(&thread, STACK_BYTES, false, owner_main, t);
	if (rc == -1) {
		(void)pthread_mutex_lock(&mu);
		count--;
		(void)pthread_mutex_unlock(&mu);
	}
	return rc;
}

struct task *
task_reap(void)
{
	struct task *t;

	(void)pthread_mutex_lock(&mu);
	if ((t = spare) != NULL)
		spare = t->next;
	(void)pthread_mutex_unlock(&mu);
	return t;
}

static void *
helper_main(void *arg)
{
	struct task *t = arg;

	t->help(t->help_arg);
	return NULL;
}

int
task_help(struct task *t, void (*fn)(void *), void *arg)
{
	pthread_t thread;

	t->help = fn;
	t->help_arg = arg;
	if (start(&thread, STACK_BYTES, false, helper_main, t) == -1)
		return -1;
	/* Kicks meant for it are lost until here; they are repeated. */
	(void)pthread_mutex_lock(&mu);
	t->helper = thread;
	t->has_helper = true;
	(void)pthread_mutex_unlock(&mu);
	return 0;
}

void
task_help_join(struct task *t)
{
	pthread_t thread = t->helper;

	/* Nobody may signal a thread that has been joined. */
	(void)pthread_mutex_lock(&mu);
	t->has_helper = false;
	(void)pthread_mutex_unlock(&mu);
	(void)pthread_join(thread, NULL);
}

void
task_kick_other(struct task *t)
{
	(void)pthread_mutex_lock(&mu);
	if (!pthread_equal(pthread_self(), t->owner))
		(void)pthread_kill(t->owner, SIGUSR1);
	else if (t->has_helper)
		(void)pthread_kill(t->helper, SIGUSR1);
	(void)pthread_mutex_unlock(&mu);
}

struct side {
	void (*fn)(void *);
	void *arg;
};

static void *
side_main(void *arg)
{
	struct side s = *(struct side *)arg;

	free(arg);
	s.fn(s.arg);
	(void)pthread_mutex_lock(&mu);
	sides--;
	(void)pthread_cond_broadcast(&changed);
	(void)pthread_mutex_unlock(&mu);
	return NULL;
}

int
task_side(void (*fn)(void *), void *arg)
{
	struct side *s = malloc(sizeof(*s));
	pthread_t thread;

	if (s == NULL)
		return -1;
	s->fn = fn;
	s->arg = arg;
	(void)pthread_mutex_lock(&mu);
	sides++;
	(void)pthread_mutex_unlock(&mu);
	if (start(&thread, SIDE_STACK_BYTES, true, side_main, s) == 0)
		return 0;
	(void)pthread_mutex_lock(&mu);
	sides--;
	(void)pthread_mutex_unlock(&mu);
	free(s);
	return -1;
}

unsigned
task_count(void)
{
	unsigned n;

	(void)pthread_mutex_lock(&mu);
	n = count;
	(void)pthread_mutex_unlock(&mu);
	return n;
}

void
task_stop(void)
{
	if (atomic_exchange(&stop_asked, true))
		return;
	/* Whoever sees that it is so must also see since when. */
	atomic_store(&stopped_ms, (uint32_t)task_now());
	atomic_store(&stopping, true);
	if (write(stop_pipe[1], "", 1) == -1) {
		/* An empty pipe takes a byte. */
	}
}

int
task_stop_fd(void)
{
	return stop_pipe[0];
}

bool
task_stopping(void)
{
	return atomic_load(&stopping);
}

uint32_t
task_stopped_ms(void)
{
	return atomic_load(&stopped_ms);
}

bool
task_killed(void)
{
	return atomic_load(&killed);
}

static void
kick_all(void)
{
	struct task *t;

	for (t = living; t != NULL; t = t->next) {
		(void)pthread_kill(t->owner, SIGUSR1);
		if (t->has_helper)
			(void)pthread_kill(t->helper, SIGUSR1);
	}
}

/* Wait for *n to become 0, until the clock says until, waking all threads
 * every so often; mu is held.  Returns what is left of *n. */
static unsigned
await_none(const unsigned *n, int64_t until, int64_t kick_ms)
{
	int64_t now;

	while (*n > 0 && (now = task_now()) < until) {
		kick_all();
		task_cond_wait(&changed, &mu,
		    until - now < kick_ms ? until : now + kick_ms);
	}
	return *n;
}

unsigned
task_finish(int64_t drain_ms)
{
	struct task *t;
	unsigned left;
	int i;

	task_stop();
	(void)pthread_mutex_lock(&mu);
	left = await_none(&count, task_now() + drain_ms, DRAIN_KICK_MS);
	atomic_store(&killed, true);
	(void)await_none(&count, INT64_MAX, KILL_KICK_MS);
	t = last;
	last = NULL;
	(void)pthread_mutex_unlock(&mu);
	if (t != NULL) {
		(void)pthread_join(t->owner, NULL);
		(void)pthread_mutex_lock(&mu);
		t->next = spare;
		spare = t;
		(void)pthread_mutex_unlock(&mu);
	}
	/* A name look-up cannot be interrupted: give it a moment, then let the
	 * end of the process end it. */
	(void)pthread_mutex_lock(&mu);
	(void)await_none(&sides, task_now() + SIDE_WAIT_MS, SIDE_WAIT_MS);
	(void)pthread_mutex_unlock(&mu);
	atomic_store(&quitting, true);
	(void)pthread_kill(signal_thread, SIGTERM);
	(void)pthread_join(signal_thread, NULL);
	for (i = 0; i < 2; i++) {
		(void)close(stop_pipe[i]);
		(void)close(wake_pipe[i]);
	}
	return left;
}
