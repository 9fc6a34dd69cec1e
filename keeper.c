/* SPDX-License-Identifier: MIT */
/* keeper.c - the client's link, always one of them. */

#include <errno.h>
#include <string.h>

#include "entropy.h"
#include "keeper.h"
#include "secret.h"
#include "task.h"

enum { LOOK_MS = 250 };		/* how often a waiting stream looks around */

int
keeper_init(struct keeper *k, unsigned max)
{
	memset(k, 0, sizeof(*k));
	k->max = max;
	(void)pthread_mutex_init(&k->mu, NULL);
	task_cond_init(&k->changed);
	return entropy_get(k->instance, sizeof(k->instance));
}

/* When another attempt may begin beside those under way; mu is held. */
static int64_t
beside(const struct keeper *k)
{
	/* While we are refused, several would be several guesses at us. */
	if (k->attempts >= (k->retry.refusals > 0 ? 1 : k->max))
		return INT64_MAX;
	return k->attempts > 0 ? k->begun_at + RETRY_BESIDE_MS : 0;
}

int64_t
keeper_due(struct keeper *k)
{
	int64_t due;

	(void)pthread_mutex_lock(&k->mu);
	due = beside(k);
	if (k->over || k->carrying)
		due = INT64_MAX;
	else if (k->link == NULL || k->wanted)
		due = due > k->due_at ? due : k->due_at;
	else if (due < k->up_at + KEEPER_RENEW_MS)
		due = k->up_at + KEEPER_RENEW_MS;
	(void)pthread_mutex_unlock(&k->mu);
	return due;
}

void
keeper_begun(struct keeper *k)
{
	(void)pthread_mutex_lock(&k->mu);
	k->attempts++;
	k->begun_at = task_now();
	(void)pthread_mutex_unlock(&k->mu);
}

/* The next attempt is due then; but while we are refused nothing makes it
 * sooner than it was.  mu is held. */
static void
set_due(struct keeper *k, int64_t when)
{
	if (k->retry.refusals == 0 || when > k->due_at)
		k->due_at = when;
}

void
keeper_reached(struct keeper *k, bool reached)
{
	(void)pthread_mutex_lock(&k->mu);
	if (reached && !k->reached && k->retry.refusals == 0)
		retry_reset(&k->retry);
	k->reached = reached;
	(void)pthread_mutex_unlock(&k->mu);
}

uint32_t
keeper_failed(struct keeper *k, bool refused, uint32_t random)
{
	uint32_t ms;

	(void)pthread_mutex_lock(&k->mu);
	k->attempts--;
	k->claimed_at = 0;
	ms = retry_failed(&k->retry, refused, task_now(), random);
	set_due(k, task_now() + ms);
	/* A renewal: come again, but not at once. */
	if (k->link != NULL && !k->wanted &&
	    task_now() >= k->up_at + KEEPER_RENEW_MS)
		k->up_at = task_now() + ms - KEEPER_RENEW_MS;
	(void)pthread_mutex_unlock(&k->mu);
	task_wake();
	return ms;
}

void
keeper_carries(struct keeper *k)
{
	(void)pthread_mutex_lock(&k->mu);
	k->carrying = true;
	(void)pthread_mutex_unlock(&k->mu);
	task_wake();
}

void
keeper_carried(struct keeper *k)
{
	(void)pthread_mutex_lock(&k->mu);
	k->attempts--;
	k->carrying = false;
	k->known = true;
	k->claimed_at = 0;
	retry_up(&k->retry);
	set_due(k, task_now() + RETRY_FIRST_MS);
	(void)pthread_mutex_unlock(&k->mu);
	task_wake();
}

unsigned
keeper_claim(struct keeper *k, int64_t began)
{
	int64_t now = task_now();
	unsigned claim = 0;

	(void)pthread_mutex_lock(&k->mu);
	if ((k->link == NULL || k->up_at < began) && (k->claimed_at == 0 ||
	    now >= k->claimed_at + RETRY_BESIDE_MS)) {
		k->claimed_at = now;
		claim = ++k->claims;
	} else {
		k->attempts--;
		/* Should the other one fail after all. */
		if (k->link == NULL && k->due_at < now + RETRY_BESIDE_MS)
			k->due_at = now + RETRY_BESIDE_MS;
	}
	(void)pthread_mutex_unlock(&k->mu);
	task_wake();
	return claim;
}

unsigned
keeper_up(struct keeper *k, unsigned claim, struct link *l,
    const struct kex_keys *keys, const struct net_addr *server)
{
	unsigned generation = 0;

	(void)pthread_mutex_lock(&k->mu);
	k->attempts--;
	k->claimed_at = 0;
	if (k->link != NULL && k->up > claim) {
		link_order_end(l, CTL_REPLACED);
		goto out;
	}
	if (k->link != NULL)
		link_order_end(k->link, CTL_REPLACED);
	k->up = claim;
	k->link = l;
	generation = ++k->generation;
	k->keys = *keys;
	k->server = *server;
	k->up_at = task_now();
	k->next_number = 2;
	k->nasks = 0;		/* they were the old link's */
	k->wanted = false;
	k->known = true;
	retry_up(&k->retry);
	set_due(k, 0);
	(void)pthread_cond_broadcast(&k->changed);
out:
	(void)pthread_mutex_unlock(&k->mu);
	task_wake();
	return generation;
}

bool
keeper_down(struct keeper *k, struct link *l, bool refused, uint32_t random)
{
	bool used;

	(void)pthread_mutex_lock(&k->mu);
	if ((used = k->link == l)) {
		k->link = NULL;
		secret_wipe(&k->keys, sizeof(k->keys));
		if (task_now() - k->up_at >= RETRY_FORGET_MS)
			retry_reset(&k->retry);
		set_due(k, task_now() +
		    retry_failed(&k->retry, refused, task_now(), random));
	}
	(void)pthread_mutex_unlock(&k->mu);
	task_wake();
	return used;
}

void
keeper_hurry(struct keeper *k)
{
	(void)pthread_mutex_lock(&k->mu);
	k->wanted = true;
	k->due_at = 0;
	(void)pthread_mutex_unlock(&k->mu);
	task_wake();
}

void
keeper_want(struct keeper *k, unsigned generation)
{
	(void)pthread_mutex_lock(&k->mu);
	if (k->link != NULL && k->generation == generation) {
		k->wanted = true;
		if (k->due_at < k->up_at + RETRY_BESIDE_MS)
			k->due_at = k->up_at + RETRY_BESIDE_MS;
	}
	(void)pthread_mutex_unlock(&k->mu);
	task_wake();
}

void
keeper_end(struct keeper *k)
{
	(void)pthread_mutex_lock(&k->mu);
	k->over = true;
	(void)pthread_cond_broadcast(&k->changed);
	(void)pthread_mutex_unlock(&k->mu);
}

bool
keeper_known(struct keeper *k)
{
	bool known;

	(void)pthread_mutex_lock(&k->mu);
	known = k->known;
	(void)pthread_mutex_unlock(&k->mu);
	return known;
}

bool
keeper_linked(struct keeper *k)
{
	bool linked;

	(void)pthread_mutex_lock(&k->mu);
	linked = k->link != NULL;
	(void)pthread_mutex_unlock(&k->mu);
	return linked;
}

static void
wait_changed(struct keeper *k)
{
	task_cond_wait(&k->changed, &k->mu, task_now() + LOOK_MS);
}

int
keeper_lease(struct keeper *k, unsigned after, int64_t until,
    bool (*gone)(void *), void *arg, struct keeper_lease *lease)
{
	bool left = false;
	int rc = -1;

	(void)pthread_mutex_lock(&k->mu);
	while (!left && !k->over && task_now() < until &&
	    (k->link == NULL || k->generation <= after)) {
		wait_changed(k);
		(void)pthread_mutex_unlock(&k->mu);
		left = task_stopping() || gone(arg);
		(void)pthread_mutex_lock(&k->mu);
	}
	if (!left && k->link != NULL && k->generation > after) {
		lease->keys = k->keys;
		lease->server = k->server;
		lease->generation = k->generation;
		lease->number = k->next_number;
		k->next_number += 2;
		rc = 0;
	}
	(void)pthread_mutex_unlock(&k->mu);
	return rc;
}

bool
keeper_put_ask(struct keeper *k, unsigned generation, uint64_t number)
{
	bool room = true;

	(void)pthread_mutex_lock(&k->mu);
	if (k->generation == generation &&
	    (room = k->nasks < KEEPER_ASKS))
		k->asks[k->nasks++] = number;
	(void)pthread_mutex_unlock(&k->mu);
	task_wake();
	return room;
}

/* Take out the i-th; mu is held. */
static void
remove_ask(struct keeper *k, unsigned i)
{
	memmove(k->asks + i, k->asks + i + 1,
	    (--k->nasks - i) * sizeof(k->asks[0]));
}

void
keeper_drop_ask(struct keeper *k, unsigned generation, uint64_t number)
{
	unsigned i;

	(void)pthread_mutex_lock(&k->mu);
	for (i = 0; k->generation == generation && i < k->nasks; i++) {
		if (k->asks[i] == number) {
			remove_ask(k, i);
			break;
		}
	}
	(void)pthread_mutex_unlock(&k->mu);
}

bool
keeper_take_ask(struct keeper *k, struct keeper_lease *lease)
{
	bool some;

	(void)pthread_mutex_lock(&k->mu);
	if ((some = k->nasks > 0)) {
		lease->number = k->asks[0];
		lease->generation = k->generation;
		remove_ask(k, 0);
	}
	(void)pthread_mutex_unlock(&k->mu);
	return some;
}

int
keeper_lease_ask(struct keeper *k, struct keeper_lease *lease)
{
	int rc = -1;

	(void)pthread_mutex_lock(&k->mu);
	if (k->link != NULL && k->generation == lease->generation) {
		lease->keys = k->keys;
		lease->server = k->server;
		rc = 0;
	}
	(void)pthread_mutex_unlock(&k->mu);
	return rc;
}

void
keeper_say(struct keeper *k, unsigned generation, const struct ctl *m)
{
	(void)pthread_mutex_lock(&k->mu);
	if (k->link != NULL && k->generation == generation)
		link_say(k->link, m);
	(void)pthread_mutex_unlock(&k->mu);
}
