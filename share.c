/* SPDX-License-Identifier: MIT */
/* share.c - before the server of "adit share" begins; and "adit status". */

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "dial.h"
#include "local.h"
#include "log.h"
#include "mint.h"
#include "sealed.h"
#include "share.h"
#include "tell.h"

enum {
	ROOM_DIGITS = 4,		/* short enough to be read aloud */
	MORE_DIGITS = 6,		/* after two that were busy */
	TRIES = 8,
	STATUS_MS = 5000
};

int
share_draw(struct tunnel *t, struct config *c)
{
	char why[DOOR_WHY_MAX];
	int i, rc = 1;

	(void)snprintf(why, sizeof(why), "no randomness (/dev/urandom)");
	for (i = 0; i < TRIES && rc == 1; i++) {
		if (mint_room(i < 2 ? ROOM_DIGITS : MORE_DIGITS,
		    c->room) == -1)
			break;
		rc = waiter_probe(&t->waiter, why);
	}
	if (rc == 0 && mint_secret(MINT_BITS_MIN, c->room, t->secret) == 0)
		return 0;
	if (!task_stopping())
		log_line(LOG_ERROR, "%s", why);
	return 1;
}

/* Not by stdio, which would keep a copy. */
static bool
print(const char *text, size_t n)
{
	ssize_t put = write(STDOUT_FILENO, text, n);

	if (put == (ssize_t)n)
		return true;
	log_line(LOG_ERROR, "cannot write to stdout: %s",
	    put == -1 ? strerror(errno) : "it is full");
	return false;
}

bool
share_ticket(struct tunnel *t)
{
	const struct config *c = t->config;
	bool piped = local_end(c) == CTL_STDIO, good = true;
	struct ticket ticket = { .relay = c->peer };
	char text[TICKET_TEXT_MAX + 16];
	size_t n;

	(void)snprintf(ticket.room, sizeof(ticket.room), "%s", c->room);
	(void)snprintf(ticket.secret, sizeof(ticket.secret), "%s", t->secret);
	n = (size_t)snprintf(text, sizeof(text), "adit ");
	n += ticket_make(&ticket, text + n);
	/* Not where events are merely written down: it is a secret. */
	if (c->json_fd == STDOUT_FILENO) {
		tell_token(text + strlen("adit "));
		goto out;
	}
	n += (size_t)snprintf(text + n, sizeof(text) - n, "%s",
	    piped ? " -" : c->udp ? " -u" : "");
	if (piped)
		log_line(LOG_ERROR, "%s", text);
	else {
		text[n++] = '\n';
		good = print(text, n);
	}
out:
	secret_wipe(&ticket, sizeof(ticket));
	secret_wipe(text, sizeof(text));
	secret_wipe(t->secret, sizeof(t->secret));
	secret_scrub();
	return good;
}

/* Ask and read; returns DOOR_READY, or why not. */
static enum door_verdict
ask(int fd, struct meet_state *state, char why[DOOR_WHY_MAX])
{
	struct net_wait w = { task_now() + STATUS_MS, -1 };
	uint8_t head[MEET_HEAD], body[MEET_STATUS_MAX], len[2];
	struct rd r = { len, sizeof(len), false };
	uint16_t n;

	meet_head_put(MEET_STATUS, head);
	if (net_write(fd, head, sizeof(head), &w) == -1 ||
	    sealed_read_bytes(fd, len, sizeof(len), &w) == -1)
		return errno == ETIMEDOUT ? door_say(why, DOOR_FAILED,
		    "no answer within 5 s") : door_broke(why);
	n = rd_u16(&r);
	/* What may follow in later versions is not looked at. */
	if (n > sizeof(body))
		n = sizeof(body);
	if (sealed_read_bytes(fd, body, n, &w) == -1 ||
	    !meet_state_get(state, body, n))
		return door_say(why, DOOR_BROKEN, "this is no adit relay");
	return DOOR_READY;
}

int
share_status(const struct hostport *hp)
{
	char why[DOOR_WHY_MAX], name[TEXT_HOSTPORT_MAX];
	char line[TEXT_HOSTPORT_MAX + MEET_VERSION_MAX + 128];
	struct meet_state state = { .uptime_s = 0 };
	struct net_addr peer;
	enum door_verdict verdict;
	int64_t began, ms;
	int fd, n;

	text_hostport_name(hp, name);
	if ((fd = dial_host(hp, SOCK_STREAM, -1, &peer, why)) == -1) {
		log_line(LOG_ERROR, "%s", why);
		return 1;
	}
	began = task_now();
	if ((verdict = ask(fd, &state, why)) != DOOR_READY) {
		log_line(LOG_ERROR, "no status of %s: %s", name, why);
		(void)close(fd);
		return verdict == DOOR_BROKEN ? 4 : 1;
	}
	ms = task_now() - began;
	net_close_clean(fd);
	n = snprintf(line, sizeof(line), "%s: adit %s, up %lu s, %lu rooms, "
	    "%lu pairs, %lu ms away\n", name, state.version,
	    (unsigned long)state.uptime_s, (unsigned long)state.rooms,
	    (unsigned long)state.pairs, (unsigned long)ms);
	return print(line, (size_t)n) ? 0 : 1;
}
