/* SPDX-License-Identifier: MIT */
/* main.c - names to subcommands: server, client and relay are links to
 * adit. */

#include <sys/resource.h>

#include <errno.h>
#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "bear.h"
#include "client.h"
#include "control.h"
#include "entropy.h"
#include "event.h"
#include "kdf.h"
#include "local.h"
#include "log.h"
#include "mint.h"
#include "relay.h"
#include "server.h"
#include "share.h"
#include "stream.h"
#include "task.h"
#include "tell.h"
#include "token.h"
#include "word.h"

#define ADIT_VERSION "0.3.0"

enum {
	EXIT_DONE = 0, EXIT_LOCAL = 1, EXIT_USAGE = 2,
	SHORT_TOKEN = 12		/* bytes: less gets a word of advice */
};

static struct tunnel tunnel;

/* Descriptors 0, 1 and 2 may have been closed by whoever started us.  Then
 * the next socket would get their numbers, and be written to as stdout.  What
 * stands in for them can be read but not written: a closed stdout loses
 * nothing silently. */
static int
hold_stdio(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) == -1 &&
		    open("/dev/null", O_RDONLY) != fd)
			return -1;
	}
	return 0;
}

static int
print(const char *text, size_t n)
{
	return fwrite(text, 1, n, stdout) == n && fflush(stdout) == 0 ?
	    EXIT_DONE : EXIT_LOCAL;
}

/* The usage on stderr, after a mistake that leaves open what was meant. */
static void
remind(void)
{
	char text[OPT_USAGE_MAX];
	char *line = text, *end;

	(void)opt_usage(text);
	while ((end = strchr(line, '\n')) != NULL) {
		log_line(LOG_ERROR, "%.*s", (int)(end - line), line);
		line = end + 1;
	}
}

static int
usage(void)
{
	char text[OPT_USAGE_MAX];

	return print(text, opt_usage(text));
}

static int
version(void)
{
	static const char text[] = "adit " ADIT_VERSION "\n";
	static const char plain[] = "adit " ADIT_VERSION
	    " (WITHOUT encryption: built without BearSSL)\n";

	return bear_here() ? print(text, sizeof(text) - 1) :
	    print(plain, sizeof(plain) - 1);
}

/* adit token [--bits N]: a fresh one on stdout, and nothing else. */
static int
mint(int argc, char **argv)
{
	char text[WORD_TEXT_MAX + 1];
	uint32_t bits = MINT_BITS;
	size_t n;

	if (argc == 1 && (strcmp(argv[0], "--help") == 0 ||
	    strcmp(argv[0], "-h") == 0))
		return usage();
	if (argc != 0 && (argc != 2 || strcmp(argv[0], "--bits") != 0 ||
	    text_u32(argv[1], MINT_BITS_MIN, MINT_BITS_MAX, &bits) == -1)) {
		log_line(LOG_ERROR, "usage: adit token [--bits N], N from %d "
		    "to %d", MINT_BITS_MIN, MINT_BITS_MAX);
		return EXIT_USAGE;
	}
	if (entropy_init() == -1 || mint_token(bits, text) == -1) {
		log_line(LOG_ERROR, "no randomness (/dev/urandom): %s",
		    strerror(errno));
		return EXIT_LOCAL;
	}
	n = strlen(text);
	text[n++] = '\n';
	return print(text, n);
}

/* What both sides need before they begin: randomness, and what the token
 * becomes, which takes a while once.  The token itself goes. */
static int
prepare_seal(const struct config *c)
{
	/* A ticket's secret has the check word of its room. */
	bool strong = word_check(tunnel.token.bytes, tunnel.token.len, "") ||
	    word_check(tunnel.token.bytes, tunnel.token.len, c->room);
	int rc;

	if (!strong && tunnel.token.len < SHORT_TOKEN)
		log_line(LOG_NOTE, "a short token can be guessed; \"adit "
		    "token\" makes a good one");
	turn_init(&tunnel.turns, strong);
	session_init(&tunnel.sessions, &tunnel.roster);
	rc = kdf_token(&tunnel.token, KDF_TOKEN, tunnel.w);
	secret_wipe(&tunnel.token, sizeof(tunnel.token));
	secret_scrub();
	if (rc == -1) {
		log_line(LOG_ERROR, "no memory: the token needs 16 MiB once");
		return -1;
	}
	if (entropy_init() == -1 || keeper_init(&tunnel.keeper,
	    local_end(c) == CTL_STDIO ? 1 : KEEPER_ATTEMPTS) == -1) {
		log_line(LOG_ERROR, "no randomness (/dev/urandom): %s",
		    strerror(errno));
		return -1;
	}
	return 0;
}

/* What a relay wants to know of servers. */
static int
prepare_auth(struct config *c)
{
	char why[TOKEN_WHY_MAX];
	int rc = auth_init(&tunnel.auth, c->auth_arg, why);

	if (rc == -1)
		log_line(LOG_ERROR, "--auth: %s", why);
	return rc;
}

/* Before there are threads, and before the secret is here. */
static int
prepare_sandbox(struct config *c)
{
	char why[SANDBOX_WHY_MAX];

	sandbox_enter();
	if (c->user[0] == '\0' || sandbox_find(c->user, &tunnel.user,
	    why) == 0)
		return 0;
	log_line(LOG_ERROR, "--user: %s", why);
	return -1;
}

/* What a server in a room needs, and a relay. */
static int
prepare_meeting(struct config *c)
{
	struct waiter *w = &tunnel.waiter;

	if (entropy_init() == -1) {
		log_line(LOG_ERROR, "no randomness (/dev/urandom): %s",
		    strerror(errno));
		return EXIT_LOCAL;
	}
	if (c->auth && prepare_auth(c) == -1)
		return EXIT_USAGE;
	w->relay = &c->peer;
	w->room = c->room;
	w->auth = c->auth ? tunnel.auth.w : NULL;
	w->once = c->once;
	w->publish = !c->publish ? MEET_PUBLISH_NONE : c->udp ?
	    MEET_PUBLISH_UDP : MEET_PUBLISH_TCP;
	w->port = c->publish_port;
	if (waiter_init(w) == -1) {
		log_line(LOG_ERROR, "no randomness (/dev/urandom): %s",
		    strerror(errno));
		return EXIT_LOCAL;
	}
	turn_init(&tunnel.turns, false);
	return 0;
}

/* The token, however it comes. */
static int
prepare_token(struct config *c)
{
	char why[TOKEN_WHY_MAX];
	int rc = token_get(&tunnel.token, c->token_arg, why);

	if (rc == -1)
		log_line(LOG_ERROR, "%s", why);
	return rc;
}

/* Nothing that can be read in argv or the environment is needed any more. */
static void
wipe_arguments(struct config *c)
{
	if (c->token_env != NULL)	/* one that was not used is one, too */
		secret_wipe(c->token_env, strlen(c->token_env));
	if (c->auth_env != NULL && c->auth_env != c->auth_arg)
		secret_wipe(c->auth_env, strlen(c->auth_env));
	if (c->ticket_arg != NULL)
		secret_wipe(c->ticket_arg, strlen(c->ticket_arg));
}

static int
prepare(struct config *c)
{
	int code;

	if (c->role == OPT_RELAY && prepare_sandbox(c) == -1)
		return EXIT_USAGE;
	if (c->form != OPT_SHARE && c->role != OPT_RELAY &&
	    prepare_token(c) == -1)
		return EXIT_USAGE;
	wipe_arguments(c);
	if (c->plain)
		log_line(LOG_NOTE, "not encrypted: anybody on the path can "
		    "read the token and the data");
	/* Before there are threads, who could not be told. */
	if (c->role != OPT_CLIENT &&
	    (c->role == OPT_RELAY || c->room[0] != '\0' ||
	    c->form == OPT_SHARE) && (code = prepare_meeting(c)) != 0)
		return code;
	if (c->auth_env != NULL)	/* as with the token's */
		secret_wipe(c->auth_env, strlen(c->auth_env));
	/* A client that keeps a link dials again at a SIGHUP, and a relay
	 * reads its secret again. */
	if (c->role == OPT_RELAY ||
	    (!c->plain && c->role == OPT_CLIENT && local_end(c) != CTL_STDIO))
		task_catch_hup();
	if (c->form != OPT_SHARE && c->role != OPT_RELAY && !c->plain &&
	    prepare_seal(c) == -1)
		return EXIT_LOCAL;
	if (task_init() == -1) {
		log_line(LOG_ERROR, "cannot start: %s", strerror(errno));
		return EXIT_LOCAL;
	}
	if (c->form != OPT_SHARE)
		return 0;
	if ((code = share_draw(&tunnel, c)) != 0) {
		(void)task_finish(0);
		return code;
	}
	(void)snprintf((char *)tunnel.token.bytes, sizeof(tunnel.token.bytes),
	    "%s", tunnel.secret);
	tunnel.token.len = strlen(tunnel.secret);
	return prepare_seal(c) == -1 ? EXIT_LOCAL : 0;
}

/* All is prepared: do what we are for. */
static int
serve(const struct config *c)
{
	/* What tells on stdout takes orders on stdin. */
	if (c->json_fd == STDOUT_FILENO && control_start(&tunnel) == -1) {
		log_line(LOG_ERROR, "cannot start: %s", strerror(errno));
		(void)task_finish(0);
		return EXIT_LOCAL;
	}
	return c->role == OPT_SERVER ? server_run(&tunnel) :
	    c->role == OPT_CLIENT ? client_run(&tunnel) : relay_run(&tunnel);
}

static int
run(enum opt_role role, enum opt_form form, int argc, char **argv)
{
	static struct config config;
	struct rlimit no_core = { 0, 0 };
	char why[OPT_WHY_MAX];
	int code;

	switch (args_parse(&config, role, form, argc, argv, why)) {
	case ARGS_HELP:
		return usage();
	case ARGS_VERSION:
		return version();
	case ARGS_USAGE:
		log_line(LOG_ERROR, "%s", why);
		return EXIT_USAGE;
	case ARGS_RUN:
		break;
	}
	if (config.json_fd != -1 && fcntl(config.json_fd, F_GETFD) == -1) {
		log_line(LOG_ERROR, "--json-fd wants an open descriptor, and "
		    "%d is none", config.json_fd);
		return EXIT_USAGE;
	}
	log_set_level(config.quiet ? LOG_ERROR :
	    config.verbose ? LOG_STREAM : LOG_NOTE);
	/* A core file would hold the token. */
	(void)setrlimit(RLIMIT_CORE, &no_core);
	event_open(config.json_fd);
	tunnel.config = &config;
	tunnel.version = ADIT_VERSION;
	roster_init(&tunnel.roster, role != OPT_SERVER,
	    role == OPT_CLIENT && config.has_listen);
	if ((code = prepare(&config)) == 0)
		code = serve(&config);
	tell_end(code);
	secret_wipe(&tunnel.token, sizeof(tunnel.token));
	secret_wipe(tunnel.w, sizeof(tunnel.w));
	secret_wipe(tunnel.secret, sizeof(tunnel.secret));
	auth_wipe(&tunnel.auth);
	secret_wipe(config.secret, sizeof(config.secret));
	return code;
}

/* adit status RELAY[:PORT] */
static int
status(int argc, char **argv)
{
	struct hostport hp;
	int code;

	if (argc == 1 && (strcmp(argv[0], "--help") == 0 ||
	    strcmp(argv[0], "-h") == 0))
		return usage();
	if (argc != 1 || opt_relay(argv[0], &hp) == -1) {
		log_line(LOG_ERROR, "usage: adit status RELAY[:PORT]");
		return EXIT_USAGE;
	}
	if (task_init() == -1) {
		log_line(LOG_ERROR, "cannot start: %s", strerror(errno));
		return EXIT_LOCAL;
	}
	code = share_status(&hp);
	(void)task_finish(0);
	return code;
}

static int
role_of(const char *name)
{
	const char *slash = strrchr(name, '/');

	name = slash != NULL ? slash + 1 : name;
	return strcmp(name, "server") == 0 ? OPT_SERVER :
	    strcmp(name, "client") == 0 ? OPT_CLIENT :
	    strcmp(name, "relay") == 0 ? OPT_RELAY : 0;
}

int
main(int argc, char **argv)
{
	enum opt_form form;
	int role, skip = 1;

	if (hold_stdio() == -1)
		return EXIT_LOCAL;
#ifdef __GLIBC__
	/* Large blocks are to go back to the system.  Else the first one that
	 * is freed raises the limit above which they do, and there is room
	 * for the next ones in the heap. */
	(void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	(void)mallopt(M_TOP_PAD, 64 * 1024);
	/* And a heap for each thread that ever allocated would cost more than
	 * all that is in it. */
	(void)mallopt(M_ARENA_MAX, 1);
#endif
	if (argc < 1)
		return EXIT_USAGE;
	if ((role = role_of(argv[0])) == 0 && argc > 1) {
		role = role_of(argv[1]);
		skip = 2;
	}
	if (role != 0)
		return run((enum opt_role)role, OPT_PLACE, argc - skip,
		    argv + skip);
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0))
		return usage();
	if (argc > 1 && (strcmp(argv[1], "--version") == 0 ||
	    strcmp(argv[1], "-V") == 0))
		return version();
	if (argc > 1 && strcmp(argv[1], "token") == 0)
		return mint(argc - 2, argv + 2);
	if (argc > 1 && strcmp(argv[1], "status") == 0)
		return status(argc - 2, argv + 2);
	if (argc > 1 && strcmp(argv[1], "share") == 0)
		return run(OPT_SERVER, OPT_SHARE, argc - 2, argv + 2);
	if (argc > 1 && ticket_like(argv[1]))
		return run(OPT_CLIENT, OPT_TICKET, argc - 1, argv + 1);
	if (argc > 1 && argv[1][0] == '-' &&
	    (form = args_form(argc - 1, argv + 1)) != OPT_PLACE)
		return run(form == OPT_SHARE ? OPT_SERVER : OPT_CLIENT, form,
		    argc - 1, argv + 1);
	if (argc > 1)
		log_line(LOG_ERROR, "unknown command '%.64s': it is share, "
		    "server, client, relay, status, token or a ticket (see "
		    "adit --help)", argv[1]);
	else
		remind();
	return EXIT_USAGE;
}
