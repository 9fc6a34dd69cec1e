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

int64_t
task_now(void)
{
	return clock_real() + atomic_load(&clock_ahead);
}

/* So many ms have passed. */
static inline void
clock_pass(int64_t ms)
{
	(void)atomic_fetch_add(&clock_ahead, ms);
}

/* Have a thread that waits look at the clock. */
static inline void
clock_kick(pthread_t t)
{
	(void)pthread_kill(t, SIGUSR1);
}

#endif
