/* SPDX-License-Identifier: MIT */
/* opt.c - the command line and the environment: one table for both, for the
 * usage text, and for the tests that compare it with the man page. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bear.h"
#include "opt.h"
#include "rate.h"
#include "secret.h"

enum { SECONDS_MAX = 86400 };	/* pump.c counts milliseconds in 32 bits */

struct opt {
	char letter;		/* 0: none */
	const char *name;
	const char *arg;	/* NULL: a flag */
	const char *env;
	unsigned roles;
	const char *help;
	const char *expect;	/* what a good value is */
	int (*set)(struct config *, const char *);
};

static int
set_to(struct config *c, const char *s)
{
	if (c->nto == OPT_LIST_MAX ||
	    text_hostport(s, 1, NULL, &c->to[c->nto]) == -1)
		return -1;
	c->nto++;
	return 0;
}

/* HOST:PORT, HOST:*, *:PORT or *:* */
static int
set_allow(struct config *c, const char *s)
{
	static const char any_port[] = ":*";
	char text[TEXT_HOSTPORT_MAX + 8];	/* with what stands in */
	struct hostport *a = &c->allow[c->nallow];
	size_t n = strlen(s);
	bool any_host = strncmp(s, "*:", 2) == 0;
	bool any = n > 2 && strcmp(s + n - 2, any_port) == 0;

	if (c->nallow == OPT_LIST_MAX || n >= TEXT_HOSTPORT_MAX)
		return -1;
	/* What is a star is no place yet: let one stand in for it. */
	(void)snprintf(text, sizeof(text), "%s%.*s%s",
	    any_host ? "any" : "", (int)(any ? n - 2 : n) - any_host,
	    s + any_host, any ? ":1" : "");
	if (text_hostport(text, 1, NULL, a) == -1)
		return -1;
	if (any_host)
		memcpy(a->host, "*", 2);
	if (any)
		a->port = 0;
	c->nallow++;
	return 0;
}

static int
set_target(struct config *c, const char *s)
{
	struct hostport hp;

	if (strlen(s) >= sizeof(c->target) ||
	    text_hostport(s, 1, "any", &hp) == -1)
		return -1;
	(void)snprintf(c->target, sizeof(c->target), "%s", s);
	return 0;
}

static int
set_proxy(struct config *c, const char *s)
{
	uint32_t version;

	if (text_u32(s[0] == 'v' ? s + 1 : s, 1, 2, &version) == -1)
		return -1;
	c->proxy = version;
	return 0;
}

static int
set_json_fd(struct config *c, const char *s)
{
	uint32_t fd;

	if (text_u32(s, 1, 65535, &fd) == -1)
		return -1;
	c->json_fd = (int)fd;
	return 0;
}

static int
set_room(struct config *c, const char *s)
{
	if (!meet_room_valid(s))
		return -1;
	(void)snprintf(c->room, sizeof(c->room), "%s", s);
	return 0;
}

int
opt_relay(const char *s, struct hostport *out)
{
	const char *colon = strchr(s, ':');

	if (text_hostport(s, 1, NULL, out) == 0)
		return 0;
	/* With one colon, a port was meant. */
	if (colon != NULL && strchr(colon + 1, ':') == NULL)
		return -1;
	out->port = TICKET_PORT;
	return text_host(s, out->host);
}

static int
set_relay(struct config *c, const char *s)
{
	return opt_relay(s, &c->peer);
}

/* It is kept where it stands: see read_option(). */
static int
set_auth(struct config *c, const char *s)
{
	c->auth = s[0] != '\0';
	return c->auth ? 0 : -1;
}

/* A relay: LOW-HIGH.  A server: nothing, or a port. */
static int
set_publish(struct config *c, const char *s)
{
	char low[TEXT_PORT_MAX];
	size_t n = s != NULL ? strcspn(s, "-") : 0;
	uint32_t port = 0;

	if (c->role == OPT_RELAY) {
		if (s == NULL || s[n] != '-' || n >= sizeof(low))
			return -1;
		memcpy(low, s, n);
		low[n] = '\0';
		return text_u32(low, 1, UINT16_MAX, &c->publish_low) == -1 ?
		    -1 : text_u32(s + n + 1, c->publish_low, UINT16_MAX,
		    &c->publish_high);
	}
	if (s != NULL && text_u32(s, 0, UINT16_MAX, &port) == -1)
		return -1;
	c->publish = true;
	c->publish_port = (uint16_t)port;
	return 0;
}

static int
set_max_rooms(struct config *c, const char *s)
{
	return text_u32(s, 1, 1000000, &c->max_rooms);
}

static int
set_max_source(struct config *c, const char *s)
{
	return text_u32(s, 1, 1000000, &c->max_source);
}

/* 0, or with K or M behind it so many times 1024 bytes, or 1024 of that. */
static int
set_rate(struct config *c, const char *s)
{
	char digits[16];
	size_t n = strlen(s);
	unsigned shift = n == 0 ? 0 : s[n - 1] == 'K' ? 10 :
	    s[n - 1] == 'M' ? 20 : 0;

	if (shift > 0)
		n--;
	if (n >= sizeof(digits))
		return -1;
	memcpy(digits, s, n);
	digits[n] = '\0';
	if (text_u32(digits, 0, UINT32_MAX >> shift, &c->rate) == -1)
		return -1;
	c->rate <<= shift;
	return c->rate == 0 || c->rate >= RATE_MIN ? 0 : -1;
}

/* Who that is is found out later. */
static int
set_user(struct config *c, const char *s)
{
	if (s[0] == '\0' || strlen(s) >= sizeof(c->user))
		return -1;
	(void)snprintf(c->user, sizeof(c->user), "%s", s);
	return 0;
}

static int
set_listen(struct config *c, const char *s)
{
	c->has_listen = true;
	return text_hostport(s, 0, "127.0.0.1", &c->listen);
}

static int
set_drain(struct config *c, const char *s)
{
	return text_u32(s, 0, SECONDS_MAX, &c->drain_s);
}

static int
set_idle(struct config *c, const char *s)
{
	return text_u32(s, 0, SECONDS_MAX, &c->idle_s);
}

static int
set_linger(struct config *c, const char *s)
{
	return text_u32(s, 0, SECONDS_MAX, &c->linger_s);
}

static int
set_udp_idle(struct config *c, const char *s)
{
	return text_u32(s, 1, SECONDS_MAX, &c->udp_idle_s);
}

static int
set_max_conns(struct config *c, const char *s)
{
	return text_u32(s, 1, 65535, &c->max_conns);
}

/* Flags: s is NULL on the command line, the variable's value otherwise. */
static int
set_flag(bool *flag, const char *s)
{
	if (s != NULL && strcmp(s, "0") != 0 && strcmp(s, "1") != 0)
		return -1;
	*flag = s == NULL || s[0] == '1';
	return 0;
}

static int
set_udp(struct config *c, const char *s)
{
	return set_flag(&c->udp, s);
}

static int
set_plain(struct config *c, const char *s)
{
	return set_flag(&c->plain, s);
}

static int
set_once(struct config *c, const char *s)
{
	return set_flag(&c->once, s);
}

static int
set_source_by_client(struct config *c, const char *s)
{
	return set_flag(&c->source_by_client, s);
}

static int
set_json(struct config *c, const char *s)
{
	return set_flag(&c->json, s);
}

static int
set_verbose(struct config *c, const char *s)
{
	return set_flag(&c->verbose, s);
}

static int
set_quiet(struct config *c, const char *s)
{
	return set_flag(&c->quiet, s);
}

#define BOTH (OPT_SERVER | OPT_CLIENT)
#define ALL (BOTH | OPT_RELAY)
#define SECONDS "a whole number of seconds from 0 to 86400"

static const struct opt opts[] = {
	{ 0, "to", "HOST:PORT", "ADIT_TO", BOTH,
	    "join streams to this service (repeatable)",
	    "HOST:PORT, like 127.0.0.1:5432 or [::1]:5432", set_to },
	{ 0, "listen", "[IP:]PORT", "ADIT_LISTEN", BOTH,
	    "carry every connection made to this address",
	    "a port or IP:PORT, like 5432 or [::1]:5432; 0 is any free port",
	    set_listen },
	{ 0, "allow", "HOST:PORT", "ADIT_ALLOW", OPT_SERVER,
	    "let clients ask for it; * is any (repeatable)",
	    "HOST:PORT, like 10.0.0.7:22, 10.0.0.7:* or *:443", set_allow },
	{ 0, "target", "[HOST:]PORT", "ADIT_TARGET", OPT_CLIENT,
	    "ask the server for this service",
	    "a port or HOST:PORT, like 8080 or 10.0.0.7:22", set_target },
	{ 0, "relay", "HOST[:PORT]", "ADIT_RELAY", OPT_SERVER,
	    "the relay to share through (443)",
	    "HOST or HOST:PORT, like relay.example or [::1]:7000", set_relay },
	{ 0, "room", "NAME", "ADIT_ROOM", BOTH,
	    "meet in this room of a relay",
	    "1 to 32 of a-z, 0-9, _ and .", set_room },
	{ 0, "auth", "SECRET", "ADIT_AUTH", OPT_SERVER | OPT_RELAY,
	    "what a relay wants to know of servers",
	    "a secret, @FILE or - (to be asked)", set_auth },
	{ 0, "publish", "[PORT]", "ADIT_PUBLISH", OPT_SERVER | OPT_RELAY,
	    "a port of the relay for visitors; there: LOW-HIGH",
	    "a port (at a server: or nothing, for any), or LOW-HIGH at a relay",
	    set_publish },
	{ 'u', "udp", NULL, "ADIT_UDP", BOTH,
	    "the service is UDP, not TCP", "0 or 1", set_udp },
	{ 0, "plain", NULL, "ADIT_PLAIN", BOTH,
	    "the plain handshake, not encrypted", "0 or 1", set_plain },
	{ 0, "once", NULL, "ADIT_ONCE", BOTH,
	    "end when the link cannot be made or is lost", "0 or 1",
	    set_once },
	{ 0, "proxy-protocol", "1|2", "ADIT_PROXY_PROTOCOL", OPT_SERVER,
	    "tell the service who comes, by such a header",
	    "1 or 2, the version of the header", set_proxy },
	{ 0, "source-by-client", NULL, "ADIT_SOURCE_BY_CLIENT", OPT_SERVER,
	    "go to it from a 127.x.y.z for each client", "0 or 1",
	    set_source_by_client },
	{ 0, "drain", "SECONDS", "ADIT_DRAIN", ALL,
	    "how long streams may finish at a stop (5)", SECONDS, set_drain },
	{ 0, "idle", "SECONDS", "ADIT_IDLE", BOTH,
	    "reset a stream that is silent for so long (0: never)", SECONDS,
	    set_idle },
	{ 0, "linger", "SECONDS", "ADIT_LINGER", ALL,
	    "the same for a half-closed one (7200; 0: never)", SECONDS,
	    set_linger },
	{ 0, "udp-idle", "SECONDS", "ADIT_UDP_IDLE", BOTH,
	    "end a UDP flow that is silent for so long (120)",
	    "a whole number of seconds from 1 to 86400", set_udp_idle },
	{ 0, "max-conns", "N", "ADIT_MAX_CONNS", ALL,
	    "at most so many streams at once (1024)",
	    "a whole number from 1 to 65535", set_max_conns },
	{ 0, "max-rooms", "N", "ADIT_MAX_ROOMS", OPT_RELAY,
	    "at most so many rooms (4096)", "a whole number from 1 to 1000000",
	    set_max_rooms },
	{ 0, "max-per-source", "N", "ADIT_MAX_PER_SOURCE", OPT_RELAY,
	    "so many rooms, and pairs, from one address (1024)",
	    "a whole number from 1 to 1000000", set_max_source },
	{ 0, "rate", "BYTES", "ADIT_RATE", OPT_RELAY,
	    "at most so many a second in a room; 64K, 10M (0: any)",
	    "bytes a second: 0, 1024 to 4294967295, or like 64K or 10M",
	    set_rate },
	{ 0, "user", "USER[:GID]", "ADIT_USER", OPT_RELAY,
	    "become this user once it listens",
	    "the name or number of a user", set_user },
	{ 'v', "verbose", NULL, "ADIT_VERBOSE", ALL,
	    "two lines for each stream", "0 or 1", set_verbose },
	{ 0, "json", NULL, "ADIT_JSON", ALL,
	    "what happens, as JSON lines on stdout", "0 or 1", set_json },
	{ 0, "json-fd", "N", "ADIT_JSON_FD", ALL,
	    "the same on this open descriptor",
	    "the number of an open descriptor, 1 to 65535", set_json_fd },
	{ 'q', "quiet", NULL, "ADIT_QUIET", ALL,
	    "errors only", "0 or 1", set_quiet },
	{ 'h', "help", NULL, NULL, ALL, "this text", NULL, NULL },
	{ 'V', "version", NULL, NULL, ALL, "the version", NULL, NULL }
};

enum { NOPTS = sizeof(opts) / sizeof(opts[0]) };

/* Find a long option by the n bytes at s, or a short one. */
static const struct opt *
find_long(const char *s, size_t n)
{
	int i;

	for (i = 0; i < NOPTS; i++) {
		if (strlen(opts[i].name) == n &&
		    memcmp(opts[i].name, s, n) == 0)
			return &opts[i];
	}
	return NULL;
}

static const struct opt *
find_short(char letter)
{
	int i;

	for (i = 0; i < NOPTS; i++) {
		if (opts[i].letter == letter)
			return &opts[i];
	}
	return NULL;
}

static const char *
role_name(unsigned roles)
{
	switch (roles) {
	case OPT_SERVER:
		return "server";
	case OPT_CLIENT:
		return "client";
	case OPT_RELAY:
		return "relay";
	case OPT_SERVER | OPT_RELAY:
		return "server and the relay";
	default:
		return "server and the client";
	}
}

/* Apply one option; value is NULL for a flag. */
static int
apply(struct config *c, const struct opt *o, const char *value, char *why)
{
	if ((o->roles & (unsigned)c->role) == 0) {
		(void)snprintf(why, OPT_WHY_MAX, "--%s is for the %s",
		    o->name, role_name(o->roles));
		return -1;
	}
	if (o->set(c, value) == -1) {
		(void)snprintf(why, OPT_WHY_MAX, "--%s wants %s, not '%.64s'",
		    o->name, o->expect, value == NULL ? "" : value);
		return -1;
	}
	return 0;
}

/* Lists may hold several values in one variable, with commas. */
static int
set_each(struct config *c, const struct opt *o, const char *v)
{
	char one[TEXT_HOSTPORT_MAX + 1];
	size_t n;

	if (o->set != set_to && o->set != set_allow)
		return o->set(c, v);
	for (;; v += n + 1) {
		if ((n = strcspn(v, ",")) >= sizeof(one))
			return -1;
		memcpy(one, v, n);
		one[n] = '\0';
		if (o->set(c, one) == -1)
			return -1;
		if (v[n] == '\0')
			return 0;
	}
}

static int
read_environment(struct config *c, char *why)
{
	const char *v;
	int i;

	for (i = 0; i < NOPTS; i++) {
		if (opts[i].env == NULL ||
		    (opts[i].roles & (unsigned)c->role) == 0 ||
		    (v = getenv(opts[i].env)) == NULL || *v == '\0')
			continue;
		if (set_each(c, &opts[i], v) == -1) {
			(void)snprintf(why, OPT_WHY_MAX,
			    "%s in the environment should be %s, not '%.64s'",
			    opts[i].env, opts[i].expect, v);
			return -1;
		}
	}
	return 0;
}

/* mtunnel's flags are written as Go does it: one dash or two, and the value
 * behind = or in the next argument.  Is this one?  Returns the
 * value, or NULL; *took: how many arguments that is. */
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
opt_form_of(int argc, char **argv)
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
		else
			(void)set_listen(c, v);
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
 * 0 if it is wrong; *special becomes OPT_HELP or OPT_VERSION.  token_due: it
 * stands where the token is expected, and might be one. */
static int
read_option(struct config *c, char **argv, bool token_due,
    enum opt_verdict *special, char *why)
{
	const char *a = argv[0];
	const char *eq = strchr(a, '=');
	const struct opt *o;
	const char *value = NULL;
	int took = 1;

	if (a[1] == '-') {
		o = find_long(a + 2, eq != NULL ? (size_t)(eq - a - 2) :
		    strlen(a + 2));
		value = eq != NULL ? eq + 1 : NULL;
	} else
		o = a[2] == '\0' ? find_short(a[1]) : NULL;
	if (o == NULL) {
		(void)snprintf(why, OPT_WHY_MAX, "unknown option%s%.*s (see "
		    "--help; -- before a token that begins with -)",
		    token_due ? "" : " ", token_due ? 0 : a[1] == '-' ?
		    (int)strcspn(a, "=") : 2, a);
		return 0;
	}
	if (o->set == NULL) {
		*special = o->letter == 'h' ? OPT_HELP : OPT_VERSION;
		return 1;
	}
	if (o->arg == NULL && value != NULL) {
		(void)snprintf(why, OPT_WHY_MAX, "--%s takes no value",
		    o->name);
		return 0;
	}
	/* The one whose value may be left out. */
	if (o->set == set_publish && value == NULL &&
	    (argv[1] == NULL || strspn(argv[1], "0123456789-") == 0 ||
	    strspn(argv[1], "0123456789-") < strlen(argv[1]) ||
	    argv[1][0] == '-'))
		return apply(c, o, NULL, why) == -1 ? 0 : 1;
	if (o->arg != NULL && value == NULL) {
		if ((value = argv[1]) == NULL) {
			(void)snprintf(why, OPT_WHY_MAX, "--%s wants %s",
			    o->name, o->expect);
			return 0;
		}
		took = 2;
	}
	if (apply(c, o, value, why) == -1)
		return 0;
	/* Only the last one counts. */
	if (o->set == set_auth && c->auth_arg != NULL)
		secret_wipe(c->auth_arg, strlen(c->auth_arg));
	if (o->set == set_auth)
		c->auth_arg = took == 2 ? argv[1] : argv[0] + (value - a);
	return took;
}

static enum opt_verdict
wrong(char *why, const char *sentence)
{
	(void)snprintf(why, OPT_WHY_MAX, "%s", sentence);
	return OPT_USAGE;
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
static enum opt_verdict
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
		return OPT_USAGE;
	}
	if (text_u32(pos[1], any ? 0 : 1, UINT16_MAX, &port) == -1) {
		(void)snprintf(why, OPT_WHY_MAX, "'%.64s' is no port: it is a "
		    "number from %s to 65535", pos[1],
		    any ? "0 (any free one)" : "1");
		return OPT_USAGE;
	}
	c->peer.port = (uint16_t)port;
	return OPT_RUN;
}

/* [HOST:]PORT or -: the room and the secret are drawn later. */
static enum opt_verdict
read_share(struct config *c, int n, char **pos, char *why)
{
	if (c->peer.port == 0)
		return wrong(why, "which relay? give --relay HOST[:PORT], or "
		    "set ADIT_RELAY");
	if (n == 0 || strcmp(pos[0], "-") == 0)
		return OPT_RUN;
	if (c->nto == OPT_LIST_MAX)
		return wrong(why, "too many services");
	/* The first is for streams that name none. */
	memmove(c->to + 1, c->to, c->nto * sizeof(c->to[0]));
	c->nto++;
	if (text_hostport(pos[0], 1, "127.0.0.1", &c->to[0]) == 0)
		return OPT_RUN;
	(void)snprintf(why, OPT_WHY_MAX, "'%.64s' is nothing to share: it is "
	    "a port, HOST:PORT, or - for standard input and output", pos[0]);
	return OPT_USAGE;
}

static enum opt_verdict
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
		return OPT_USAGE;
	c->peer = t.relay;
	(void)snprintf(c->room, sizeof(c->room), "%s", t.room);
	(void)snprintf(c->secret, sizeof(c->secret), "%s", t.secret);
	secret_wipe(&t, sizeof(t));
	c->token_arg = c->secret;
	if (n == 1 && !c->has_listen && c->nto == 0)
		c->has_listen = c->listen_later = true;
	return OPT_RUN;
}

static enum opt_verdict
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
		return OPT_USAGE;
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

static enum opt_verdict
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
		    OPT_RUN;
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
		return OPT_USAGE;
	}
	if (!c->plain && !bear_here())
		return wrong(why, "this build cannot encrypt: give --plain on "
		    "both sides, or build it with BearSSL");
	if (c->plain && needs_seal(c) != NULL) {
		(void)snprintf(why, OPT_WHY_MAX, "%s is not possible with "
		    "--plain", needs_seal(c));
		return OPT_USAGE;
	}
	if (c->role == OPT_CLIENT && c->nto > 1)
		return wrong(why, "one --to is enough at the client: the "
		    "server names none when it asks for a stream");
	if ((c->json || c->json_fd == 1) && !end)
		return wrong(why, "--json writes to stdout, which carries the "
		    "data here: use --json-fd N, like --json-fd 3 3>log");
	return OPT_RUN;
}

/* Where is this text "PORT" alone? */
static bool
is_port(const char *text)
{
	uint32_t port;

	return text_u32(text, 1, UINT16_MAX, &port) == 0;
}

int
opt_target(const struct config *c, const char *text, struct hostport *out)
{
	struct hostport hp;
	unsigned i;

	if (text[0] == '\0') {
		if (c->nto == 0)
			return -1;
		*out = c->to[0];
		return 0;
	}
	if (text_hostport(text, 1, "127.0.0.1", &hp) == -1)
		return -1;
	for (i = 0; i < c->nto; i++) {
		if (hp.port == c->to[i].port && (is_port(text) ||
		    strcmp(hp.host, c->to[i].host) == 0)) {
			*out = c->to[i];
			return 0;
		}
	}
	for (i = 0; i < c->nallow; i++) {
		if ((c->allow[i].port == 0 || c->allow[i].port == hp.port) &&
		    (strcmp(c->allow[i].host, "*") == 0 ||
		    strcmp(c->allow[i].host, hp.host) == 0)) {
			*out = hp;
			return 0;
		}
	}
	return -1;
}

enum opt_verdict
opt_parse(struct config *c, enum opt_role role, enum opt_form form, int argc,
    char **argv, char why[OPT_WHY_MAX])
{
	enum opt_verdict verdict = OPT_RUN;
	bool options = true, verbose, quiet, once, has_relay;
	unsigned nto, nallow;
	char *pos[4], *word;
	int i, took, npos = 0;

	memset(c, 0, sizeof(*c));
	c->role = role;
	c->form = form;
	c->token_env = getenv("ADIT_TOKEN");
	c->drain_s = 5;
	c->linger_s = 7200;
	c->udp_idle_s = 120;
	c->max_conns = role == OPT_RELAY ? 4096 : 1024;
	c->max_rooms = 4096;
	c->max_source = 1024;
	c->json_fd = -1;
	if (read_environment(c, why) == -1)
		return OPT_USAGE;
	c->auth_env = getenv("ADIT_AUTH");
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
				return OPT_USAGE;
			if (verdict != OPT_RUN)
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
	return verdict == OPT_RUN ? check(c, why) : verdict;
}

size_t
opt_usage(char out[OPT_USAGE_MAX])
{
	char left[40];
	size_t n;
	int i;

	n = (size_t)snprintf(out, OPT_USAGE_MAX,
	    "usage: adit share [HOST:]PORT --relay RELAY  let somebody in: "
	    "prints a ticket\n"
	    "       adit TICKET [-]                     go where it leads\n"
	    "       server IP PORT TOKEN [options]      wait for a client\n"
	    "       client HOST PORT TOKEN [options]    dial a server\n"
	    "       (the same with RELAY PORT TOKEN --room NAME)\n"
	    "       relay IP PORT [options]             let them meet\n"
	    "       (or: adit server ..., adit client ..., adit relay ...)\n"
	    "       adit status RELAY[:PORT]            how is that relay\n"
	    "       adit token [--bits N]               make a good token\n"
	    "\n"
	    "Joins stdin/stdout of both sides, or with --to and --listen a\n"
	    "service beside the server and a port beside the client.\n"
	    "TOKEN: 1 to 1024 bytes, the same on both sides; @FILE reads it\n"
	    "from a file, - asks for it, left out it is ADIT_TOKEN.\n"
	    "\n");
	for (i = 0; i < NOPTS; i++) {
		const struct opt *o = &opts[i];

		(void)snprintf(left, sizeof(left), "  %c%c%c --%s%s%s",
		    o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
		    o->letter ? ',' : ' ', o->name, o->arg ? " " : "",
		    o->arg ? o->arg : "");
		n += (size_t)snprintf(out + n, OPT_USAGE_MAX - n,
		    "%-28s%s%s%s%s%s\n", left, o->help,
		    o->roles == OPT_SERVER ? " (server)" :
		    o->roles == OPT_CLIENT ? " (client)" :
		    o->roles == OPT_RELAY ? " (relay)" : "",
		    o->env ? " [" : "", o->env ? o->env : "",
		    o->env ? "]" : "");
	}
	return n;
}
