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

enum opt_verdict {
	OPT_RUN,	/* the config is complete and makes sense */
	OPT_HELP,	/* print the usage on stdout, exit 0 */
	OPT_VERSION,	/* print the version on stdout, exit 0 */
	OPT_USAGE	/* wrong: the sentence says how; exit 2 */
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

/* Read the arguments behind the subcommand, and the environment, into *c;
 * argv[argc] is NULL.  On OPT_USAGE, why is one line that quotes nothing that
 * stands where the token is due. */
enum opt_verdict opt_parse(struct config *c, enum opt_role role,
    enum opt_form form, int argc, char **argv, char why[OPT_WHY_MAX]);

/* Which form do arguments have that begin with an option: mtunnel's, with
 * -token or -port?  OPT_PLACE: not those. */
enum opt_form opt_form_of(int argc, char **argv);

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
