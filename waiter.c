/* SPDX-License-Identifier: MIT */
/* waiter.c - a server's places at its relays.
 *
 * All places' threads do the same: find a relay that is not in use, in the
 * room's order, and live there.  While two are up, a third one looks now and
 * then for one that comes before them. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dial.h"
#include "door.h"
#include "entropy.h"
#include "log.h"
#include "post.h"
#include "sealed.h"
#include "task.h"
#include "tell.h"
#include "waiter.h"

enum {
	/* To connect: so that what was lost is not waited for longer than 1 s
	 * when the network is back; but sometimes, for a path that is slow,
	 * longer, yet so that it is not more than 2 s (RFC 6298 5.5). */
	SHORT_MS = RETRY_BESIDE_MS,
	LONG_MS = 2 * RETRY_BESIDE_MS,
	ANSWER_MESSAGES = 16,		/* PINGs may come before it */
	LOOK_MS = 500			/* how often an idle one looks around */
};

enum outcome { CAME_UP, NOT_THERE, REFUSED, BUSY, ALIAS, STOPPED };

int
waiter_init(struct waiter *w)
{
	unsigned i;

	(void)pthread_mutex_init(&w->mu, NULL);
	for (i = 0; i < WAITER_PLACES; i++)
		memset(&w->place[i], 0, sizeof(w->place[i]));
	w->ncalls = w->first_call = w->changes = 0;
	w->was_up = false;
	w->told = 0;
	w->exit_code = 0;
	return entropy_get(w->owner, sizeof(w->owner));
}

bool
waiter_up(struct waiter *w)
{
	bool up;

	(void)pthread_mutex_lock(&w->mu);
	up = w->was_up;
	(void)pthread_mutex_unlock(&w->mu);
	return up;
}

bool
waiter_take(struct waiter *w, struct waiter_call *call)
{
	bool some;

	(void)pthread_mutex_lock(&w->mu);
	if ((some = w->ncalls > 0)) {
		*call = w->calls[w->first_call];
		w->first_call = (w->first_call + 1) % WAITER_CALLS;
		w->ncalls--;
	}
	(void)pthread_mutex_unlock(&w->mu);
	return some;
}

static void
put_call(struct waiter *w, struct place *p, const struct meet *m)
{
	struct waiter_call *c;

	(void)pthread_mutex_lock(&w->mu);
	/* If there are too many, the relay gives up on this one. */
	if (w->ncalls < WAITER_CALLS && p->waiting < WAITER_CALLS) {
		p->waiting++;
		c = &w->calls[(w->first_call + w->ncalls++) % WAITER_CALLS];
		c->place = (unsigned)(p - w->place);
		memcpy(c->ticket, m->id, sizeof(c->ticket));
		c->relay = p->at;
	}
	(void)pthread_mutex_unlock(&w->mu);
	task_wake();
}

void
waiter_taken(struct waiter *w, const struct waiter_call *call)
{
	(void)pthread_mutex_lock(&w->mu);
	w->place[call->place].waiting--;
	(void)pthread_mutex_unlock(&w->mu);
}

/* Nothing changes for others if it was not up: else two that look in vain for
 * the same dead relay would wake each other for ever. */
static void
set_idle(struct waiter *w, struct place *p)
{
	(void)pthread_mutex_lock(&w->mu);
	w->changes += p->state == PLACE_UP;
	p->state = PLACE_IDLE;
	(void)pthread_mutex_unlock(&w->mu);
}

/* Where a stands in the order; n if it is not there any more. */
static int
position(const struct net_addr *at, int n, const struct net_addr *a)
{
	int i;

	for (i = 0; i < n && !net_same(&at[i], a); i++)
		continue;
	return i;
}

/* Take the best address that is not in use, of those from *next on.  If two
 * places are up, only one that comes before the worse of them.  Returns
 * false if there is none. */
static bool
choose(struct waiter *w, struct place *p, const struct net_addr *at, int n,
    int *next)
{
	int i, j, limit = -1, up = 0;
	bool found = false, used;

	(void)pthread_mutex_lock(&w->mu);
	for (j = 0; j < WAITER_PLACES; j++) {
		/* One that is being dialled counts, until it fails. */
		if (w->place[j].state == PLACE_IDLE ||
		    (w->place[j].state == PLACE_UP &&
		    w->place[j].leave_at != INT64_MAX))
			continue;
		up++;
		i = position(at, n, &w->place[j].at);
		limit = i > limit ? i : limit;
	}
	if (up < WAITER_WANTED)
		limit = n;
	for (i = *next; i < n && i < limit && !found; i++) {
		used = false;
		for (j = 0; j < WAITER_PLACES; j++)
			used = used || (w->place[j].state != PLACE_IDLE &&
			    net_same(&w->place[j].at, &at[i]));
		if (used)
			continue;
		p->state = PLACE_DIALLING;
		p->at = at[i];
		found = true;
	}
	*next = i;
	(void)pthread_mutex_unlock(&w->mu);
	return found;
}

/* p is up, at this relay, unless another place is.  If there are more than
 * enough now, the worst one leaves in a while. */
static bool
come_up(struct waiter *w, struct place *p, const uint8_t relay[MEET_ID],
    const struct net_addr *at, int n)
{
	struct place *other, *worst = NULL;
	int i, up = 1;

	(void)pthread_mutex_lock(&w->mu);
	for (i = 0; i < WAITER_PLACES; i++) {
		other = &w->place[i];
		if (other == p || other->state != PLACE_UP)
			continue;
		if (memcmp(other->relay, relay, MEET_ID) == 0) {
			(void)pthread_mutex_unlock(&w->mu);
			return false;
		}
		if (other->leave_at != INT64_MAX)
			continue;
		up++;
		if (worst == NULL || position(at, n, &other->at) >
		    position(at, n, &worst->at))
			worst = other;
	}
	if (up > WAITER_WANTED)
		worst->leave_at = task_now() + WAITER_MOVE_MS;
	p->state = PLACE_UP;
	p->leave_at = INT64_MAX;
	memcpy(p->relay, relay, MEET_ID);
	retry_up(&p->retry);
	p->up_at = task_now();
	w->was_up = true;
	w->told = 0;
	w->changes++;
	(void)pthread_mutex_unlock(&w->mu);
	return true;
}

/* Connect, and say WAIT.  Returns DOOR_READY with p set up, and the relay's
 * first word in m. */
static enum door_verdict
say_wait(struct waiter *w, const struct net_addr *at, unsigned place,
    uint16_t port, int64_t ms, struct post *p, struct meet *m, char *why)
{
	struct net_wait wait;
	uint8_t head[MEET_HEAD];
	char name[NET_NAME_MAX];
	enum door_verdict verdict;
	struct seal *seal = NULL;
	int fd, i;

	memset(m, 0, sizeof(*m));
	net_name(at, name);
	if ((fd = net_connect_within(at, SOCK_STREAM, -1, ms)) == -1) {
		(void)snprintf(why, DOOR_WHY_MAX, "cannot connect to the relay "
		    "%s: %s%s", name, strerror(errno), errno == ECONNREFUSED ?
		    " (is the relay running?)" : "");
		return errno == ECANCELED ? DOOR_STOPPED : DOOR_FAILED;
	}
	wait.until = task_now() + WAITER_ANSWER_MS;
	wait.watch = -1;
	meet_head_put(MEET_WAIT, head);
	verdict = w->auth != NULL ? sealed_member_dial(fd, w->auth, &seal,
	    why) : net_write(fd, head, sizeof(head), &wait) == -1 ?
	    door_broke(why) : DOOR_READY;
	if (verdict != DOOR_READY) {
		(void)close(fd);
		return verdict;
	}
	post_init(p, fd, seal);
	memset(m, 0, sizeof(*m));
	m->kind = MEET_M_WAIT;
	/* Each place is an owner of its own: two addresses may be one relay,
	 * and there the second shall not replace the first. */
	memcpy(m->id, w->owner, sizeof(m->id));
	m->id[MEET_ID - 1] ^= (uint8_t)place;
	m->parked = WAITER_PARKED;
	m->publish = w->publish;
	m->port = port;
	(void)snprintf(m->text, sizeof(m->text), "%s", w->room);
	post_say(p, m);
	for (i = 0; i < ANSWER_MESSAGES; i++) {
		if (post_read(p, m, &wait) == -1) {
			verdict = errno == EPROTO || errno == ECONNRESET ?
			    DOOR_BROKEN : errno == ECANCELED ? DOOR_STOPPED :
			    DOOR_FAILED;
			(void)snprintf(why, DOOR_WHY_MAX, "no room at %s: %s",
			    name, errno == EPROTO ? "this is no adit relay" :
			    strerror(errno));
			post_close(p, false);
			return verdict;
		}
		if (m->kind == MEET_M_WAITING)
			return DOOR_READY;
		if (m->kind == MEET_M_REFUSED)
			break;
	}
	if (i == ANSWER_MESSAGES) {
		post_close(p, false);
		return door_say(why, DOOR_BROKEN, "this is no adit relay");
	}
	(void)snprintf(why, DOOR_WHY_MAX, "refused: %s%s%.200s",
	    meet_reason_text(m->reason), m->text[0] != '\0' ? ": " : "",
	    m->text);
	post_close(p, true);
	return DOOR_REFUSED;
}

/* A message of a relay at which we wait.  Returns false if that is over. */
static bool
take_message(struct waiter *w, struct place *p, struct post *post,
    const struct meet *m, char *why)
{
	struct meet pong = { .kind = MEET_M_PONG, .stamp = m->stamp };

	switch (m->kind) {
	case MEET_M_CALL:
	case MEET_M_GRANT:
		put_call(w, p, m);
		return true;
	case MEET_M_PING:
		post_say(post, &pong);
		return true;
	case MEET_M_PONG:
		return true;
	case MEET_M_BYE:
		(void)snprintf(why, DOOR_WHY_MAX, "%s%s%.200s",
		    meet_reason_text(m->reason), m->text[0] != '\0' ? ": " :
		    "", m->text);
		return false;
	case MEET_M_WAIT:
	case MEET_M_WAITING:
	case MEET_M_REFUSED:
	default:
		(void)snprintf(why, DOOR_WHY_MAX, "nonsense");
		return false;
	}
}

static bool
leaving(struct waiter *w, const struct place *p)
{
	bool leave;

	(void)pthread_mutex_lock(&w->mu);
	leave = task_now() >= p->leave_at;
	(void)pthread_mutex_unlock(&w->mu);
	return leave;
}

/* Live there; why says how it ended.  Returns true if in order. */
static bool
live(struct waiter *w, struct place *p, struct post *post, char *why)
{
	struct meet m, ping = { .kind = MEET_M_PING };
	int64_t heard = task_now(), pinged = heard;
	struct net_wait wait = { 0, -1 };

	for (;;) {
		wait.until = pinged + WAITER_PING_MS;
		if (wait.until > heard + WAITER_DEAD_MS)
			wait.until = heard + WAITER_DEAD_MS;
		if (post_read(post, &m, &wait) == 0) {
			heard = task_now();
			if (!take_message(w, p, post, &m, why))
				return true;
			continue;
		}
		if (errno == ECANCELED || leaving(w, p)) {
			post_say_reason(post, MEET_M_BYE, MEET_R_STOPPING, "");
			(void)snprintf(why, DOOR_WHY_MAX, "%s", task_stopping()
			    ? "stopped" : "moved to another relay");
			return true;
		}
		if (errno != ETIMEDOUT) {
			(void)snprintf(why, DOOR_WHY_MAX, "%s",
			    strerror(errno));
			return false;
		}
		if (task_now() >= heard + WAITER_DEAD_MS) {
			(void)snprintf(why, DOOR_WHY_MAX, "silent for %d s",
			    WAITER_DEAD_MS / 1000);
			return false;
		}
		if (task_now() >= pinged + WAITER_PING_MS) {
			post_say(post, &ping);
			pinged = task_now();
		}
	}
}

/* It is up: say so, and live; say how it ended. */
static void
be_up(struct waiter *w, struct place *p, struct post *post)
{
	char name[NET_NAME_MAX], why[DOOR_WHY_MAX];
	bool clean;

	net_name(&p->at, name);
	tell_waiting(w->room, name);
	if (p->port != 0)
		tell_published(w->relay->host, p->port,
		    w->publish == MEET_PUBLISH_UDP);
	task_wake();			/* share: main prints the ticket */
	clean = live(w, p, post, why);
	tell_waiting_over(w->room, name, why);
	post_close(post, clean);
}

/* Try one address.  If it comes up, this returns when that is over. */
static enum outcome
try_place(struct waiter *w, struct place *p, const struct net_addr *all,
    int n, char *why)
{
	enum door_verdict verdict;
	struct post post;
	struct meet m;
	/* The same port again, if that can be. */
	uint16_t port = w->port != 0 ? w->port : p->port;
	int64_t ms = p->retry.failures % 4 == 3 ? LONG_MS : SHORT_MS;

	verdict = say_wait(w, &p->at, (unsigned)(p - w->place), port, ms,
	    &post, &m, why);
	if (verdict != DOOR_READY)
		return verdict == DOOR_STOPPED ? STOPPED :
		    m.kind == MEET_M_REFUSED && m.reason == MEET_R_BUSY ?
		    BUSY : verdict == DOOR_REFUSED || verdict == DOOR_WRONG ?
		    REFUSED : NOT_THERE;
	if (!come_up(w, p, m.id, all, n)) {
		post_close(&post, true);
		return ALIAS;
	}
	p->port = m.port;
	be_up(w, p, &post);
	if (task_now() - p->up_at >= RETRY_FORGET_MS)
		retry_reset(&p->retry);
	return CAME_UP;
}

/* How many places are up and to stay? */
static unsigned
up_now(struct waiter *w, unsigned *changes)
{
	unsigned i, n = 0;

	(void)pthread_mutex_lock(&w->mu);
	for (i = 0; i < WAITER_PLACES; i++)
		n += w->place[i].state == PLACE_UP;
	*changes = w->changes;
	(void)pthread_mutex_unlock(&w->mu);
	return n;
}

/* Sleep for ms; or, if any is true, until places change. */
static void
rest(struct waiter *w, int64_t ms, bool any)
{
	int64_t until = task_now() + ms;
	struct net_wait wait = { 0, -1 };
	unsigned before, now = 0;

	(void)up_now(w, &before);
	while (!task_stopping() && task_now() < until) {
		wait.until = task_now() + LOOK_MS;
		if (wait.until > until)
			wait.until = until;
		(void)net_pause(&wait);
		(void)up_now(w, &now);
		if (any && now != before)
			return;
	}
}

/* Nobody lets us wait: say so, once, or end. */
static void
complain(struct waiter *w, enum outcome worst, const char *why)
{
	bool told;

	tell_link_failed(why, worst == REFUSED);
	(void)pthread_mutex_lock(&w->mu);
	told = w->told == (int)worst + 1;
	w->told = (int)worst + 1;
	if (w->once && !w->was_up)
		w->exit_code = 1;
	(void)pthread_mutex_unlock(&w->mu);
	if (w->once && !w->was_up) {
		log_line(LOG_ERROR, "%s", why);
		task_stop();
	} else
		log_line(told ? LOG_STREAM : LOG_NOTE, "%s; trying again",
		    why);
}

void
waiter_run(struct waiter *w, unsigned place)
{
	struct place *p = &w->place[place];
	struct net_addr at[RESOLVE_MAX];
	enum outcome outcome, worst;
	char why[DOOR_WHY_MAX];
	uint32_t ms, random;
	int64_t began;
	unsigned changes;
	bool tried;
	int n, next;

	while (!task_stopping()) {
		/* The first place alone looks for the first relay. */
		if (place != 0 && up_now(w, &changes) == 0) {
			rest(w, WAITER_LOOK_MS, true);
			continue;
		}
		began = task_now();
		worst = NOT_THERE;
		tried = false;
		next = 0;
		outcome = NOT_THERE;
		n = dial_relays(w->relay, w->room, at, why);
		while (n != -1 && choose(w, p, at, n, &next)) {
			outcome = try_place(w, p, at, n, why);
			set_idle(w, p);
			if (outcome == CAME_UP || outcome == STOPPED)
				break;
			if (outcome == ALIAS)
				continue;
			tried = true;
			if (outcome == REFUSED || outcome == BUSY)
				worst = REFUSED;
			/* Another server has the room: that the next relay may
			 * not know of it makes it no less so.  But who had it
			 * before goes where it can. */
			if (outcome == BUSY && !waiter_up(w))
				break;
		}
		if (task_stopping())
			break;
		/* Others are up: no hurry. */
		if (outcome != CAME_UP && up_now(w, &changes) > 0) {
			rest(w, tried ? RETRY_LATE_MS : WAITER_LOOK_MS, true);
			continue;
		}
		/* Other places are just dialling all there are. */
		if (outcome != CAME_UP && n != -1 && !tried) {
			rest(w, RETRY_FIRST_MS, true);
			continue;
		}
		random = 0;
		(void)entropy_get(&random, sizeof(random));
		if (outcome != CAME_UP)
			complain(w, worst, why);
		ms = retry_failed(&p->retry, outcome != CAME_UP &&
		    worst == REFUSED, task_now(), random);
		/* What an attempt took counts. */
		if (outcome != CAME_UP && worst != REFUSED)
			ms = task_now() - began >= ms ? 0 :
			    ms - (uint32_t)(task_now() - began);
		rest(w, ms, false);
	}
}

int
waiter_probe(struct waiter *w, char why[DOOR_WHY_MAX])
{
	struct net_addr at[RESOLVE_MAX];
	enum door_verdict verdict = DOOR_FAILED;
	struct post post;
	struct meet m;
	int i, n;

	n = dial_relays(w->relay, w->room, at, why);
	for (i = 0; i < n && verdict != DOOR_READY; i++) {
		verdict = say_wait(w, &at[i], 0, w->port, LONG_MS, &post, &m,
		    why);
		if (verdict == DOOR_READY) {
			post_say_reason(&post, MEET_M_BYE, MEET_R_STOPPING, "");
			post_close(&post, true);
		}
		if (verdict == DOOR_REFUSED && m.kind == MEET_M_REFUSED &&
		    m.reason == MEET_R_BUSY)
			return 1;
	}
	return verdict == DOOR_READY ? 0 : -1;
}
