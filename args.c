/* SPDX-License-Identifier: MIT */
/* args.c - the command line: options, what stands between them, and whether
 * all that goes together. */

#include <stdio.h>
#include <string.h>

#include "args.h"
#include "bear.h"
#include "secret.h"

/* mtunnel's flags are written as Go does it: one dash or two, and the value
 * behind = or in the next argument.  Is this one?  Returns the value, or NULL;
 * *took: how many arguments that is. */
static char *
go_flag(const char *name, char **argv, int *took)
{
	static char none[] = "";
	char *a = argv[0];
	size_t n = strlen(name);

	a += a[0] == '-';
	a += a[0] == '-';
	if (a == argv[0] || strncmp(a, name, n) != 0)
		return NULL;
	*took = a[n] == '=' ? 1 : 2;
	return a[n] == '=' ? a + n + 1 : a[n] != '\0' ? NULL :
	    argv[1] != NULL ? argv[1] : none;
}

enum opt_form
args_form(int argc, char **argv)
{
	enum opt_form form = OPT_PLACE;
	const char *v;
	int i, took;

	for (i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if ((v = go_flag("token", argv + i, &took)) != NULL &&
		    v[0] != '\0')
			return OPT_TICKET;
		if (v != NULL || go_flag("port", argv + i, &took) != NULL)
			form = OPT_SHARE;
	}
	return form;
}

/* One of mtunnel's flags.  Returns as read_option(), -1: it is none; *word is
 * what could stand there without the flag. */
static int
read_go_flag(struct config *c, char **argv, char **word, char *why)
{
	bool share = c->form == OPT_SHARE;
	uint32_t port;
	char *v;
	int took;

	*word = NULL;
	if ((v = go_flag("port", argv, &took)) != NULL) {
		if (text_u32(v, share ? 1 : 0, UINT16_MAX, &port) == -1) {
			(void)snprintf(why, OPT_WHY_MAX, "-port wants a port, "
			    "a number from %d to 65535, not '%.64s'",
			    share ? 1 : 0, v);
			return 0;
		}
		if (share)
			*word = v;
		else if (opt_apply(c, opt_long("listen", 6), v, why) == -1)
			return 0;
	} else if ((v = go_flag("network", argv, &took)) != NULL) {
		c->udp = strcmp(v, "udp") == 0;
		if (!c->udp && strcmp(v, "tcp") != 0) {
			(void)snprintf(why, OPT_WHY_MAX, "-network wants tcp "
			    "or udp, not '%.64s'", v);
			return 0;
		}
	} else if ((v = go_flag("token", argv, &took)) == NULL) {
		return -1;
	} else if (v[0] != '\0') {
		if (share) {
			(void)snprintf(why, OPT_WHY_MAX, "-token is for who "
			    "goes where it leads: adit -token TICKET");
			return 0;
		}
		*word = v;
	}
	return took;
}

/* One argument that begins with '-'.  Returns how many arguments it took, or
 * 0 if it is wrong; *special becomes ARGS_HELP or ARGS_VERSION.  token_due: it
 * stands where the token is expected, and might be one. */
static int
read_option(struct config *c, char **argv, bool token_due,
    enum args_verdict *special, char *why)
{
	const char *a = argv[0];
	const char *eq = strchr(a, '=');
	const struct opt *o;
	const char *value = NULL;
	int took = 1;

	if (a[1] == '-') {
		o = opt_long(a + 2, eq != NULL ? (size_t)(eq - a - 2) :
		    strlen(a + 2));
		value = eq != NULL ? eq + 1 : NULL;
	} else
		o = a[2] == '\0' ? opt_short(a[1]) : NULL;
	if (o == NULL) {
		(void)snprintf(why, OPT_WHY_MAX, "unknown option%s%.*s (see "
		    "--help; -- before a token that begins with -)",
		    token_due ? "" : " ", token_due ? 0 : a[1] == '-' ?
		    (int)strcspn(a, "=") : 2, a);
		return 0;
	}
	if (o->kind == OPT_NONE) {
		*special = o->letter == 'h' ? ARGS_HELP : ARGS_VERSION;
		return 1;
	}
	if (o->arg == NULL && value != NULL) {
		(void)snprintf(why, OPT_WHY_MAX, "--%s takes no value",
		    o->name);
		return 0;
	}
	if (o->kind == OPT_MAYBE && value == NULL &&
	    (argv[1] == NULL || strspn(argv[1], "0123456789-") == 0 ||
	    strspn(argv[1], "0123456789-") < strlen(argv[1]) ||
	    argv[1][0] == '-'))
		return opt_apply(c, o, NULL, why) == -1 ? 0 : 1;
	if (o->arg != NULL && value == NULL) {
		if ((value = argv[1]) == NULL) {
			(void)snprintf(why, OPT_WHY_MAX, "--%s wants %s",
			    o->name, o->expect);
			return 0;
		}
		took = 2;
	}
	if (opt_apply(c, o, value, why) == -1)
		return 0;
	/* Only the last one counts. */
	if (o->kind == OPT_SECRET && c->auth_arg != NULL)
		secret_wipe(c->auth_arg, strlen(c->auth_arg));
	if (o->kind == OPT_SECRET)
		c->auth_arg = took == 2 ? argv[1] : argv[0] + (value - a);
	return took;
}

static enum args_verdict
wrong(char *why, const char *sentence)
{
	(void)snprintf(why, OPT_WHY_MAX, "%s", sentence);
	return ARGS_USAGE;
}

/* What this form looks like. */
static const char *
usage_of(const struct config *c)
{
	if (c->form == OPT_SHARE)
		return "adit share [HOST:]PORT --relay HOST[:PORT]";
	if (c->form == OPT_TICKET)
		return "adit RELAY[:PORT]/ROOM-SECRET [-]";
	if (c->role == OPT_RELAY)
		return "relay IP PORT";
	if (c->room[0] != '\0')
		return c->role == OPT_SERVER ?
		    "server RELAY PORT TOKEN --room NAME" :
		    "client RELAY PORT TOKEN --room NAME";
	return c->role == OPT_SERVER ? "server IP PORT TOKEN" :
	    "client HOST PORT TOKEN";
}

/* IP PORT [TOKEN] */
static enum args_verdict
read_place(struct config *c, int n, char **pos, char *why)
{
	bool any = c->role != OPT_CLIENT && c->room[0] == '\0';
	uint32_t port;

	/* Before the port is looked at and quoted: with one argument left out
	 * it could be the token that stands in the port's place. */
	c->token_arg = n == 3 ? pos[2] : c->token_env;
	if (c->token_arg == NULL && c->role != OPT_RELAY)
		return wrong(why, "no token: give one behind the port, as "
		    "TOKEN, @FILE or - (to be asked), or in ADIT_TOKEN");
	if (text_host(pos[0], c->peer.host) == -1) {
		(void)snprintf(why, OPT_WHY_MAX, "'%.64s' is no address or "
		    "name", pos[0]);
		return ARGS_USAGE;
	}
	if (text_u32(pos[1], any ? 0 : 1, UINT16_MAX, &port) == -1) {
		(void)snprintf(why, OPT_WHY_MAX, "'%.64s' is no port: it is a "
		    "number from %s to 65535", pos[1],
		    any ? "0 (any free one)" : "1");
		return ARGS_USAGE;
	}
	c->peer.port = (uint16_t)port;
	return ARGS_RUN;
}

/* [HOST:]PORT or -: the room and the secret are drawn later. */
static enum args_verdict
read_share(struct config *c, int n, char **pos, char *why)
{
	if (c->peer.port == 0)
		return wrong(why, "which relay? give --relay HOST[:PORT], or "
		    "set ADIT_RELAY");
	if (n == 0 || strcmp(pos[0], "-") == 0)
		return ARGS_RUN;
	if (c->nto == OPT_LIST_MAX)
		return wrong(why, "too many services");
	/* The first is for streams that name none. */
	memmove(c->to + 1, c->to, c->nto * sizeof(c->to[0]));
	c->nto++;
	if (text_hostport(pos[0], 1, "127.0.0.1", &c->to[0]) == 0)
		return ARGS_RUN;
	(void)snprintf(why, OPT_WHY_MAX, "'%.64s' is nothing to share: it is "
	    "a port, HOST:PORT, or - for standard input and output", pos[0]);
	return ARGS_USAGE;
}

static enum args_verdict
read_ticket(struct config *c, int n, char **pos, char *why)
{
	struct ticket t;

	c->ticket_arg = pos[0];
	if (n == 2 && strcmp(pos[1], "-") != 0)
		return wrong(why, "behind a ticket there may be - for "
		    "standard input and output, or options");
	if (n == 2 && (c->has_listen || c->nto > 0))
		return wrong(why, "- is standard input and output: it does "
		    "not go with --listen or --to");
	if (ticket_parse(&t, pos[0], why) == -1)
		return ARGS_USAGE;
	c->peer = t.relay;
	(void)snprintf(c->room, sizeof(c->room), "%s", t.room);
	(void)snprintf(c->secret, sizeof(c->secret), "%s", t.secret);
	secret_wipe(&t, sizeof(t));
	c->token_arg = c->secret;
	if (n == 1 && !c->has_listen && c->nto == 0)
		c->has_listen = c->listen_later = true;
	return ARGS_RUN;
}

static enum args_verdict
read_positional(struct config *c, int n, char **pos, char *why)
{
	int min = c->form == OPT_PLACE ? 2 : 1;
	int max = c->form == OPT_PLACE && c->role != OPT_RELAY ? 3 :
	    c->form == OPT_SHARE ? 1 : 2;

	if (c->form == OPT_SHARE && (c->nto > 0 || c->nallow > 0 ||
	    c->has_listen))
		min = 0;
	if (n < min || n > max) {
		(void)snprintf(why, OPT_WHY_MAX, "%s: usage: %s [options] "
		    "(see --help)", n < min ? "something is missing" :
		    "too many arguments", usage_of(c));
		return ARGS_USAGE;
	}
	return c->form == OPT_SHARE ? read_share(c, n, pos, why) :
	    c->form == OPT_TICKET ? read_ticket(c, n, pos, why) :
	    read_place(c, n, pos, why);
}

/* What cannot go without encryption. */
static const char *
needs_seal(const struct config *c)
{
	if (c->role == OPT_SERVER && c->has_listen)
		return "--listen at the server";
	if (c->role == OPT_CLIENT && c->nto > 0)
		return "--to at the client";
	if (c->nto > 1)
		return "more than one --to";
	if (c->room[0] != '\0' || c->form != OPT_PLACE)
		return "meeting at a relay";
	return c->nallow > 0 ? "--allow" : c->target[0] != '\0' ?
	    "--target" : c->once ? "--once" : NULL;
}

/* What is for a TCP service beside the server alone. */
static const char *
needs_service(const struct config *c)
{
	return c->proxy != 0 ? "--proxy-protocol" :
	    c->source_by_client ? "--source-by-client" : NULL;
}

static enum args_verdict
check(const struct config *c, char *why)
{
	bool end = c->nto > 0 || c->nallow > 0 || c->has_listen;

	if (c->udp && !end)
		return wrong(why, c->role == OPT_SERVER ?
		    "-u wants --to HOST:PORT: stdin and stdout are no UDP "
		    "service" : "-u wants --listen [IP:]PORT: stdin and "
		    "stdout are no UDP service");
	if (c->verbose && c->quiet)
		return wrong(why, "--verbose and --quiet exclude each other");
	if (c->has_listen && (c->nto > 0 || c->nallow > 0))
		return wrong(why, "--listen and --to on the same side exclude "
		    "each other: one of the two sides listens");
	if (c->target[0] != '\0' && c->nto > 0)
		return wrong(why, "--target asks the server for a service; "
		    "with --to this side has it");
	if (c->role == OPT_RELAY)
		return c->auth && !bear_here() ? wrong(why, "this build "
		    "cannot encrypt, and without that --auth is nothing") :
		    ARGS_RUN;
	if (c->once && c->role == OPT_SERVER && c->form != OPT_SHARE &&
	    c->room[0] == '\0')
		return wrong(why, "--once is for the client, or with --room");
	if (c->publish && c->form != OPT_SHARE && c->room[0] == '\0')
		return wrong(why, "--publish is for a relay: give --room NAME, "
		    "too");
	if (c->publish && c->nto == 0)
		return wrong(why, "--publish wants a service for visitors: "
		    "--to HOST:PORT");
	if (c->form == OPT_PLACE && c->role == OPT_SERVER &&
	    c->auth && c->room[0] == '\0')
		return wrong(why, "--auth is for a relay: give --room NAME, "
		    "too");
	if (needs_service(c) != NULL && (c->udp || c->nto + c->nallow == 0)) {
		(void)snprintf(why, OPT_WHY_MAX, c->udp ?
		    "%s is for TCP: it does not go with -u" :
		    "%s wants a service beside the server: --to or --allow",
		    needs_service(c));
		return ARGS_USAGE;
	}
	if (!c->plain && !bear_here())
		return wrong(why, "this build cannot encrypt: give --plain on "
		    "both sides, or build it with BearSSL");
	if (c->plain && needs_seal(c) != NULL) {
		(void)snprintf(why, OPT_WHY_MAX, "%s is not possible with "
		    "--plain", needs_seal(c));
		return ARGS_USAGE;
	}
	if (c->role == OPT_CLIENT && c->nto > 1)
		return wrong(why, "one --to is enough at the client: the "
		    "server names none when it asks for a stream");
	if ((c->json || c->json_fd == 1) && !end)
		return wrong(why, "--json writes to stdout, which carries the "
		    "data here: use --json-fd N, like --json-fd 3 3>log");
	return ARGS_RUN;
}

enum args_verdict
args_parse(struct config *c, enum opt_role role, enum opt_form form, int argc,
    char **argv, char why[OPT_WHY_MAX])
{
	enum args_verdict verdict = ARGS_RUN;
	bool options = true, verbose, quiet, once, has_relay;
	unsigned nto, nallow;
	char *pos[4] = { NULL }, *word;
	int i, took, npos = 0;

	memset(c, 0, sizeof(*c));
	c->role = role;
	c->form = form;
	c->drain_s = 5;
	c->linger_s = 7200;
	c->udp_idle_s = 120;
	c->max_conns = role == OPT_RELAY ? 4096 : 1024;
	c->max_rooms = 4096;
	c->max_source = 1024;
	c->json_fd = -1;
	if (opt_environment(c, why) == -1)
		return ARGS_USAGE;
	c->auth_arg = c->auth ? c->auth_env : NULL;
	/* One word about it on the command line, and these no longer count. */
	verbose = c->verbose;
	quiet = c->quiet;
	once = c->once;
	has_relay = c->peer.port != 0;
	c->verbose = c->quiet = c->once = false;
	nto = c->nto;
	nallow = c->nallow;
	c->nto = c->nallow = 0;
	for (i = 0; i < argc; i += took) {
		took = 1;
		if (options && strcmp(argv[i], "--") == 0)
			options = false;
		else if (options && argv[i][0] == '-' && argv[i][1] != '\0') {
			word = NULL;
			took = form == OPT_PLACE ? -1 :
			    read_go_flag(c, argv + i, &word, why);
			if (took == -1)
				took = read_option(c, argv + i,
				    form == OPT_PLACE &&
				    role != OPT_RELAY && npos == 2,
				    &verdict, why);
			if (took == 0)
				return ARGS_USAGE;
			if (verdict != ARGS_RUN)
				return verdict;
			if (word != NULL && npos < 4)
				pos[npos++] = word;
		} else if (npos < 4)
			pos[npos++] = argv[i];
	}
	if (!c->verbose && !c->quiet) {
		c->verbose = verbose;
		c->quiet = quiet;
	}
	/* Lists on the command line take the place of the variables'. */
	if (c->nto == 0)
		c->nto = nto;
	if (c->nallow == 0)
		c->nallow = nallow;
	/* A server that listens is not concerned. */
	if (role == OPT_CLIENT || form == OPT_SHARE || c->room[0] != '\0')
		c->once = c->once || once;
	else if (role == OPT_SERVER && c->auth_arg == c->auth_env)
		c->auth = false;
	if (form == OPT_PLACE && role == OPT_SERVER) {
		if (c->peer.port != 0 && !has_relay)
			return wrong(why, "--relay is for adit share; give "
			    "RELAY PORT TOKEN --room NAME");
		memset(&c->peer, 0, sizeof(c->peer));	/* ADIT_RELAY's */
	}
	if (c->json && c->json_fd == -1)
		c->json_fd = 1;
	verdict = read_positional(c, npos, pos, why);
	return verdict == ARGS_RUN ? check(c, why) : verdict;
}
