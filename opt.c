/* SPDX-License-Identifier: MIT */
/* opt.c - the options: one table for the command line, for the environment, for
 * the usage text, and for the tests that compare it with the man page. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opt.h"
#include "rate.h"

enum { SECONDS_MAX = 86400 };	/* pump.c counts milliseconds in 32 bits */

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

#define BOTH (OPT_SERVER | OPT_CLIENT)
#define ALL (BOTH | OPT_RELAY)
#define SECONDS "a whole number of seconds from 0 to 86400"

/* How the value comes into the config. */
#define BY(kind, set) kind, set, 0, 0, 0
#define FLAG(field) OPT_FLAG, NULL, offsetof(struct config, field), 0, 0
#define NUMBER(field, min, max)						\
	OPT_NUMBER, NULL, offsetof(struct config, field), min, max

static const struct opt opts[] = {
	{ 0, "to", "HOST:PORT", "ADIT_TO", BOTH,
	    "join streams to this service (repeatable)",
	    "HOST:PORT, like 127.0.0.1:5432 or [::1]:5432",
	    BY(OPT_LIST, set_to) },
	{ 0, "listen", "[IP:]PORT", "ADIT_LISTEN", BOTH,
	    "carry every connection made to this address",
	    "a port or IP:PORT, like 5432 or [::1]:5432; 0 is any free port",
	    BY(OPT_OTHER, set_listen) },
	{ 0, "allow", "HOST:PORT", "ADIT_ALLOW", OPT_SERVER,
	    "let clients ask for it; * is any (repeatable)",
	    "HOST:PORT, like 10.0.0.7:22, 10.0.0.7:* or *:443",
	    BY(OPT_LIST, set_allow) },
	{ 0, "target", "[HOST:]PORT", "ADIT_TARGET", OPT_CLIENT,
	    "ask the server for this service",
	    "a port or HOST:PORT, like 8080 or 10.0.0.7:22",
	    BY(OPT_OTHER, set_target) },
	{ 0, "relay", "HOST[:PORT]", "ADIT_RELAY", OPT_SERVER,
	    "the relay to share through (443)",
	    "HOST or HOST:PORT, like relay.example or [::1]:7000",
	    BY(OPT_OTHER, set_relay) },
	{ 0, "room", "NAME", "ADIT_ROOM", BOTH,
	    "meet in this room of a relay", "1 to 32 of a-z, 0-9, _ and .",
	    BY(OPT_OTHER, set_room) },
	{ 0, "auth", "SECRET", "ADIT_AUTH", OPT_SERVER | OPT_RELAY,
	    "what a relay wants to know of servers",
	    "a secret, @FILE or - (to be asked)", BY(OPT_SECRET, set_auth) },
	{ 0, "publish", "[PORT]", "ADIT_PUBLISH", OPT_SERVER | OPT_RELAY,
	    "a port of the relay for visitors; there: LOW-HIGH",
	    "a port (at a server: or nothing, for any), or LOW-HIGH at a relay",
	    BY(OPT_MAYBE, set_publish) },
	{ 'u', "udp", NULL, "ADIT_UDP", BOTH,
	    "the service is UDP, not TCP", "0 or 1", FLAG(udp) },
	{ 0, "plain", NULL, "ADIT_PLAIN", BOTH,
	    "the plain handshake, not encrypted", "0 or 1", FLAG(plain) },
	{ 0, "once", NULL, "ADIT_ONCE", BOTH,
	    "end when the link cannot be made or is lost", "0 or 1",
	    FLAG(once) },
	{ 0, "proxy-protocol", "1|2", "ADIT_PROXY_PROTOCOL", OPT_SERVER,
	    "tell the service who comes, by such a header",
	    "1 or 2, the version of the header", BY(OPT_OTHER, set_proxy) },
	{ 0, "source-by-client", NULL, "ADIT_SOURCE_BY_CLIENT", OPT_SERVER,
	    "go to it from a 127.x.y.z for each client", "0 or 1",
	    FLAG(source_by_client) },
	{ 0, "drain", "SECONDS", "ADIT_DRAIN", ALL,
	    "how long streams may finish at a stop (5)", SECONDS,
	    NUMBER(drain_s, 0, SECONDS_MAX) },
	{ 0, "idle", "SECONDS", "ADIT_IDLE", BOTH,
	    "reset a stream that is silent for so long (0: never)", SECONDS,
	    NUMBER(idle_s, 0, SECONDS_MAX) },
	{ 0, "linger", "SECONDS", "ADIT_LINGER", ALL,
	    "the same for a half-closed one (7200; 0: never)", SECONDS,
	    NUMBER(linger_s, 0, SECONDS_MAX) },
	{ 0, "udp-idle", "SECONDS", "ADIT_UDP_IDLE", BOTH,
	    "end a UDP flow that is silent for so long (120)",
	    "a whole number of seconds from 1 to 86400",
	    NUMBER(udp_idle_s, 1, SECONDS_MAX) },
	{ 0, "max-conns", "N", "ADIT_MAX_CONNS", ALL,
	    "at most so many streams at once (1024)",
	    "a whole number from 1 to 65535", NUMBER(max_conns, 1, 65535) },
	{ 0, "max-rooms", "N", "ADIT_MAX_ROOMS", OPT_RELAY,
	    "at most so many rooms (4096)", "a whole number from 1 to 1000000",
	    NUMBER(max_rooms, 1, 1000000) },
	{ 0, "max-per-source", "N", "ADIT_MAX_PER_SOURCE", OPT_RELAY,
	    "so many rooms, and pairs, from one address (1024)",
	    "a whole number from 1 to 1000000",
	    NUMBER(max_source, 1, 1000000) },
	{ 0, "rate", "BYTES", "ADIT_RATE", OPT_RELAY,
	    "at most so many a second in a room; 64K, 10M (0: any)",
	    "bytes a second: 0, 1024 to 4294967295, or like 64K or 10M",
	    BY(OPT_OTHER, set_rate) },
	{ 0, "user", "USER[:GID]", "ADIT_USER", OPT_RELAY,
	    "become this user once it listens", "the name or number of a user",
	    BY(OPT_OTHER, set_user) },
	{ 'v', "verbose", NULL, "ADIT_VERBOSE", ALL,
	    "two lines for each stream", "0 or 1", FLAG(verbose) },
	{ 0, "json", NULL, "ADIT_JSON", ALL,
	    "what happens, as JSON lines on stdout", "0 or 1", FLAG(json) },
	{ 0, "json-fd", "N", "ADIT_JSON_FD", ALL,
	    "the same on this open descriptor",
	    "the number of an open descriptor, 1 to 65535",
	    BY(OPT_OTHER, set_json_fd) },
	{ 'q', "quiet", NULL, "ADIT_QUIET", ALL,
	    "errors only", "0 or 1", FLAG(quiet) },
	{ 'h', "help", NULL, NULL, ALL,
	    "this text", NULL, OPT_NONE, NULL, 0, 0, 0 },
	{ 'V', "version", NULL, NULL, ALL,
	    "the version", NULL, OPT_NONE, NULL, 0, 0, 0 }
};

enum { NOPTS = sizeof(opts) / sizeof(opts[0]) };

const struct opt *
opt_long(const char *s, size_t n)
{
	int i;

	for (i = 0; i < NOPTS; i++) {
		if (strlen(opts[i].name) == n &&
		    memcmp(opts[i].name, s, n) == 0)
			return &opts[i];
	}
	return NULL;
}

const struct opt *
opt_short(char letter)
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

/* s is NULL for a flag on the command line, and for what may be left out. */
static int
set(struct config *c, const struct opt *o, const char *s)
{
	void *field = (char *)c + o->at;

	if (o->kind == OPT_NUMBER)
		return text_u32(s, o->min, o->max, field);
	if (o->kind != OPT_FLAG)
		return o->set(c, s);
	if (s != NULL && strcmp(s, "0") != 0 && strcmp(s, "1") != 0)
		return -1;
	*(bool *)field = s == NULL || s[0] == '1';
	return 0;
}

int
opt_apply(struct config *c, const struct opt *o, const char *value,
    char why[OPT_WHY_MAX])
{
	if ((o->roles & (unsigned)c->role) == 0) {
		(void)snprintf(why, OPT_WHY_MAX, "--%s is for the %s",
		    o->name, role_name(o->roles));
		return -1;
	}
	if (set(c, o, value) == -1) {
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

	if (o->kind != OPT_LIST)
		return set(c, o, v);
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

int
opt_environment(struct config *c, char why[OPT_WHY_MAX])
{
	const char *v;
	int i;

	c->token_env = getenv("ADIT_TOKEN");
	c->auth_env = getenv("ADIT_AUTH");
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
