/* SPDX-License-Identifier: MIT */
#ifndef OPT_H
#define OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "meet.h"
#include "text.h"
#include "ticket.h"
#include "word.h"

enum opt_role { OPT_SERVER = 1, OPT_CLIENT = 2, OPT_RELAY = 4 }; /* a set */

/* What stands before the options. */
enum opt_form {
	OPT_PLACE,	/* IP PORT [TOKEN], where the server or relay is */
	OPT_SHARE,	/* what a server shares: [HOST:]PORT, or - */
	OPT_TICKET	/* where a client goes, and maybe - */
};

enum {
	OPT_WHY_MAX = 256,
	OPT_LIST_MAX = 16,		/* services, and patterns of them */
	OPT_USER_MAX = 80,
	OPT_TARGET_MAX = TEXT_HOSTPORT_MAX
};

struct config {
	enum opt_role role;
	enum opt_form form;
	struct hostport peer;	/* where to listen (server) or to dial */
	char *token_arg;	/* in argv or the environment; see token.h */
	char *token_env;	/* ADIT_TOKEN, used or not; NULL if not set */
	char *auth_arg;		/* the same for the relay's secret; or NULL */
	char *auth_env;		/* ADIT_AUTH, used or not; or NULL */
	char *ticket_arg;	/* to be wiped, too; or NULL */
	char secret[WORD_TEXT_MAX];	/* ... which token_arg is then */
	char room[MEET_ROOM_MAX + 1];	/* "": none; peer is a relay then */
	struct hostport to[OPT_LIST_MAX];	/* services; the first is for
					 * streams that name none */
	struct hostport allow[OPT_LIST_MAX];	/* "*" or port 0: any */
	unsigned nto, nallow;
	struct hostport listen;	/* has_listen: port 0 means any */
	bool has_listen;
	bool listen_later;	/* where the server's service is, if free */
	char target[OPT_TARGET_MAX];	/* what to ask for; "": nothing */
	bool udp, plain, once, verbose, quiet, json, auth;
	bool source_by_client;
	char user[OPT_USER_MAX];	/* "": stay who we are */
	unsigned proxy;		/* PROXY protocol's version; 0: none */
	int json_fd;		/* -1: none */
	uint32_t drain_s, idle_s, linger_s, udp_idle_s, max_conns;
	uint32_t max_rooms, max_source;
	uint32_t publish_low, publish_high;	/* relay; 0: none */
	bool publish;		/* server: for visitors, */
	uint16_t publish_port;	/* ... 0: any port */
	uint32_t rate;		/* bytes a second and room; 0: no limit */
};

enum opt_kind {
	OPT_FLAG,		/* a bool; in the environment 0 or 1 */
	OPT_NUMBER,		/* a uint32_t from min to max */
	OPT_OTHER,		/* what set() takes, and so the rest: */
	OPT_LIST,		/* several; in the environment with commas */
	OPT_MAYBE,		/* may be left out */
	OPT_SECRET,		/* is wiped once it was used */
	OPT_NONE		/* -h, -V: nothing is set */
};

struct opt {
	char letter;		/* 0: none */
	const char *name;
	const char *arg;	/* NULL: a flag */
	const char *env;	/* or NULL */
	unsigned roles;		/* of enum opt_role */
	const char *help;
	const char *expect;	/* what a good value is */
	enum opt_kind kind;
	int (*set)(struct config *, const char *);	/* or NULL */
	size_t at;		/* a flag or number: where in the config */
	uint32_t min, max;
};

/* Find a long option by the n bytes at s, or a short one.  NULL: none. */
const struct opt *opt_long(const char *s, size_t n);
const struct opt *opt_short(char letter);

/* Set o in *c; value is NULL for a flag.  Returns 0, or -1 with a line in
 * why, if it is not for this role or the value no good one. */
int opt_apply(struct config *c, const struct opt *o, const char *value,
    char why[OPT_WHY_MAX]);

/* Set all that the environment says, for this role, and token_env and
 * auth_env.  Returns 0, or -1 with a line in why. */
int opt_environment(struct config *c, char why[OPT_WHY_MAX]);

/* Read HOST[:PORT] of a relay.  Returns 0 or -1. */
int opt_relay(const char *s, struct hostport *out);

/* The service that the other side asks for by name ("": none), if it may:
 * text is PORT, for the first --to with that port or an --allow of it on
 * 127.0.0.1, or HOST:PORT.  Returns 0 and fills in *out, or -1. */
int opt_target(const struct config *c, const char *text,
    struct hostport *out);

/* The usage: all options from one table, into out.  Returns its length;
 * OPT_USAGE_MAX suffices. */
enum { OPT_USAGE_MAX = 8192 };
size_t opt_usage(char out[OPT_USAGE_MAX]);

#endif
