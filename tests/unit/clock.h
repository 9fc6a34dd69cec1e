/* SPDX-License-Identifier: MIT */
/* clock.h - a clock that can be put forward, for tests of what takes long.
 *
 * It brings task.c along, so that every wait in the program goes by it.  A
 * wait in poll() notices when it is woken: see clock_kick(). */
#ifndef CLOCK_H
#define CLOCK_H

#define task_now clock_real
#include "../../task.c"
#undef task_now

int64_t task_now(void);

static _Atomic int64_t clock_ahead;

static _Atomic int64_t clock_held_at;	/* 0: it goes */

int64_t
task_now(void)
{
	int64_t held = atomic_load(&clock_held_at);

	return (held != 0 ? held : clock_real()) + atomic_load(&clock_ahead);
}

/* From now on no time passes but by clock_pass(): what must not happen before
 * its time does not, however long this thread gets no processor. */
static inline void
clock_hold(void)
{
	atomic_store(&clock_held_at, clock_real());
}

/* It goes on, from where it stands. */
static inline void
clock_go(void)
{
	/* For a moment it may go back, which harms less than a jump. */
	(void)atomic_fetch_sub(&clock_ahead, clock_real() -
	    atomic_load(&clock_held_at));
	atomic_store(&clock_held_at, 0);
}

/* So many ms have passed. */
static inline void
clock_pass(int64_t ms)
{
	(void)atomic_fetch_add(&clock_ahead, ms);
}

/* We wait for what has to come: then it goes on at its usual pace, for whoever
 * looked at it too late for a clock_pass(). */
static inline void
clock_tick(int64_t ms)
{
	if (atomic_load(&clock_held_at) != 0)
		clock_pass(ms);
}

/* Have a thread that waits look at the clock. */
static inline void
clock_kick(pthread_t t)
{
	(void)pthread_kill(t, SIGUSR1);
}

#endif
