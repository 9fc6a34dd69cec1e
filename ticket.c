/* SPDX-License-Identifier: MIT */
/* ticket.c - relay, room and secret in one word.
 *
 * What stands wrong in a ticket may be the secret, or a piece of it: no
 * sentence here repeats what was typed. */

#include <stdio.h>
#include <string.h>

#include "secret.h"
#include "ticket.h"

_Static_assert((int)TICKET_TEXT_MAX >= (int)TEXT_HOSTPORT_MAX,
    "text_hostport_name() writes into a ticket's text");

/* Copy n bytes in lower case, and a NUL.  tolower() would ask the locale. */
static void
copy_lower(char *to, const char *from, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		to[i] = from[i];
		if (to[i] >= 'A' && to[i] <= 'Z')
			to[i] = (char)(to[i] - 'A' + 'a');
	}
	to[n] = '\0';
}

/* Read the n bytes before the slash.  Returns NULL, or what is wrong. */
static const char *
parse_relay(struct hostport *relay, const char *text, size_t n)
{
	char host[TEXT_HOSTPORT_MAX], *colon;
	uint32_t port = TICKET_PORT;

	if (n >= sizeof(host))
		return "the relay's name is too long";
	memcpy(host, text, n);
	host[n] = '\0';
	colon = strrchr(host, ':');
	if (host[0] != '[' && colon != strchr(host, ':'))
		return "an IPv6 address belongs in brackets, like "
		    "[2001:db8::1]";
	/* Unless it is one of the address in the brackets. */
	if (colon != NULL && (host[0] != '[' || strchr(colon, ']') == NULL)) {
		if (text_u32(colon + 1, 1, UINT16_MAX, &port) == -1)
			return "the relay's port is no number from 1 to 65535";
		*colon = '\0';
	}
	if (host[0] == '\0')
		return "no relay before the '/'";
	if (text_host(host, relay->host) == -1)
		return strlen(host) >= TEXT_HOST_MAX ?
		    "the relay's name is too long" :
		    "what stands before the '/' is no name and no address";
	relay->port = (uint16_t)port;
	return NULL;
}

/* Read the n bytes before the first dash, or before the end. */
static const char *
parse_room(char room[TICKET_ROOM_MAX + 1], const char *text, size_t n)
{
	if (n == 0)
		return "no room behind the '/'";
	if (n > TICKET_ROOM_MAX)
		return "the room's name is longer than 32 characters";
	copy_lower(room, text, n);
	if (!meet_room_valid(room))
		return "the room's name has more in it than letters, digits, "
		    "'_' and '.'";
	return NULL;
}

static const char *
parse_secret(char secret[WORD_TEXT_MAX], const char *text, const char *room)
{
	size_t n = strlen(text);

	if (n == 0)
		return "the secret is missing: no word behind the room";
	if (n >= WORD_TEXT_MAX)
		return "the secret is too long";
	copy_lower(secret, text, n);
	if (!word_check(secret, n, room))
		return "a word is missing or mistyped, or the room is";
	return NULL;
}

static const char *
parse(struct ticket *t, const char *text)
{
	const char *slash = strchr(text, '/'), *room, *why;
	size_t n;

	if (slash == NULL)
		return "no '/' between the relay and the room";
	if (slash > text && slash[-1] == ':' && slash[1] == '/')
		return "unknown scheme: a ticket begins with the relay's name";
	why = parse_relay(&t->relay, text, (size_t)(slash - text));
	if (why != NULL)
		return why;
	room = slash + 1;
	n = strcspn(room, "-");
	if ((why = parse_room(t->room, room, n)) != NULL)
		return why;
	return parse_secret(t->secret, room + n + (room[n] == '-'), t->room);
}

/* Which one is the only piece of the secret, between its dashes, that is no
 * word?  Counted from 1; 0: none, or several. */
static unsigned
only_wrong(const char *secret)
{
	unsigned i, wrong = 0;
	size_t n;

	for (i = 1; ; i++) {
		n = strcspn(secret, "-");
		if (!word_is(secret, n)) {
			if (wrong != 0)
				return 0;
			wrong = i;
		}
		if (secret[n] == '\0')
			return wrong;
		secret += n + 1;
	}
}

static const char *
ordinal(unsigned n)
{
	if (n / 10 % 10 == 1)
		return "th";
	return n % 10 == 1 ? "st" : n % 10 == 2 ? "nd" : n % 10 == 3 ? "rd" :
	    "th";
}

bool
ticket_like(const char *arg)
{
	return strchr(arg, '/') != NULL && strchr("-./@", arg[0]) == NULL;
}

int
ticket_parse(struct ticket *t, const char *text, char why[TICKET_WHY_MAX])
{
	const char *what;
	unsigned n = 0;

	memset(t, 0, sizeof(*t));
	if ((what = parse(t, text)) == NULL)
		return 0;
	/* There is a secret if all but its words was right. */
	if (t->secret[0] != '\0')
		n = only_wrong(t->secret);
	if (n != 0)
		(void)snprintf(why, TICKET_WHY_MAX, "a word is missing or "
		    "mistyped: the %u%s word is no word of a ticket", n,
		    ordinal(n));
	else
		(void)snprintf(why, TICKET_WHY_MAX, "%s", what);
	secret_wipe(t, sizeof(*t));
	return -1;
}

size_t
ticket_make(const struct ticket *t, char text[TICKET_TEXT_MAX])
{
	size_t n, len;

	text_hostport_name(&t->relay, text);
	if (t->relay.port == TICKET_PORT)
		*strrchr(text, ':') = '\0';
	n = strlen(text);
	text[n++] = '/';
	len = strlen(t->room);
	memcpy(text + n, t->room, len);
	n += len;
	text[n++] = '-';
	len = strlen(t->secret);
	memcpy(text + n, t->secret, len + 1);
	return n + len;
}
