/* SPDX-License-Identifier: MIT */
#ifndef TASK_H
#define TASK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* A task is one connection's owner thread and, while it forwards, one helper
 * thread for the other direction.  It is the first member of whatever the
 * connection needs.  Main starts tasks, and a task may start others while it
 * lives; only this file starts threads.
 *
 * Stopping has two steps.  task_stop() (or the first SIGINT or SIGTERM) asks:
 * the stop descriptor becomes readable, new work ends, streams may finish.
 * task_finish() then waits and, when patience is over, kills: task_killed()
 * turns true and every thread is woken, again and again, until all are gone.
 * Waking is SIGUSR1, whose handler does nothing: a blocking call returns
 * EINTR and its loop looks at the flags. */
struct task {
	struct task *next, *prev;	/* the living, or the spare ones */
	void (*run)(struct task *);
	pthread_t owner, helper;	/* valid while living / has_helper */
	void (*help)(void *);
	void *help_arg;
	bool has_helper;
};

/* Block the signals, open the descriptors, start the signal thread.  Call
 * once, before any other thread.  Returns 0 or -1 with errno. */
int task_init(void);

/* Before that: SIGHUP is not to end us, but to be told by task_hup(). */
void task_catch_hup(void);

/* Have main look around: a descriptor of its own becomes readable.  Any
 * thread.  By main: that descriptor; empty it, before looking; was there a
 * SIGHUP since the last call? */
void task_wake(void);
int task_wake_fd(void);
void task_wake_clear(void);
bool task_hup(void);

/* Start t's owner thread, which calls run(t).  t must come from malloc; it is
 * handed back by task_reap() some time after run has returned.  Returns 0, or
 * -1 with errno (EAGAIN: no thread to be had) and t is the caller's again. */
int task_start(struct task *t, void (*run)(struct task *t));

/* Returns a task that has ended, to be freed by the caller, or NULL. */
struct task *task_reap(void);

/* By t's owner: run fn(arg) in t's helper thread; join it (which also allows
 * the next).  Returns 0, or -1 with errno EAGAIN. */
int task_help(struct task *t, void (*fn)(void *), void *arg);
void task_help_join(struct task *t);

/* By either thread of t: wake the other one out of a blocking call, once. */
void task_kick_other(struct task *t);

/* Run fn(arg) in a thread nobody waits for, for calls without a deadline.
 * Returns 0, or -1 with errno EAGAIN. */
int task_side(void (*fn)(void *), void *arg);

/* The number of tasks that live. */
unsigned task_count(void);

/* Ask everything to end, as the first signal does.  Any thread. */
void task_stop(void);

/* A descriptor that is readable once stop was asked; never read from it. */
int task_stop_fd(void);

/* Was stop asked?  When (the low 32 bits of task_now())?  Must
 * threads end at once? */
bool task_stopping(void);
uint32_t task_stopped_ms(void);
bool task_killed(void);

/* Ask everything to end; give tasks drain_ms; then kill those that are left,
 * and join all threads.  By main, once.  Returns how many had to be killed. */
unsigned task_finish(int64_t drain_ms);

/* Milliseconds on the monotonic clock; and those of the wall clock, which
 * goes on while the machine sleeps. */
int64_t task_now(void);
int64_t task_wall(void);

/* Make a condition variable of the monotonic clock; wait for it, mu being
 * held, until task_now() is `until` at most.  It may return sooner. */
void task_cond_init(pthread_cond_t *c);
void task_cond_wait(pthread_cond_t *c, pthread_mutex_t *mu, int64_t until);

#endif
