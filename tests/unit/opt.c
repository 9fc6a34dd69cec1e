/* SPDX-License-Identifier: MIT */
/* opt.c - arguments and environment to a config, or to one sentence. */

#include "opt.h"
#include "unit.h"

enum { ARGS_MAX = 20 };

static struct config config;
static char why[OPT_WHY_MAX];

/* Parse the words of a line; "''" is an empty one. */
static enum opt_verdict
parse(enum opt_role role, const char *line)
{
	static char text[512];
	char *argv[ARGS_MAX + 1], *p, *word;
	int argc = 0;

	(void)snprintf(text, sizeof(text), "%s", line);
	for (p = text; (word = strtok(p, " ")) != NULL; p = NULL) {
		REQUIRE(argc < ARGS_MAX);
		argv[argc++] = strcmp(word, "''") == 0 ? word + 2 : word;
	}
	argv[argc] = NULL;
	memset(why, '?', sizeof(why));
	why[0] = '\0';
	unit_row("%s %s", role == OPT_SERVER ? "server" : "client", line);
	return opt_parse(&config, role, argc, argv, why);
}

static void
clear_environment(void)
{
	static const char *const names[] = {
		"ADIT_TO", "ADIT_LISTEN", "ADIT_UDP", "ADIT_PLAIN",
		"ADIT_DRAIN", "ADIT_IDLE", "ADIT_LINGER", "ADIT_UDP_IDLE",
		"ADIT_MAX_CONNS", "ADIT_VERBOSE", "ADIT_QUIET", "ADIT_TOKEN"
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		REQUIRE(unsetenv(names[i]) == 0);
}

static void
defaults(void)
{
	clear_environment();
	CHECK_EQ(parse(OPT_SERVER, "0.0.0.0 7000 tok"), OPT_RUN);
	CHECK_EQ(config.role, OPT_SERVER);
	CHECK_STR(config.peer.host, "0.0.0.0");
	CHECK_EQ(config.peer.port, 7000);
	CHECK_STR(config.token_arg, "tok");
	CHECK(config.token_env == NULL);
	CHECK_EQ(config.to.port, 0);
	CHECK(!config.has_listen && !config.udp && !config.plain);
	CHECK(!config.verbose && !config.quiet);
	CHECK_EQ(config.drain_s, 5);
	CHECK_EQ(config.idle_s, 0);
	CHECK_EQ(config.linger_s, 7200);
	CHECK_EQ(config.udp_idle_s, 120);
	CHECK_EQ(config.max_conns, 1024);
	CHECK_EQ(parse(OPT_CLIENT, "h 1 tok"), OPT_RUN);
	CHECK_EQ(config.role, OPT_CLIENT);
	CHECK_EQ(config.peer.port, 1);
}

/* Options between, before and behind the arguments, in all spellings. */
static void
good(void)
{
	static const char *const servers[] = {
		"--to 10.0.0.1:22 -u --udp-idle 9 --drain 7 0.0.0.0 0 tok",
		"0.0.0.0 --to=10.0.0.1:22 0 --udp tok --drain=7 --udp-idle=9",
		"0.0.0.0 0 tok --drain 7 --udp-idle 9 --to 10.0.0.1:22 -u",
		"-u --drain 1 --drain 7 --udp-idle 9 --to 10.0.0.1:22 -- "
		    "0.0.0.0 0 tok"
	};
	static const char *const clients[] = {
		"h 5 tok --listen 80 -v --idle 3 --linger 0 --max-conns 2",
		"--listen=127.0.0.1:80 --verbose --idle=3 h 5 tok --linger=0 "
		    "--max-conns=2 --plain"
	};
	size_t i;

	clear_environment();
	for (i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
		CHECK_EQ(parse(OPT_SERVER, servers[i]), OPT_RUN);
		CHECK_STR(config.peer.host, "0.0.0.0");
		CHECK_EQ(config.peer.port, 0);
		CHECK_STR(config.token_arg, "tok");
		CHECK_STR(config.to.host, "10.0.0.1");
		CHECK_EQ(config.to.port, 22);
		CHECK(config.udp);
		CHECK_EQ(config.drain_s, 7);
		CHECK_EQ(config.udp_idle_s, 9);
	}
	for (i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		CHECK_EQ(parse(OPT_CLIENT, clients[i]), OPT_RUN);
		CHECK(config.has_listen && config.verbose);
		CHECK_STR(config.listen.host, "127.0.0.1");
		CHECK_EQ(config.listen.port, 80);
		CHECK_EQ(config.idle_s, 3);
		CHECK_EQ(config.linger_s, 0);
		CHECK_EQ(config.max_conns, 2);
	}
	/* Behind -- nothing is an option; a - alone never is. */
	CHECK_EQ(parse(OPT_CLIENT, "h 5 -- -u"), OPT_RUN);
	CHECK_STR(config.token_arg, "-u");
	CHECK_EQ(parse(OPT_CLIENT, "-- h 5 --"), OPT_RUN);
	CHECK_STR(config.token_arg, "--");
	CHECK_EQ(parse(OPT_CLIENT, "h 5 -"), OPT_RUN);
	CHECK_STR(config.token_arg, "-");
	CHECK_EQ(parse(OPT_CLIENT, "h 5 ''"), OPT_RUN);
	CHECK_STR(config.token_arg, "");
}

static void
bad(void)
{
	static const struct {
		enum opt_role role;
		const char *line, *part;	/* of the sentence */
	} rows[] = {
		{ OPT_SERVER, "", "something is missing" },
		{ OPT_SERVER, "0.0.0.0", "something is missing" },
		{ OPT_SERVER, "0.0.0.0 7000", "no token" },
		{ OPT_CLIENT, "h 7000", "no token" },
		{ OPT_CLIENT, "h 7000 a b", "too many" },
		{ OPT_CLIENT, "h 7000 a b c d e", "too many" },
		{ OPT_CLIENT, "h 0 t", "'0' is no port" },
		{ OPT_CLIENT, "h 65536 t", "'65536' is no port" },
		{ OPT_SERVER, "h 65536 t", "'65536' is no port" },
		{ OPT_SERVER, "h 80x t", "'80x' is no port" },
		{ OPT_SERVER, "h +80 t", "'+80' is no port" },
		{ OPT_SERVER, "h '' t", "'' is no port" },
		{ OPT_SERVER, "'' 80 t", "'' is no address" },
		{ OPT_SERVER, "a/b 80 t", "'a/b' is no address" },
		{ OPT_SERVER, "h 80 t --to", "--to wants HOST:PORT" },
		{ OPT_SERVER, "h 80 t --to=", "--to wants HOST:PORT" },
		{ OPT_SERVER, "h 80 t --to h", "--to wants HOST:PORT" },
		{ OPT_SERVER, "h 80 t --to h:0", "--to wants HOST:PORT" },
		{ OPT_SERVER, "h 80 t --to 80", "--to wants HOST:PORT" },
		{ OPT_SERVER, "h 80 t --to ::1:80", "--to wants HOST:PORT" },
		{ OPT_SERVER, "h 80 t --listen 1",
		    "--listen is for the client" },
		{ OPT_CLIENT, "h 80 t --to h:1", "--to is for the server" },
		{ OPT_CLIENT, "h 80 t --listen", "--listen wants" },
		{ OPT_CLIENT, "h 80 t --listen x", "--listen wants" },
		{ OPT_CLIENT, "h 80 t --listen 70000", "--listen wants" },
		{ OPT_SERVER, "h 80 t -u", "-u wants --to" },
		{ OPT_CLIENT, "h 80 t -u", "-u wants --listen" },
		{ OPT_CLIENT, "h 80 t --udp=1", "takes no value" },
		{ OPT_CLIENT, "h 80 t --drain x", "--drain wants" },
		{ OPT_CLIENT, "h 80 t --drain -1", "--drain wants" },
		{ OPT_CLIENT, "h 80 t --drain 1000001", "--drain wants" },
		{ OPT_CLIENT, "h 80 t --idle 1.5", "--idle wants" },
		{ OPT_CLIENT, "h 80 t --linger ''", "--linger wants" },
		{ OPT_CLIENT, "h 80 t --udp-idle 0", "--udp-idle wants" },
		{ OPT_CLIENT, "h 80 t --max-conns 0", "--max-conns wants" },
		{ OPT_CLIENT, "h 80 t --max-conns 65536", "--max-conns wants" },
		{ OPT_CLIENT, "h 80 t -v -q", "exclude each other" },
		{ OPT_CLIENT, "h 80 t --frob", "unknown option --frob " },
		{ OPT_CLIENT, "h 80 t --frob=x", "unknown option --frob " },
		{ OPT_CLIENT, "h 80 t -x", "unknown option -x " },
		{ OPT_CLIENT, "h 80 t --", NULL },
		{ OPT_CLIENT, "h 80 t -Z --help", "unknown option -Z " },
		{ OPT_CLIENT, "h 80 t --hel", "unknown option --hel " },
		{ OPT_CLIENT, "h 80 t --help=1", NULL }
	};
	size_t i;

	clear_environment();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].part == NULL) {
			CHECK(parse(rows[i].role, rows[i].line) != OPT_USAGE);
			continue;
		}
		CHECK_EQ(parse(rows[i].role, rows[i].line), OPT_USAGE);
		if (strstr(why, rows[i].part) == NULL)
			unit_fail(__FILE__, __LINE__, "says: %s", why);
		CHECK(memchr(why, '\0', sizeof(why)) != NULL);
		CHECK(strpbrk(why, "\n\r") == NULL);
	}
}

/* However long the arguments are, the sentence is one short line. */
static void
long_ones(void)
{
	static const char *const before[] = {
		"", "h ", "h 80 t --to ", "h 80 t --", "h 80 t -",
		"h 80 t --to=", "h 80 t --drain="
	};
	char line[480];
	size_t i, n;

	clear_environment();
	for (i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		n = strlen(before[i]);
		memcpy(line, before[i], n);
		memset(line + n, 'x', 400);
		memcpy(line + n + 400, i < 2 ? " 1 t" : "", i < 2 ? 5 : 1);
		CHECK_EQ(parse(OPT_SERVER, line), OPT_USAGE);
		CHECK(memchr(why, '\0', sizeof(why)) != NULL);
	}
}

static void
special(void)
{
	clear_environment();
	CHECK_EQ(parse(OPT_SERVER, "--help"), OPT_HELP);
	CHECK_EQ(parse(OPT_SERVER, "-h"), OPT_HELP);
	CHECK_EQ(parse(OPT_CLIENT, "h 80 t --help"), OPT_HELP);
	CHECK_EQ(parse(OPT_CLIENT, "--version"), OPT_VERSION);
	CHECK_EQ(parse(OPT_CLIENT, "-V --frob"), OPT_VERSION);
	CHECK_EQ(parse(OPT_CLIENT, "h 80 -- -h"), OPT_RUN);
}

static void
environment(void)
{
	clear_environment();
	REQUIRE(setenv("ADIT_TOKEN", "from env", 1) == 0);
	CHECK_EQ(parse(OPT_CLIENT, "h 80"), OPT_RUN);
	CHECK_STR(config.token_arg, "from env");
	CHECK(config.token_arg == config.token_env);
	CHECK_EQ(parse(OPT_CLIENT, "h 80 arg"), OPT_RUN);
	CHECK_STR(config.token_arg, "arg");
	/* Not used, and yet a secret to be wiped. */
	CHECK_STR(config.token_env, "from env");
	REQUIRE(setenv("ADIT_DRAIN", "9", 1) == 0);
	REQUIRE(setenv("ADIT_LISTEN", "8080", 1) == 0);
	REQUIRE(setenv("ADIT_UDP", "1", 1) == 0);
	REQUIRE(setenv("ADIT_VERBOSE", "0", 1) == 0);
	REQUIRE(setenv("ADIT_IDLE", "", 1) == 0);	/* as if not there */
	REQUIRE(setenv("ADIT_TO", "bad", 1) == 0);	/* for the server */
	CHECK_EQ(parse(OPT_CLIENT, "h 80"), OPT_RUN);
	CHECK_EQ(config.drain_s, 9);
	CHECK(config.has_listen && config.udp && !config.verbose);
	CHECK_EQ(config.listen.port, 8080);
	CHECK_EQ(parse(OPT_CLIENT, "h 80 --drain 1"), OPT_RUN);
	CHECK_EQ(config.drain_s, 1);
	CHECK_EQ(parse(OPT_SERVER, "h 80"), OPT_USAGE);
	CHECK(strstr(why, "ADIT_TO in the environment") != NULL);
	REQUIRE(setenv("ADIT_UDP", "yes", 1) == 0);
	CHECK_EQ(parse(OPT_CLIENT, "h 80"), OPT_USAGE);
	CHECK(strstr(why, "ADIT_UDP in the environment") != NULL);
}

/* What could be a token is not repeated. */
static void
discreet(void)
{
	clear_environment();
	CHECK_EQ(parse(OPT_CLIENT, "h SECRET"), OPT_USAGE);
	CHECK(strstr(why, "SECRET") == NULL);
	CHECK_EQ(parse(OPT_CLIENT, "h 80 -SECRET"), OPT_USAGE);
	CHECK(strstr(why, "ECRET") == NULL);
	CHECK_EQ(parse(OPT_CLIENT, "h 80 SECRET x"), OPT_USAGE);
	CHECK(strstr(why, "SECRET") == NULL);
	CHECK_EQ(parse(OPT_CLIENT, "SECRET"), OPT_USAGE);
	CHECK(strstr(why, "SECRET") == NULL);
}

static void
usage(void)
{
	char text[OPT_USAGE_MAX];
	size_t i, n, column = 0;

	n = opt_usage(text);
	CHECK(n > 0 && n < OPT_USAGE_MAX);
	CHECK_EQ(strlen(text), n);
	CHECK_EQ(text[n - 1], '\n');
	for (i = 0; i < n; i++) {
		column = text[i] == '\n' ? 0 : column + 1;
		unit_row("%.30s", text + i - column + 1);
		CHECK(column <= 110);
	}
	unit_row("%s", "");
	CHECK(strstr(text, "--to HOST:PORT") != NULL);
	CHECK(strstr(text, "-u, --udp") != NULL);
	CHECK(strstr(text, "[ADIT_MAX_CONNS]") != NULL);
}

int
main(void)
{
	unit_case("opt: defaults", defaults);
	unit_case("opt: good ones", good);
	unit_case("opt: bad ones", bad);
	unit_case("opt: long ones", long_ones);
	unit_case("opt: help and version", special);
	unit_case("opt: environment", environment);
	unit_case("opt: does not repeat a token", discreet);
	unit_case("opt: usage", usage);
	return unit_end();
}
