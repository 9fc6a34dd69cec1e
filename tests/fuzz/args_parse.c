/* SPDX-License-Identifier: MIT */
/* args_parse.c - command lines.
 *
 * Input: one byte for the role, then arguments, each with a newline behind
 * it.  A line that begins with '$' is a variable of the environment: the
 * letter behind it says which. */

#include "args.h"
#include "bear.h"
#include "fuzz.h"

enum { ARGS_MAX = 24, VARIABLES_MAX = 4 };

/* In the order of their letters: @, A, B, ... */
static const char *const variables[] = {
	"ADIT_TO", "ADIT_LISTEN", "ADIT_UDP", "ADIT_DRAIN", "ADIT_VERBOSE",
	"ADIT_QUIET", "ADIT_TOKEN", "ADIT_MAX_CONNS", "ADIT_ALLOW",
	"ADIT_TARGET", "ADIT_PLAIN", "ADIT_ONCE", "ADIT_IDLE", "ADIT_LINGER",
	"ADIT_UDP_IDLE", "ADIT_JSON", "ADIT_JSON_FD", "ADIT_PROXY_PROTOCOL",
	"ADIT_SOURCE_BY_CLIENT", "ADIT_ROOM", "ADIT_RELAY", "ADIT_AUTH",
	"ADIT_PUBLISH"
};
enum { NVARIABLES = sizeof(variables) / sizeof(variables[0]) };

enum named {
	TO, ALLOW, LISTEN, TARGET, DRAIN, IDLE, LINGER, UDP_IDLE, MAX_CONNS,
	JSON_FD, PROXY, ROOM, RELAY, AUTH, MAX_ROOMS, MAX_PER_SOURCE, RATE,
	USER, NNAMED
};
static const char *const with_value[NNAMED] = {
	"to", "allow", "listen", "target", "drain", "idle", "linger",
	"udp-idle", "max-conns", "json-fd", "proxy-protocol",
	"room", "relay", "auth", "max-rooms", "max-per-source", "rate", "user"
};
static const char *const flags[] = {
	"udp", "plain", "once", "verbose", "json", "quiet", "help", "version",
	"source-by-client"
};

/* A list: of arguments, or of what stands between a variable's commas. */
struct list {
	const char *item[ARGS_MAX];
	unsigned n;
};

/* A command line as a person reads it, up to what cannot be read. */
struct line {
	struct list to, allow;
	const char *last[NNAMED];
	int npos, token;		/* token: its argument, or -1 */
};

/* Which of these names are the n bytes at s?  -1: none. */
static int
find(const char *s, size_t n, const char *const *names, int nnames)
{
	while (nnames-- > 0)
		if (strlen(names[nnames]) == n &&
		    memcmp(names[nnames], s, n) == 0)
			break;
	return nnames;
}

static void
note(struct line *l, int which, const char *value)
{
	l->last[which] = value;
	if (which == TO)
		l->to.item[l->to.n++] = value;
	else if (which == ALLOW)
		l->allow.item[l->allow.n++] = value;
}

/* --publish takes the next argument if that can be ports. */
static int
is_ports(const char *a)
{
	return a[0] != '\0' && a[0] != '-' &&
	    strspn(a, "0123456789-") == strlen(a);
}

static void
read_line(struct line *l, int argc, char **argv)
{
	int i, which, options = 1;
	const char *a;
	size_t n;

	memset(l, 0, sizeof(*l));
	l->token = -1;
	for (i = 0; i < argc; i++) {
		a = argv[i];
		if (!options || a[0] != '-' || a[1] == '\0') {
			if (++l->npos == 3)
				l->token = i;
			continue;
		}
		if (strcmp(a, "--") == 0) {
			options = 0;
			continue;
		}
		n = strcspn(a, "=");
		if (a[1] != '-' ? a[2] == '\0' && strchr("uvqhV", a[1]) :
		    find(a + 2, n - 2, flags,
		    sizeof(flags) / sizeof(flags[0])) != -1)
			continue;
		if (n == 9 && memcmp(a, "--publish", n) == 0) {
			i += a[n] == '\0' && i + 1 < argc &&
			    is_ports(argv[i + 1]);
			continue;
		}
		which = a[1] != '-' ? -1 : find(a + 2, n - 2, with_value,
		    NNAMED);
		if (which != -1 && a[n] == '=') {
			note(l, which, a + n + 1);
			continue;
		}
		if (which != -1) {
			if (i + 1 < argc)
				note(l, which, argv[++i]);
			continue;
		}
		/* No option: where the token is due it may be one. */
		if (l->npos == 2)
			l->token = i;
		return;
	}
}

static void
check_place(const struct hostport *hp, uint16_t min)
{
	char name[TEXT_HOSTPORT_MAX];
	struct hostport again;

	MUST(memchr(hp->host, '\0', sizeof(hp->host)) != NULL);
	text_hostport_name(hp, name);
	MUST(text_hostport(name, min, NULL, &again) == 0);
	MUST(strcmp(again.host, hp->host) == 0 && again.port == hp->port);
}

static void
same_place(const struct hostport *hp, const char *text, uint16_t min,
    const char *dflt)
{
	struct hostport want;

	MUST(text_hostport(text, min, dflt, &want) == 0);
	MUST(strcmp(want.host, hp->host) == 0 && want.port == hp->port);
}

/* A pattern as it was given. */
static void
check_allow(const struct hostport *hp, const char *text)
{
	const char *colon = strrchr(text, ':');

	MUST(colon != NULL && hp->host[0] != '\0');
	if (text[0] == '*')
		MUST(strcmp(hp->host, "*") == 0 && colon == text + 1);
	else
		MUST(strchr(hp->host, '*') == NULL);
	if (strcmp(colon + 1, "*") == 0)
		MUST(hp->port == 0);
	else
		MUST(hp->port == strtoul(colon + 1, NULL, 10));
}

/* A list of the command line counts, or else the variable's, which has
 * commas.  Returns a copy of the variable, to be freed. */
static char *
choose_list(struct list *l, const char *name)
{
	const char *value = getenv(name);
	char *copy, *p;

	if (l->n > 0 || value == NULL || *value == '\0')
		return NULL;
	p = copy = fuzz_string(value, strlen(value));
	for (;;) {
		MUST(l->n < OPT_LIST_MAX);
		l->item[l->n++] = p;
		if ((p = strchr(p, ',')) == NULL)
			return copy;
		*p++ = '\0';
	}
}

static void
check_lists(const struct config *c, struct line *l)
{
	char *to = choose_list(&l->to, "ADIT_TO"), *allow = NULL;
	unsigned i;

	if (c->role == OPT_SERVER)
		allow = choose_list(&l->allow, "ADIT_ALLOW");
	MUST(c->nto <= OPT_LIST_MAX && c->nallow <= OPT_LIST_MAX);
	MUST(c->nto == l->to.n && c->nallow == l->allow.n);
	for (i = 0; i < c->nto; i++) {
		check_place(&c->to[i], 1);
		same_place(&c->to[i], l->to.item[i], 1, NULL);
	}
	for (i = 0; i < c->nallow; i++) {
		MUST(memchr(c->allow[i].host, '\0', TEXT_HOST_MAX) != NULL);
		check_allow(&c->allow[i], l->allow.item[i]);
	}
	free(to);
	free(allow);
}

/* The last one counts; each fits when it is counted in milliseconds, in 32
 * bits. */
static void
check_number(const struct line *l, enum named which, uint32_t number,
    uint32_t min, uint32_t max)
{
	MUST(number >= min && number <= max);
	if (l->last[which] != NULL)
		MUST(number == strtoul(l->last[which], NULL, 10));
}

static void
check_config(const struct config *c, struct line *l)
{
	const char *target = l->last[TARGET];
	struct hostport hp;
	int end;

	MUST(c->token_arg != NULL);
	MUST(l->npos == (c->token_arg == c->token_env ? 2 : 3));
	check_place(&c->peer, c->role == OPT_SERVER ? 0 : 1);
	check_lists(c, l);
	if (c->has_listen)
		check_place(&c->listen, 0);
	if (l->last[LISTEN] != NULL) {
		MUST(c->has_listen);
		same_place(&c->listen, l->last[LISTEN], 0, "127.0.0.1");
	}
	if (target == NULL && c->role == OPT_CLIENT)
		target = getenv("ADIT_TARGET");
	if (target == NULL || *target == '\0')
		MUST(c->target[0] == '\0');
	else {
		/* As the server will understand it. */
		MUST(text_hostport(c->target, 1, "any", &hp) == 0);
		same_place(&hp, target, 1, "any");
	}
	end = c->nto > 0 || c->nallow > 0 || c->has_listen;
	MUST((!c->udp && !c->json) || end);
	MUST(!c->has_listen || (c->nto == 0 && c->nallow == 0));
	MUST(c->target[0] == '\0' || c->nto == 0);
	MUST(c->role == OPT_SERVER || c->nallow == 0);
	MUST(c->role == OPT_CLIENT || (c->target[0] == '\0' &&
	    (!c->once || c->room[0] != '\0')));
	MUST(c->room[0] == '\0' || meet_room_valid(c->room));
	MUST(c->role == OPT_SERVER || (!c->publish && !c->auth));
	MUST((!c->publish && !c->auth) || c->room[0] != '\0');
	MUST(!c->publish || c->nto > 0);
	MUST((c->proxy == 0 && !c->source_by_client) ||
	    (c->role == OPT_SERVER && !c->udp && c->nto + c->nallow > 0));
	MUST(c->proxy <= 2);
	if (l->last[PROXY] != NULL)
		MUST(c->proxy == strtoul(l->last[PROXY] +
		    (l->last[PROXY][0] == 'v'), NULL, 10));
	MUST(c->plain || bear_here());
	if (c->plain) {
		MUST(c->room[0] == '\0');
		MUST(c->role == OPT_CLIENT || !c->has_listen);
		MUST(c->role == OPT_SERVER ? c->nto <= 1 : c->nto == 0);
		MUST(c->nallow == 0 && c->target[0] == '\0' && !c->once);
	}
	MUST(!(c->verbose && c->quiet));
	if (c->json_fd != -1)
		check_number(l, JSON_FD, (uint32_t)c->json_fd, 1, 65535);
	else
		MUST(!c->json && l->last[JSON_FD] == NULL);
	check_number(l, MAX_CONNS, c->max_conns, 1, 65535);
	check_number(l, DRAIN, c->drain_s, 0, UINT32_MAX / 1000);
	check_number(l, IDLE, c->idle_s, 0, UINT32_MAX / 1000);
	check_number(l, LINGER, c->linger_s, 0, UINT32_MAX / 1000);
	check_number(l, UDP_IDLE, c->udp_idle_s, 1, UINT32_MAX / 1000);
}

/* Parsing wipes what a later argument wins over, so that each time is done with
 * arguments of its own. */
static void
copy_args(int argc, char *const *from, char **to)
{
	int i;

	for (i = 0; i < argc; i++)
		to[i] = fuzz_string(from[i], strlen(from[i]));
	to[argc] = NULL;
}

static void
free_args(int argc, char **argv)
{
	while (argc > 0)
		free(argv[--argc]);
}

/* Which argument this is; -1: none of them. */
static int
place_of(const char *arg, int argc, char *const *argv)
{
	int i;

	for (i = argc - 1; i >= 0 && argv[i] != arg; i--)
		continue;
	return i;
}

/* Whatever the token is, the sentence is the same: nobody learns from it. */
static void
check_secrecy(enum opt_role role, int argc, char *const *args, int token,
    const char *why)
{
	char *argv[ARGS_MAX + 1], *p, again[OPT_WHY_MAX];
	struct config c;

	copy_args(argc, args, argv);
	/* It may begin with dashes. */
	for (p = argv[token]; *p == '-'; p++)
		continue;
	for (; *p != '\0'; p++)
		*p = *p == '\x01' ? '\x02' : '\x01';
	MUST(args_parse(&c, role, OPT_PLACE, argc, argv, again) == ARGS_USAGE);
	MUST(strcmp(why, again) == 0);
	free_args(argc, argv);
}

static const char *
set_variable(const char *text)
{
	const char *name = variables[(text[0] & 31) % NVARIABLES];

	MUST(setenv(name, text[0] != '\0' ? text + 1 : "", 1) == 0);
	return name;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *args[ARGS_MAX + 1], *argv[ARGS_MAX + 1], *argv2[ARGS_MAX + 1];
	char *variable;
	const char *names[VARIABLES_MAX];
	char why[OPT_WHY_MAX], why2[OPT_WHY_MAX];
	struct config c, c2;
	enum opt_role role;
	enum args_verdict v;
	const uint8_t *eol;
	int argc = 0, nnames = 0;
	struct line line;
	size_t n;

	if (size < 1)
		return 0;
	role = data[0] & 1 ? OPT_SERVER : OPT_CLIENT;
	data++;
	for (size--; size > 0 && argc < ARGS_MAX; data += n, size -= n) {
		eol = memchr(data, '\n', size);
		n = eol != NULL ? (size_t)(eol - data) : size;
		if (n > 0 && data[0] == '$' && nnames < VARIABLES_MAX) {
			variable = fuzz_string(data + 1, n - 1);
			names[nnames++] = set_variable(variable);
			free(variable);
		} else
			args[argc++] = fuzz_string(data, n);
		n += eol != NULL;
	}
	args[argc] = NULL;
	copy_args(argc, args, argv);
	copy_args(argc, args, argv2);
	memset(why, 'x', sizeof(why));
	memset(why2, 'y', sizeof(why2));
	v = args_parse(&c, role, OPT_PLACE, argc, argv, why);
	/* Nothing of it depends on what was there before. */
	memset(&c2, 0xa5, sizeof(c2));
	MUST(args_parse(&c2, role, OPT_PLACE, argc, argv2, why2) == v);
	read_line(&line, argc, argv);
	if (v == ARGS_USAGE) {
		MUST(memchr(why, '\0', sizeof(why)) != NULL);
		MUST(why[0] != '\0' && strcmp(why, why2) == 0);
		if (line.token != -1)
			check_secrecy(role, argc, args, line.token, why);
	} else if (v == ARGS_RUN) {
		MUST(c.role == role && c2.role == role);
		MUST(place_of(c.token_arg, argc, argv) ==
		    place_of(c2.token_arg, argc, argv2));
		MUST(line.token == -1 || c.token_arg == argv[line.token]);
		check_config(&c, &line);
	}
	free_args(argc, args);
	free_args(argc, argv);
	free_args(argc, argv2);
	while (nnames > 0)
		MUST(unsetenv(names[--nnames]) == 0);
	return 0;
}
