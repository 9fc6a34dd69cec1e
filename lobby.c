/* SPDX-License-Identifier: MIT */
/* lobby.c - those who come to a relay in vain. */

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "lobby.h"
#include "log.h"
#include "tell.h"

void
lobby_refused(struct stream *s, enum stats_what what, const char *name,
    const char *why)
{
	char line[NET_NAME_MAX + 200];

	stats_up(&s->tunnel->stats, what);
	(void)snprintf(line, sizeof(line), "refused %s: %.180s", name, why);
	if (stream_complain(s->tunnel, LOG_STREAM, line))
		tell_refused(name, why);
}

void
lobby_turn_away(struct stream *s, struct caller *c, enum stats_what what,
    const char *name, const char *why, int status)
{
	lobby_refused(s, what, name, why);
	if (status != -1)
		door_refuse(c, (uint8_t)status);
	(void)door_leave(c);
	if (status != -1)
		net_close_clean(s->fd);
	else
		(void)close(s->fd);
}

void
lobby_lost(struct stream *s, struct caller *c, const char *name)
{
	char why[DOOR_WHY_MAX], line[NET_NAME_MAX + 80];
	int err = errno;

	(void)door_broke(why);
	if (!door_leave(c))
		lobby_refused(s, STATS_CROWDED, name,
		    "too many keep us waiting");
	else if (err == ETIMEDOUT)
		lobby_refused(s, STATS_TIMEOUT, name, why);
	else if (err == EPROTO)
		lobby_refused(s, STATS_NONSENSE, name, "this is no adit");
	else {
		/* It left by itself, or we stop. */
		(void)snprintf(line, sizeof(line), "dropped %s: %.60s", name,
		    why);
		(void)stream_complain(s->tunnel, LOG_STREAM, line);
	}
}

void
lobby_drop(struct stream *s, struct caller *c, const char *name)
{
	lobby_lost(s, c, name);
	(void)close(s->fd);
}

void
lobby_ignore(struct stream *s, struct caller *c, const char *name)
{
	lobby_refused(s, STATS_NONSENSE, name, "this is no adit");
	door_silence(c);
	(void)door_leave(c);
	(void)close(s->fd);
}
