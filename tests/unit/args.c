/* SPDX-License-Identifier: MIT */
/* args.c - arguments and environment to a config, or to one sentence. */

#include "args.h"
#include "unit.h"

enum { ARGS_MAX = 20 };

static struct config config;
static char why[OPT_WHY_MAX];

static enum opt_form found;		/* what the last one looked like */

/* Parse the words of a line; "''" is an empty one. */
static enum args_verdict
parse_form(enum opt_role role, enum opt_form form, const char *line)
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
	unit_row("%s%s %s", role == OPT_SERVER ? "server" : role == OPT_CLIENT ?
	    "client" : "relay", form == OPT_SHARE ? " share" :
	    form == OPT_TICKET ? " ticket" : "", line);
	found = args_form(argc, argv);
	return args_parse(&config, role, form, argc, argv, why);
}

static enum args_verdict
parse(enum opt_role role, const char *line)
{
	return parse_form(role, OPT_PLACE, line);
}

static void
clear_environment(void)
{
	static const char *const names[] = {
		"ADIT_TO", "ADIT_LISTEN", "ADIT_ALLOW", "ADIT_TARGET",
		"ADIT_UDP", "ADIT_PLAIN", "ADIT_ONCE", "ADIT_DRAIN",
		"ADIT_IDLE", "ADIT_LINGER", "ADIT_UDP_IDLE", "ADIT_MAX_CONNS",
		"ADIT_VERBOSE", "ADIT_JSON", "ADIT_JSON_FD", "ADIT_QUIET",
		"ADIT_TOKEN", "ADIT_PROXY_PROTOCOL", "ADIT_SOURCE_BY_CLIENT",
		"ADIT_RELAY", "ADIT_ROOM", "ADIT_AUTH", "ADIT_MAX_ROOMS",
		"ADIT_MAX_PER_SOURCE", "ADIT_RATE", "ADIT_USER"
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		REQUIRE(unsetenv(names[i]) == 0);
}

static void
defaults(void)
{
	clear_environment();
	CHECK_EQ(parse(OPT_SERVER, "0.0.0.0 7000 tok"), ARGS_RUN);
	CHECK_EQ(config.role, OPT_SERVER);
	CHECK_STR(config.peer.host, "0.0.0.0");
	CHECK_EQ(config.peer.port, 7000);
	CHECK_STR(config.token_arg, "tok");
	CHECK(config.token_env == NULL);
	CHECK_EQ(config.nto, 0);
	CHECK_EQ(config.nallow, 0);
	CHECK_STR(config.target, "");
	CHECK(!config.has_listen && !config.udp && !config.plain);
	CHECK(!config.verbose && !config.quiet && !config.once);
	CHECK(!config.json);
	CHECK_EQ(config.json_fd, -1);
	CHECK_EQ(config.drain_s, 5);
	CHECK_EQ(config.idle_s, 0);
	CHECK_EQ(config.linger_s, 7200);
	CHECK_EQ(config.udp_idle_s, 120);
	CHECK_EQ(config.max_conns, 1024);
	CHECK_EQ(parse(OPT_CLIENT, "h 1 tok"), ARGS_RUN);
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
		CHECK_EQ(parse(OPT_SERVER, servers[i]), ARGS_RUN);
		CHECK_STR(config.peer.host, "0.0.0.0");
		CHECK_EQ(config.peer.port, 0);
		CHECK_STR(config.token_arg, "tok");
		CHECK_EQ(config.nto, 1);
		CHECK_STR(config.to[0].host, "10.0.0.1");
		CHECK_EQ(config.to[0].port, 22);
		CHECK(config.udp);
		CHECK_EQ(config.drain_s, 7);
		CHECK_EQ(config.udp_idle_s, 9);
	}
	for (i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		CHECK_EQ(parse(OPT_CLIENT, clients[i]), ARGS_RUN);
		CHECK(config.has_listen && config.verbose);
		CHECK_STR(config.listen.host, "127.0.0.1");
		CHECK_EQ(config.listen.port, 80);
		CHECK_EQ(config.idle_s, 3);
		CHECK_EQ(config.linger_s, 0);
		CHECK_EQ(config.max_conns, 2);
	}
	/* Behind -- nothing is an option; a - alone never is. */
	CHECK_EQ(parse(OPT_CLIENT, "h 5 -- -u"), ARGS_RUN);
	CHECK_STR(config.token_arg, "-u");
	CHECK_EQ(parse(OPT_CLIENT, "-- h 5 --"), ARGS_RUN);
	CHECK_STR(config.token_arg, "--");
	CHECK_EQ(parse(OPT_CLIENT, "h 5 -"), ARGS_RUN);
	CHECK_STR(config.token_arg, "-");
	CHECK_EQ(parse(OPT_CLIENT, "h 5 ''"), ARGS_RUN);
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
		{ OPT_SERVER, "h 80 t --target 1",
		    "--target is for the client" },
		{ OPT_SERVER, "h 80 t --once",
		    "--once is for the client, or with --room" },
		{ OPT_CLIENT, "h 80 t --allow h:1",
		    "--allow is for the server" },
		{ OPT_CLIENT, "h 80 t --listen", "--listen wants" },
		{ OPT_CLIENT, "h 80 t --listen x", "--listen wants" },
		{ OPT_CLIENT, "h 80 t --listen 70000", "--listen wants" },
		{ OPT_SERVER, "h 80 t -u", "-u wants --to" },
		{ OPT_CLIENT, "h 80 t -u", "-u wants --listen" },
		{ OPT_CLIENT, "h 80 t -u --target 53", "-u wants --listen" },
		/* One end to each side, and one that fits. */
		{ OPT_SERVER, "h 80 t --listen 1 --to h:1",
		    "--listen and --to on the same side" },
		{ OPT_SERVER, "h 80 t --listen 1 --allow *:1",
		    "--listen and --to on the same side" },
		{ OPT_CLIENT, "h 80 t --listen 1 --to h:1",
		    "--listen and --to on the same side" },
		{ OPT_CLIENT, "h 80 t --target 1 --to h:1",
		    "--target asks the server" },
		{ OPT_CLIENT, "h 80 t --to h:1 --to h:2",
		    "one --to is enough at the client" },
		/* Who comes is told to a TCP service beside the server. */
		{ OPT_SERVER, "h 80 t --to h:1 --proxy-protocol",
		    "--proxy-protocol wants 1 or 2" },
		{ OPT_SERVER, "h 80 t --to h:1 --proxy-protocol 3",
		    "--proxy-protocol wants 1 or 2" },
		{ OPT_SERVER, "h 80 t --to h:1 --proxy-protocol=v0",
		    "--proxy-protocol wants 1 or 2" },
		{ OPT_SERVER, "h 80 t --to h:1 --proxy-protocol=vv1",
		    "--proxy-protocol wants 1 or 2" },
		{ OPT_SERVER, "h 80 t --to h:1 --proxy-protocol=",
		    "--proxy-protocol wants 1 or 2" },
		{ OPT_SERVER, "h 80 t --proxy-protocol 1",
		    "--proxy-protocol wants a service" },
		{ OPT_SERVER, "h 80 t --source-by-client",
		    "--source-by-client wants a service" },
		{ OPT_SERVER, "h 80 t --listen 1 --proxy-protocol 1",
		    "--proxy-protocol wants a service" },
		{ OPT_SERVER, "h 80 t -u --to h:1 --proxy-protocol 1",
		    "--proxy-protocol is for TCP" },
		{ OPT_SERVER, "h 80 t -u --to h:1 --source-by-client",
		    "--source-by-client is for TCP" },
		{ OPT_CLIENT, "h 80 t --to h:1 --proxy-protocol 1",
		    "--proxy-protocol is for the server" },
		{ OPT_CLIENT, "h 80 t --to h:1 --source-by-client",
		    "--source-by-client is for the server" },
		{ OPT_SERVER, "h 80 t --allow *:* --proxy-protocol v1", NULL },
		{ OPT_SERVER, "h 80 t --to h:1 --proxy-protocol 2 --plain "
		    "--source-by-client", NULL },
		/* What the plain handshake cannot do. */
		{ OPT_SERVER, "h 80 t --plain --listen 1",
		    "--listen at the server is not possible with --plain" },
		{ OPT_CLIENT, "h 80 t --plain --to h:1",
		    "--to at the client is not possible with --plain" },
		{ OPT_SERVER, "h 80 t --plain --to h:1 --to h:2",
		    "more than one --to is not possible with --plain" },
		{ OPT_SERVER, "h 80 t --plain --allow h:1",
		    "--allow is not possible with --plain" },
		{ OPT_CLIENT, "h 80 t --plain --listen 1 --target 1",
		    "--target is not possible with --plain" },
		{ OPT_CLIENT, "h 80 t --plain --once",
		    "--once is not possible with --plain" },
		{ OPT_SERVER, "h 80 t --plain --to h:1", NULL },
		{ OPT_CLIENT, "h 80 t --plain --listen 1", NULL },
		{ OPT_SERVER, "h 80 t --plain", NULL },
		{ OPT_CLIENT, "h 80 t --plain", NULL },
		/* stdout has one use. */
		{ OPT_SERVER, "h 80 t --json", "--json writes to stdout" },
		{ OPT_CLIENT, "h 80 t --json --target 1",
		    "--json writes to stdout" },
		{ OPT_SERVER, "h 80 t --json --json-fd 1",
		    "--json writes to stdout" },
		{ OPT_CLIENT, "h 80 t --json-fd 1",
		    "--json writes to stdout" },
		{ OPT_SERVER, "h 80 t --json-fd 0", "--json-fd wants" },
		{ OPT_SERVER, "h 80 t --json-fd -1", "--json-fd wants" },
		{ OPT_SERVER, "h 80 t --json-fd x", "--json-fd wants" },
		{ OPT_SERVER, "h 80 t --json --to h:1", NULL },
		{ OPT_SERVER, "h 80 t --json --allow *:*", NULL },
		{ OPT_SERVER, "h 80 t --json --listen 1", NULL },
		{ OPT_SERVER, "h 80 t --json-fd 3", NULL },
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
			CHECK(parse(rows[i].role, rows[i].line) != ARGS_USAGE);
			continue;
		}
		CHECK_EQ(parse(rows[i].role, rows[i].line), ARGS_USAGE);
		if (strstr(why, rows[i].part) == NULL)
			unit_fail(__FILE__, __LINE__, "says: %s", why);
		CHECK(memchr(why, '\0', sizeof(why)) != NULL);
		CHECK(strpbrk(why, "\n\r") == NULL);
	}
}

#define TICKET "127.0.0.1:7000/8442-fuvan-gohoz-dozos-sibip"

/* mtunnel's flags, as Go has them. */
static void
go_flags(void)
{
	static const struct {
		const char *line;
		enum opt_form form;
		const char *part;	/* of the sentence; NULL: good */
		int port, udp;		/* shared, or listened at; -1: none */
	} rows[] = {
		{ "-port 8080 --relay r", OPT_SHARE, NULL, 8080, 0 },
		{ "-port=8080 --relay r", OPT_SHARE, NULL, 8080, 0 },
		{ "--port 8080 --relay r", OPT_SHARE, NULL, 8080, 0 },
		{ "--relay r --port=8080", OPT_SHARE, NULL, 8080, 0 },
		{ "-port 8080 -network udp --relay r", OPT_SHARE, NULL, 8080,
		    1 },
		{ "-network=tcp -port 80 --relay r", OPT_SHARE, NULL, 80, 0 },
		{ "-u --network=tcp -port 80 --relay r", OPT_SHARE, NULL, 80,
		    0 },
		{ "-port 80 -token '' --relay r", OPT_SHARE, NULL, 80, 0 },
		{ "-port 80", OPT_SHARE, "which relay?", 0, 0 },
		{ "-port", OPT_SHARE, "-port wants", 0, 0 },
		{ "-port=", OPT_SHARE, "-port wants", 0, 0 },
		{ "-port 0 --relay r", OPT_SHARE, "-port wants", 0, 0 },
		{ "-port 65536 --relay r", OPT_SHARE, "-port wants", 0, 0 },
		{ "-port h:80 --relay r", OPT_SHARE, "-port wants", 0, 0 },
		{ "-port 80 81 --relay r", OPT_SHARE, "too many", 0, 0 },
		{ "-port 80 -port 81 --relay r", OPT_SHARE, "too many", 0, 0 },
		{ "-port 80 -network sctp --relay r", OPT_SHARE,
		    "-network wants", 0, 0 },
		{ "-port 80 -network", OPT_SHARE, "-network wants", 0, 0 },
		{ "-port 80 -ports 1 --relay r", OPT_SHARE, "unknown option",
		    0, 0 },
		{ "-token " TICKET, OPT_TICKET, NULL, -1, 0 },
		{ "--token=" TICKET " -port 0", OPT_TICKET, NULL, 0, 0 },
		{ "-port=9000 -token " TICKET, OPT_TICKET, NULL, 9000, 0 },
		{ "-token " TICKET " - --json-fd 3", OPT_TICKET, NULL, -1, 0 },
		{ "-token " TICKET " -network udp", OPT_TICKET, NULL, -1, 1 },
		{ "-token " TICKET " -port 65536", OPT_TICKET, "-port wants",
		    0, 0 },
		{ "-token " TICKET " " TICKET, OPT_TICKET, "behind a ticket",
		    0, 0 },
		{ "-token nonsense", OPT_TICKET, "", 0, 0 }
	};
	enum opt_form form;
	enum opt_role role;
	size_t i;

	clear_environment();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		form = rows[i].form;
		role = form == OPT_SHARE ? OPT_SERVER : OPT_CLIENT;
		if (rows[i].part != NULL) {
			CHECK_EQ(parse_form(role, form, rows[i].line),
			    ARGS_USAGE);
			CHECK(strstr(why, rows[i].part) != NULL);
			CHECK(strstr(why, "fuvan") == NULL);
			CHECK(strstr(why, "nonsense") == NULL);
			CHECK_EQ(found, form);
			continue;
		}
		CHECK_EQ(parse_form(role, form, rows[i].line), ARGS_RUN);
		CHECK_EQ(found, form);
		CHECK_EQ(config.udp, rows[i].udp);
		if (form == OPT_SHARE) {
			CHECK_EQ(config.nto, 1);
			CHECK_EQ(config.to[0].port, rows[i].port);
			CHECK_STR(config.to[0].host, "127.0.0.1");
			continue;
		}
		CHECK_STR(config.room, "8442");
		CHECK(strncmp(config.ticket_arg, TICKET, strlen(TICKET)) == 0);
		CHECK_EQ(config.listen_later, rows[i].port == -1 &&
		    strstr(rows[i].line, " - ") == NULL);
		if (rows[i].port != -1)
			CHECK(config.has_listen &&
			    config.listen.port == rows[i].port);
	}
	/* Where there is no ticket they are nobody's. */
	CHECK_EQ(parse_form(OPT_SERVER, OPT_SHARE, "80 --relay r -token "
	    TICKET), ARGS_USAGE);
	CHECK(strstr(why, "-token is for") != NULL);
	CHECK(strstr(why, "fuvan") == NULL);
	CHECK_EQ(parse(OPT_SERVER, "h 80 t -port 80"), ARGS_USAGE);
	CHECK_EQ(parse(OPT_CLIENT, "h 80 t --relay"), ARGS_USAGE);
	CHECK_EQ(found, OPT_PLACE);
	CHECK_EQ(parse(OPT_CLIENT, "h 80 t -- -port 80"), ARGS_USAGE);
	CHECK_EQ(found, OPT_PLACE);
}

static void
who_comes(void)
{
	static const struct {
		const char *text;
		unsigned version;
	} rows[] = { { "1", 1 }, { "v1", 1 }, { "2", 2 }, { "v2", 2 } };
	char line[80];
	size_t i;

	clear_environment();
	CHECK_EQ(parse(OPT_SERVER, "h 80 t --to h:1"), ARGS_RUN);
	CHECK(config.proxy == 0 && !config.source_by_client);
	CHECK_EQ(parse(OPT_SERVER, "h 80 t --to h:1 --source-by-client"),
	    ARGS_RUN);
	CHECK(config.proxy == 0 && config.source_by_client);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(line, sizeof(line),
		    "h 80 t --to h:1 --proxy-protocol %s", rows[i].text);
		CHECK_EQ(parse(OPT_SERVER, line), ARGS_RUN);
		CHECK_EQ(config.proxy, rows[i].version);
		CHECK(!config.source_by_client);
		REQUIRE(setenv("ADIT_PROXY_PROTOCOL", rows[i].text, 1) == 0);
		REQUIRE(setenv("ADIT_SOURCE_BY_CLIENT", "1", 1) == 0);
		CHECK_EQ(parse(OPT_SERVER, "h 80 t --to h:1"), ARGS_RUN);
		CHECK_EQ(config.proxy, rows[i].version);
		CHECK(config.source_by_client);
		/* The client does not look. */
		CHECK_EQ(parse(OPT_CLIENT, "h 80 t --to h:1"), ARGS_RUN);
		CHECK(config.proxy == 0 && !config.source_by_client);
		clear_environment();
	}
}

/* --to, again and again: in the order they came, and no more than fit. */
static void
lists(void)
{
	char line[480];
	size_t n;
	unsigned i;

	clear_environment();
	CHECK_EQ(parse(OPT_SERVER, "h 80 t --to a:1 --to=[::1]:2 --to b:3"),
	    ARGS_RUN);
	CHECK_EQ(config.nto, 3);
	CHECK_STR(config.to[0].host, "a");
	CHECK_STR(config.to[1].host, "::1");
	CHECK_EQ(config.to[1].port, 2);
	CHECK_STR(config.to[2].host, "b");
	CHECK_EQ(config.to[2].port, 3);
	CHECK_EQ(parse(OPT_CLIENT, "h 80 t --to b:2"), ARGS_RUN);
	CHECK_EQ(config.nto, 1);
	/* On the command line a comma is no separator. */
	CHECK_EQ(parse(OPT_SERVER, "h 80 t --to a:1,b:2"), ARGS_USAGE);
	CHECK(strstr(why, "--to wants HOST:PORT") != NULL);
	for (n = 0, i = 1; i <= OPT_LIST_MAX + 1; i++) {
		n += (size_t)snprintf(line + n, sizeof(line) - n, "%sh:%u",
		    i == 1 ? "" : ",", i);
		unit_row("%u services", i);
		REQUIRE(setenv("ADIT_TO", line, 1) == 0);
		CHECK_EQ(parse(OPT_SERVER, "h 80 t"), i <= OPT_LIST_MAX ?
		    ARGS_RUN : ARGS_USAGE);
		if (i <= OPT_LIST_MAX) {
			CHECK_EQ(config.nto, i);
			CHECK_EQ(config.to[i - 1].port, i);
		}
		REQUIRE(setenv("ADIT_ALLOW", line, 1) == 0);
		REQUIRE(unsetenv("ADIT_TO") == 0);
		CHECK_EQ(parse(OPT_SERVER, "h 80 t"), i <= OPT_LIST_MAX ?
		    ARGS_RUN : ARGS_USAGE);
		if (i <= OPT_LIST_MAX)
			CHECK_EQ(config.nallow, i);
		REQUIRE(unsetenv("ADIT_ALLOW") == 0);
	}
}

/* Lists in the environment, where commas separate; one word of that list on
 * the command line takes the place of all. */
static void
environment_lists(void)
{
	static const char *const wrong[] = {
		",", "a:1,", ",a:1", "a:1,,b:2", "a:1, b:2", "a:1;b:2",
		"a:1,b", "a:1,*:2", "a:0"
	};
	char value[TEXT_HOSTPORT_MAX + 40];
	size_t i;

	clear_environment();
	REQUIRE(setenv("ADIT_TO", "a:1,[::1]:2,b:3", 1) == 0);
	REQUIRE(setenv("ADIT_ALLOW", "c:4,*:5,d:*,*:*", 1) == 0);
	CHECK_EQ(parse(OPT_SERVER, "h 80 t"), ARGS_RUN);
	CHECK_EQ(config.nto, 3);
	CHECK_STR(config.to[0].host, "a");
	CHECK_STR(config.to[1].host, "::1");
	CHECK_EQ(config.to[2].port, 3);
	CHECK_EQ(config.nallow, 4);
	CHECK_STR(config.allow[1].host, "*");
	CHECK_EQ(config.allow[1].port, 5);
	CHECK_STR(config.allow[2].host, "d");
	CHECK_EQ(config.allow[2].port, 0);
	CHECK_EQ(parse(OPT_SERVER, "h 80 t --to z:9"), ARGS_RUN);
	CHECK_EQ(config.nto, 1);
	CHECK_STR(config.to[0].host, "z");
	CHECK_EQ(config.nallow, 4);
	CHECK_EQ(parse(OPT_SERVER, "h 80 t --allow z:*"), ARGS_RUN);
	CHECK_EQ(config.nto, 3);
	CHECK_EQ(config.nallow, 1);
	/* --allow is the server's alone: the client does not look. */
	REQUIRE(setenv("ADIT_ALLOW", "?", 1) == 0);
	CHECK_EQ(parse(OPT_CLIENT, "h 80 t --to z:9"), ARGS_RUN);
	CHECK_EQ(config.nto, 1);
	CHECK_EQ(config.nallow, 0);
	REQUIRE(unsetenv("ADIT_ALLOW") == 0);
	/* And a list of --to is the server's, too. */
	CHECK_EQ(parse(OPT_CLIENT, "h 80 t"), ARGS_USAGE);
	CHECK(strstr(why, "one --to is enough at the client") != NULL);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		REQUIRE(setenv("ADIT_TO", wrong[i], 1) == 0);
		CHECK_EQ(parse(OPT_SERVER, "h 80 t"), ARGS_USAGE);
		unit_row("ADIT_TO=%s: %s", wrong[i], why);
		CHECK(strstr(why, "ADIT_TO in the environment should be") !=
		    NULL);
	}
	/* One that is too long for any buffer of ours. */
	memset(value, 'x', sizeof(value));
	memcpy(value, "a:1,", 4);
	memcpy(value + sizeof(value) - 5, ":443", 5);
	REQUIRE(setenv("ADIT_TO", value, 1) == 0);
	CHECK_EQ(parse(OPT_SERVER, "h 80 t"), ARGS_USAGE);
	/* Others are no lists. */
	REQUIRE(unsetenv("ADIT_TO") == 0);
	REQUIRE(setenv("ADIT_TARGET", "1,2", 1) == 0);
	CHECK_EQ(parse(OPT_CLIENT, "h 80 t"), ARGS_USAGE);
	CHECK(strstr(why, "ADIT_TARGET in the environment") != NULL);
}

/* --allow: a host or any, a port or any. */
static void
allows(void)
{
	static const struct {
		const char *text, *host;	/* NULL: refused */
		unsigned port;
	} rows[] = {
		{ "10.0.0.7:22", "10.0.0.7", 22 },
		{ "10.0.0.7:*", "10.0.0.7", 0 },
		{ "*:443", "*", 443 },
		{ "*:*", "*", 0 },
		{ "[::1]:22", "::1", 22 },
		{ "[::1]:*", "::1", 0 },
		{ "a:*", "a", 0 },
		{ "any:*", "any", 0 },
		{ "any:7", "any", 7 },
		{ "[fe80::1%eth0]:*", "fe80::1%eth0", 0 },
		{ "*", NULL, 0 }, { ":*", NULL, 0 }, { "*:", NULL, 0 },
		{ ":", NULL, 0 }, { "", NULL, 0 }, { "22", NULL, 0 },
		{ "a", NULL, 0 }, { "a:0", NULL, 0 }, { "*:0", NULL, 0 },
		{ "a:65536", NULL, 0 }, { "*:65536", NULL, 0 },
		{ "**:1", NULL, 0 }, { "*a:1", NULL, 0 },
		{ "a*:1", NULL, 0 }, { "*.b:1", NULL, 0 },
		{ "a:1*", NULL, 0 }, { "a:**", NULL, 0 },
		{ "*:*:*", NULL, 0 }, { "*:a:1", NULL, 0 },
		{ "*:[::1]:1", NULL, 0 }, { "::1:*", NULL, 0 },
		{ "[::1]*", NULL, 0 }, { "[*]:1", NULL, 0 }
	};
	char line[80], text[TEXT_HOSTPORT_MAX + 40];
	size_t i, n;

	clear_environment();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(line, sizeof(line), "h 80 t --allow=%s",
		    rows[i].text);
		CHECK_EQ(parse(OPT_SERVER, line), rows[i].host != NULL ?
		    ARGS_RUN : ARGS_USAGE);
		if (rows[i].host != NULL) {
			CHECK_EQ(config.nallow, 1);
			CHECK_STR(config.allow[0].host, rows[i].host);
			CHECK_EQ(config.allow[0].port, rows[i].port);
		} else if (strstr(why, "--allow wants HOST:PORT") == NULL)
			unit_fail(__FILE__, __LINE__, "says: %s", why);
	}
	/* At the edge of what a host may be. */
	for (n = TEXT_HOST_MAX - 3; n < TEXT_HOST_MAX + 3; n++) {
		memset(text, 'x', n);
		memcpy(text + n, ":*", 3);
		REQUIRE(setenv("ADIT_ALLOW", text, 1) == 0);
		CHECK_EQ(parse(OPT_SERVER, "h 80 t"), n < TEXT_HOST_MAX ?
		    ARGS_RUN : ARGS_USAGE);
		unit_row("a host of %zu", n);
		if (n < TEXT_HOST_MAX) {
			CHECK_EQ(strlen(config.allow[0].host), n);
			CHECK_EQ(config.allow[0].port, 0);
		}
	}
}

/* What the other side may ask for, and where that is. */
static void
targets(void)
{
	static const char none[] = "h 80 t";
	static const char to[] = "h 80 t --to 127.0.0.1:5432 --to db:5432 "
	    "--to db:22 --to [::1]:22";
	static const char allow[] = "h 80 t --allow 10.0.0.7:22 --allow "
	    "10.0.0.8:* --allow *:443 --allow 127.0.0.1:8080";
	static const char both[] = "h 80 t --to db:22 --allow *:22 --allow "
	    "127.0.0.1:*";
	static const char any[] = "h 80 t --allow *:*";
	static const struct {
		const char *line, *text, *host;	/* NULL: not allowed */
		unsigned port;
	} rows[] = {
		{ none, "", NULL, 0 }, { none, "22", NULL, 0 },
		{ none, "127.0.0.1:22", NULL, 0 },
		/* The first --to is for who does not choose. */
		{ to, "", "127.0.0.1", 5432 },
		{ to, "5432", "127.0.0.1", 5432 },
		{ to, "22", "db", 22 },
		{ to, "db:5432", "db", 5432 },
		{ to, "[::1]:22", "::1", 22 },
		{ to, "127.0.0.1:5432", "127.0.0.1", 5432 },
		{ to, "127.0.0.1:22", NULL, 0 },
		{ to, "80", NULL, 0 }, { to, "db:80", NULL, 0 },
		{ to, "DB:22", NULL, 0 }, { to, "d:22", NULL, 0 },
		{ to, "db.:22", NULL, 0 }, { to, "*:22", NULL, 0 },
		{ to, "db:*", NULL, 0 }, { to, "0", NULL, 0 },
		{ to, "x", NULL, 0 }, { to, ":22", NULL, 0 },
		{ to, "db:22 ", NULL, 0 }, { to, " db:22", NULL, 0 },
		{ to, "db:65558", NULL, 0 },
		/* With --allow alone nothing is the default. */
		{ allow, "", NULL, 0 },
		{ allow, "10.0.0.7:22", "10.0.0.7", 22 },
		{ allow, "10.0.0.7:23", NULL, 0 },
		{ allow, "10.0.0.8:1", "10.0.0.8", 1 },
		{ allow, "10.0.0.8:65535", "10.0.0.8", 65535 },
		{ allow, "10.0.0.8:0", NULL, 0 },
		{ allow, "example.com:443", "example.com", 443 },
		{ allow, "443", "127.0.0.1", 443 },
		{ allow, "8080", "127.0.0.1", 8080 },
		{ allow, "22", NULL, 0 },
		{ allow, "*:443", NULL, 0 },
		{ both, "22", "db", 22 },
		{ both, "other:22", "other", 22 },
		{ both, "80", "127.0.0.1", 80 },
		{ both, "other:80", NULL, 0 },
		{ both, "", "db", 22 },
		{ any, "80", "127.0.0.1", 80 },
		{ any, "[2001:db8::1]:80", "2001:db8::1", 80 },
		{ any, "x:1", "x", 1 },
		{ any, "2001:db8::1:80", NULL, 0 },
		{ any, "a/b:1", NULL, 0 }, { any, "*:1", NULL, 0 },
		{ any, "", NULL, 0 }
	};
	struct hostport hp;
	char text[TEXT_HOSTPORT_MAX * 2];
	size_t i;

	clear_environment();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_EQ(parse(OPT_SERVER, rows[i].line), ARGS_RUN);
		unit_row("%s: %s", rows[i].line, rows[i].text);
		memset(&hp, 0, sizeof(hp));
		CHECK_EQ(opt_target(&config, rows[i].text, &hp),
		    rows[i].host != NULL ? 0 : -1);
		if (rows[i].host != NULL) {
			CHECK_STR(hp.host, rows[i].host);
			CHECK_EQ(hp.port, rows[i].port);
		}
	}
	/* A peer may ask for what is longer than any name. */
	CHECK_EQ(parse(OPT_SERVER, any), ARGS_RUN);
	for (i = 0; i < sizeof(text) - 3; i++) {
		memset(text, 'x', i);
		memcpy(text + i, ":1", 3);
		unit_row("a target of %zu", i);
		CHECK_EQ(opt_target(&config, text, &hp), i >= 1 &&
		    i < TEXT_HOST_MAX ? 0 : -1);
	}
}

/* --target: what the client asks for goes as it was written. */
static void
target_option(void)
{
	static const char *const yes[] = {
		"22", "db:22", "[::1]:22", "10.0.0.7:65535"
	};
	static const char *const no[] = {
		"", "0", "x", "65536", "db:", ":22", "*:22", "db:*", "db:0",
		"::1:22", "a/b:22"
	};
	char line[80];
	size_t i;

	clear_environment();
	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		(void)snprintf(line, sizeof(line), "h 80 t --target=%s",
		    yes[i]);
		CHECK_EQ(parse(OPT_CLIENT, line), ARGS_RUN);
		CHECK_STR(config.target, yes[i]);
	}
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		(void)snprintf(line, sizeof(line), "h 80 t --target=%s",
		    no[i]);
		CHECK_EQ(parse(OPT_CLIENT, line), ARGS_USAGE);
		CHECK(strstr(why, "--target wants a port or HOST:PORT") !=
		    NULL);
	}
}

/* Who writes JSON where. */
static void
json(void)
{
	clear_environment();
	CHECK_EQ(parse(OPT_SERVER, "h 80 t --json --to h:1"), ARGS_RUN);
	CHECK_EQ(config.json_fd, 1);
	CHECK_EQ(parse(OPT_SERVER, "h 80 t --json --json-fd 4 --to h:1"),
	    ARGS_RUN);
	CHECK_EQ(config.json_fd, 4);
	CHECK_EQ(parse(OPT_CLIENT, "h 80 t --json-fd=3"), ARGS_RUN);
	CHECK_EQ(config.json_fd, 3);
	CHECK(!config.json);
	REQUIRE(setenv("ADIT_JSON_FD", "5", 1) == 0);
	CHECK_EQ(parse(OPT_CLIENT, "h 80 t"), ARGS_RUN);
	CHECK_EQ(config.json_fd, 5);
	REQUIRE(setenv("ADIT_JSON", "1", 1) == 0);
	CHECK_EQ(parse(OPT_CLIENT, "h 80 t --listen 1"), ARGS_RUN);
	CHECK(config.json);
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
		CHECK_EQ(parse(OPT_SERVER, line), ARGS_USAGE);
		CHECK(memchr(why, '\0', sizeof(why)) != NULL);
	}
}

static void
special(void)
{
	clear_environment();
	CHECK_EQ(parse(OPT_SERVER, "--help"), ARGS_HELP);
	CHECK_EQ(parse(OPT_SERVER, "-h"), ARGS_HELP);
	CHECK_EQ(parse(OPT_CLIENT, "h 80 t --help"), ARGS_HELP);
	CHECK_EQ(parse(OPT_CLIENT, "--version"), ARGS_VERSION);
	CHECK_EQ(parse(OPT_CLIENT, "-V --frob"), ARGS_VERSION);
	CHECK_EQ(parse(OPT_CLIENT, "h 80 -- -h"), ARGS_RUN);
}

static void
environment(void)
{
	clear_environment();
	REQUIRE(setenv("ADIT_TOKEN", "from env", 1) == 0);
	CHECK_EQ(parse(OPT_CLIENT, "h 80"), ARGS_RUN);
	CHECK_STR(config.token_arg, "from env");
	CHECK(config.token_arg == config.token_env);
	CHECK_EQ(parse(OPT_CLIENT, "h 80 arg"), ARGS_RUN);
	CHECK_STR(config.token_arg, "arg");
	/* Not used, and yet a secret to be wiped. */
	CHECK_STR(config.token_env, "from env");
	REQUIRE(setenv("ADIT_DRAIN", "9", 1) == 0);
	REQUIRE(setenv("ADIT_LISTEN", "8080", 1) == 0);
	REQUIRE(setenv("ADIT_UDP", "1", 1) == 0);
	REQUIRE(setenv("ADIT_VERBOSE", "0", 1) == 0);
	REQUIRE(setenv("ADIT_IDLE", "", 1) == 0);	/* as if not there */
	REQUIRE(setenv("ADIT_ALLOW", "bad", 1) == 0);	/* for the server */
	CHECK_EQ(parse(OPT_CLIENT, "h 80"), ARGS_RUN);
	CHECK_EQ(config.drain_s, 9);
	CHECK(config.has_listen && config.udp && !config.verbose);
	CHECK_EQ(config.listen.port, 8080);
	CHECK_EQ(parse(OPT_CLIENT, "h 80 --drain 1"), ARGS_RUN);
	CHECK_EQ(config.drain_s, 1);
	CHECK_EQ(parse(OPT_SERVER, "h 80"), ARGS_USAGE);
	CHECK(strstr(why, "ADIT_ALLOW in the environment") != NULL);
	REQUIRE(setenv("ADIT_UDP", "yes", 1) == 0);
	CHECK_EQ(parse(OPT_CLIENT, "h 80"), ARGS_USAGE);
	CHECK(strstr(why, "ADIT_UDP in the environment") != NULL);
}

/* What could be a token is not repeated. */
static void
discreet(void)
{
	clear_environment();
	CHECK_EQ(parse(OPT_CLIENT, "h SECRET"), ARGS_USAGE);
	CHECK(strstr(why, "SECRET") == NULL);
	CHECK_EQ(parse(OPT_CLIENT, "h 80 -SECRET"), ARGS_USAGE);
	CHECK(strstr(why, "ECRET") == NULL);
	CHECK_EQ(parse(OPT_CLIENT, "h 80 SECRET x"), ARGS_USAGE);
	CHECK(strstr(why, "SECRET") == NULL);
	CHECK_EQ(parse(OPT_CLIENT, "SECRET"), ARGS_USAGE);
	CHECK(strstr(why, "SECRET") == NULL);
}

/* Whoever is wrong is told so, in words that have this part, and none of what
 * could be a secret. */
static void
check_wrong(enum args_verdict verdict, const char *part)
{
	CHECK_EQ(verdict, ARGS_USAGE);
	if (strstr(why, part) == NULL)
		unit_fail(__FILE__, __LINE__, "says: %s", why);
	CHECK(memchr(why, '\0', sizeof(why)) != NULL);
	CHECK(strpbrk(why, "\n\r") == NULL);
	if (strstr(why, "SECRET") != NULL || strstr(why, "lusab") != NULL ||
	    strstr(why, "babad") != NULL)
		unit_fail(__FILE__, __LINE__, "quotes it: %s", why);
}

static void
relays(void)
{
	static const struct {
		const char *line, *part;
	} wrong[] = {
		{ "", "something is missing: usage: relay IP PORT" },
		{ "0.0.0.0", "something is missing" },
		{ "0.0.0.0 443 SECRET", "too many arguments" },
		{ "a/b 443", "'a/b' is no address" },
		{ "0.0.0.0 65536", "'65536' is no port: it is a number from "
		    "0" },
		{ "0.0.0.0 x", "'x' is no port" },
		{ "0.0.0.0 1 --auth", "--auth wants a secret" },
		{ "0.0.0.0 1 --auth=", "--auth wants a secret" },
		{ "0.0.0.0 1 --auth ''", "--auth wants a secret" },
		{ "0.0.0.0 1 --max-rooms 0", "--max-rooms wants" },
		{ "0.0.0.0 1 --max-rooms 1000001", "--max-rooms wants" },
		{ "0.0.0.0 1 --max-rooms -1", "--max-rooms wants" },
		{ "0.0.0.0 1 --max-per-source 0", "--max-per-source wants" },
		{ "0.0.0.0 1 --max-per-source 1000001",
		    "--max-per-source wants" },
		{ "0.0.0.0 1 --to h:1", "--to is for the server and the "
		    "client" },
		{ "0.0.0.0 1 --listen 1", "--listen is for the server and "
		    "the client" },
		{ "0.0.0.0 1 --room a", "--room is for the server and the "
		    "client" },
		{ "0.0.0.0 1 --relay r", "--relay is for the server" },
		{ "0.0.0.0 1 --target 1", "--target is for the client" },
		{ "0.0.0.0 1 -u", "--udp is for the server and the client" },
		{ "0.0.0.0 1 --plain", "--plain is for" },
		{ "0.0.0.0 1 --once", "--once is for the server" },
		{ "0.0.0.0 1 --idle 1", "--idle is for" },
		{ "0.0.0.0 1 -v -q", "exclude each other" },
		{ "--frob 0.0.0.0 1", "unknown option --frob " }
	};
	size_t i;

	clear_environment();
	CHECK_EQ(parse(OPT_RELAY, "0.0.0.0 0"), ARGS_RUN);
	CHECK_EQ(config.role, OPT_RELAY);
	CHECK_STR(config.peer.host, "0.0.0.0");
	CHECK_EQ(config.peer.port, 0);
	CHECK_EQ(config.max_rooms, 4096);
	CHECK_EQ(config.max_source, 1024);
	CHECK_EQ(config.max_conns, 4096);
	CHECK_EQ(config.drain_s, 5);
	CHECK(!config.auth && config.auth_arg == NULL);
	CHECK(config.token_arg == NULL && config.token_env == NULL);
	CHECK_EQ(parse(OPT_RELAY, ":: 443 --max-rooms 1 --max-per-source=9 "
	    "--max-conns 7 --drain 3 --linger 4 -v --json --auth SECRET"),
	    ARGS_RUN);
	CHECK_EQ(config.max_rooms, 1);
	CHECK_EQ(config.max_source, 9);
	CHECK_EQ(config.max_conns, 7);
	CHECK_EQ(config.drain_s, 3);
	CHECK_EQ(config.linger_s, 4);
	CHECK(config.verbose && config.auth);
	CHECK_EQ(config.json_fd, 1);	/* it carries no data there */
	CHECK_STR(config.auth_arg, "SECRET");
	CHECK_EQ(parse(OPT_RELAY, "--max-rooms 1000000 --max-per-source "
	    "1000000 ::1 1"), ARGS_RUN);
	CHECK_EQ(config.max_rooms, 1000000);
	CHECK_EQ(config.max_source, 1000000);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		check_wrong(parse(OPT_RELAY, wrong[i].line), wrong[i].part);
	/* No token is asked for, and yet one there may be wiped. */
	REQUIRE(setenv("ADIT_TOKEN", "SECRET", 1) == 0);
	REQUIRE(setenv("ADIT_MAX_ROOMS", "5", 1) == 0);
	REQUIRE(setenv("ADIT_MAX_PER_SOURCE", "6", 1) == 0);
	REQUIRE(setenv("ADIT_ROOM", "?", 1) == 0);	/* not ours */
	REQUIRE(setenv("ADIT_RELAY", "?", 1) == 0);
	CHECK_EQ(parse(OPT_RELAY, "0.0.0.0 1"), ARGS_RUN);
	CHECK_STR(config.token_env, "SECRET");
	CHECK_EQ(config.max_rooms, 5);
	CHECK_EQ(config.max_source, 6);
	CHECK_EQ(parse(OPT_RELAY, "0.0.0.0 1 --max-rooms 7"), ARGS_RUN);
	CHECK_EQ(config.max_rooms, 7);
	REQUIRE(setenv("ADIT_MAX_ROOMS", "0", 1) == 0);
	check_wrong(parse(OPT_RELAY, "0.0.0.0 1"),
	    "ADIT_MAX_ROOMS in the environment should be");
}

/* RELAY PORT TOKEN --room NAME */
static void
in_rooms(void)
{
	static const char *const names[] = {
		"a", "z9", "8442", "a_b.c", "._.",
		"0123456789abcdefxyz_.0123456789a"
	};
	static const char *const no_names[] = {
		"''", "A", "a-b", "a/b", "a:1", "\xc3\xa4",
		"0123456789abcdefxyz_.0123456789ab"
	};
	static const struct {
		enum opt_role role;
		const char *line, *part;
	} wrong[] = {
		{ OPT_SERVER, "r 7000 --room a", "no token" },
		{ OPT_CLIENT, "r 7000 --room a", "no token" },
		{ OPT_SERVER, "r --room a", "something is missing: usage: "
		    "server RELAY PORT TOKEN --room NAME" },
		{ OPT_CLIENT, "SECRET --room a", "something is missing: "
		    "usage: client RELAY PORT TOKEN --room NAME" },
		{ OPT_SERVER, "r 1 SECRET x --room a", "too many" },
		/* Nobody listens here. */
		{ OPT_SERVER, "r 0 SECRET --room a", "'0' is no port: it is "
		    "a number from 1" },
		{ OPT_CLIENT, "r 0 SECRET --room a", "'0' is no port" },
		{ OPT_SERVER, "r 1 SECRET --room", "--room wants 1 to 32 of" },
		{ OPT_SERVER, "r 1 SECRET --room a --plain", "meeting at a "
		    "relay is not possible with --plain" },
		{ OPT_CLIENT, "r 1 SECRET --room a --plain", "meeting at a "
		    "relay is not possible with --plain" },
		{ OPT_CLIENT, "r 1 SECRET --room a --auth SECRET",
		    "--auth is for the server and the relay" },
		{ OPT_CLIENT, "r 1 SECRET --auth=SECRET",
		    "--auth is for the server and the relay" },
		{ OPT_CLIENT, "r 1 SECRET --room a --relay x",
		    "--relay is for the server" },
		{ OPT_SERVER, "r 1 SECRET --auth SECRET",
		    "--auth is for a relay: give --room NAME" },
		{ OPT_SERVER, "r 1 SECRET --room a --auth",
		    "--auth wants a secret" },
		{ OPT_SERVER, "r 1 SECRET --room a --auth=",
		    "--auth wants a secret" },
		{ OPT_SERVER, "r 1 SECRET --room a --max-rooms 1",
		    "--max-rooms is for the relay" },
		{ OPT_CLIENT, "r 1 SECRET --room a --max-per-source 1",
		    "--max-per-source is for the relay" },
		{ OPT_SERVER, "r 1 SECRET --room a --auth SECRET --frob",
		    "unknown option --frob " },
		{ OPT_SERVER, "r 1 --room a -SECRET", "unknown option" }
	};
	char line[160];
	size_t i;

	clear_environment();
	CHECK_EQ(parse(OPT_SERVER, "h 1 t"), ARGS_RUN);
	CHECK_STR(config.room, "");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(line, sizeof(line), "r 7000 tok --room %s",
		    names[i]);
		CHECK_EQ(parse(OPT_SERVER, line), ARGS_RUN);
		CHECK_STR(config.room, names[i]);
		CHECK_STR(config.peer.host, "r");
		CHECK_EQ(config.peer.port, 7000);
		CHECK_EQ(config.form, OPT_PLACE);
		CHECK(!config.auth && config.auth_arg == NULL);
		CHECK_EQ(parse(OPT_CLIENT, line), ARGS_RUN);
		CHECK_STR(config.room, names[i]);
	}
	for (i = 0; i < sizeof(no_names) / sizeof(no_names[0]); i++) {
		(void)snprintf(line, sizeof(line), "r 7000 tok --room %s",
		    no_names[i]);
		check_wrong(parse(OPT_SERVER, line), "--room wants 1 to 32 "
		    "of");
		check_wrong(parse(OPT_CLIENT, line), "--room wants 1 to 32 "
		    "of");
	}
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		check_wrong(parse(wrong[i].role, wrong[i].line),
		    wrong[i].part);
	/* A relay's secret stays where it is, to be wiped there. */
	CHECK_EQ(parse(OPT_SERVER, "r 1 tok --room a --auth SECRET"),
	    ARGS_RUN);
	CHECK(config.auth);
	CHECK_STR(config.auth_arg, "SECRET");
	CHECK_EQ(parse(OPT_SERVER, "r 1 tok --auth=SECRET --room=a"),
	    ARGS_RUN);
	CHECK_STR(config.auth_arg, "SECRET");
	memset(config.auth_arg, 0, strlen(config.auth_arg));
	CHECK_EQ(parse(OPT_SERVER, "r 1 tok --room a --auth -"), ARGS_RUN);
	CHECK_STR(config.auth_arg, "-");
	CHECK_EQ(parse(OPT_SERVER, "r 1 tok --room a --auth one --auth two"),
	    ARGS_RUN);
	CHECK_STR(config.auth_arg, "two");
}

static void
rooms_environment(void)
{
	clear_environment();
	REQUIRE(setenv("ADIT_ROOM", "box", 1) == 0);
	REQUIRE(setenv("ADIT_AUTH", "ENVSECRET", 1) == 0);
	REQUIRE(setenv("ADIT_RELAY", "other:9", 1) == 0);
	CHECK_EQ(parse(OPT_SERVER, "r 1 tok"), ARGS_RUN);
	CHECK_STR(config.room, "box");
	CHECK_STR(config.peer.host, "r");	/* as it was given */
	CHECK_EQ(config.peer.port, 1);
	CHECK(config.auth);
	CHECK(config.auth_arg == getenv("ADIT_AUTH"));
	CHECK_EQ(parse(OPT_SERVER, "r 1 tok --room car --auth SECRET"),
	    ARGS_RUN);
	CHECK_STR(config.room, "car");
	CHECK_STR(config.auth_arg, "SECRET");
	/* One that another takes the place of is wiped. */
	CHECK_STR(getenv("ADIT_AUTH"), "");
	REQUIRE(setenv("ADIT_AUTH", "ENVSECRET", 1) == 0);
	CHECK_EQ(parse(OPT_CLIENT, "r 1 tok"), ARGS_RUN);
	CHECK_STR(config.room, "box");
	CHECK(!config.auth && config.auth_arg == NULL);
	CHECK_EQ(parse(OPT_RELAY, "0.0.0.0 1"), ARGS_RUN);
	CHECK_STR(config.auth_arg, "ENVSECRET");
	CHECK_STR(config.room, "");
	check_wrong(parse(OPT_RELAY, "0.0.0.0"), "something is missing");
	REQUIRE(setenv("ADIT_AUTH", "", 1) == 0);	/* as if not there */
	CHECK_EQ(parse(OPT_RELAY, "0.0.0.0 1"), ARGS_RUN);
	CHECK(!config.auth && config.auth_arg == NULL);
	REQUIRE(setenv("ADIT_ROOM", "Box", 1) == 0);
	check_wrong(parse(OPT_SERVER, "r 1 tok"),
	    "ADIT_ROOM in the environment should be 1 to 32 of");
	check_wrong(parse(OPT_CLIENT, "r 1 tok"),
	    "ADIT_ROOM in the environment should be 1 to 32 of");
	REQUIRE(unsetenv("ADIT_ROOM") == 0);
	REQUIRE(setenv("ADIT_RELAY", "a/b", 1) == 0);
	check_wrong(parse_form(OPT_SERVER, OPT_SHARE, "80"),
	    "ADIT_RELAY in the environment should be HOST or HOST:PORT");
	CHECK_EQ(parse_form(OPT_CLIENT, OPT_PLACE, "h 1 tok"), ARGS_RUN);
}

/* adit share [HOST:]PORT --relay HOST[:PORT] */
static void
shares(void)
{
	static const struct {
		const char *line, *host;	/* NULL: stdin and stdout */
		unsigned port, nto;
		const char *relay;
		unsigned relay_port;
	} good[] = {
		{ "8080 --relay r", "127.0.0.1", 8080, 1, "r", 443 },
		{ "--relay=r:7000 db:22", "db", 22, 1, "r", 7000 },
		{ "[::1]:22 --relay [::2]:1", "::1", 22, 1, "::2", 1 },
		{ "- --relay r", NULL, 0, 0, "r", 443 },
		{ "-- 80 --relay", NULL, 0, 0, NULL, 0 },
		/* What is shared comes first, for who does not choose. */
		{ "80 --to h:1 --to h:2 --relay r", "127.0.0.1", 80, 3, "r",
		    443 },
		{ "--to h:1 --to h:2 --relay r", "h", 1, 2, "r", 443 },
		{ "80 --relay r --relay s:5", "127.0.0.1", 80, 1, "s", 5 },
		{ "80 --relay r --room box --auth SECRET", "127.0.0.1", 80, 1,
		    "r", 443 },
		{ "80 -u --relay r", "127.0.0.1", 80, 1, "r", 443 },
		{ "80 --relay r --allow *:*", "127.0.0.1", 80, 1, "r", 443 },
		{ "80 --relay r --proxy-protocol 1", "127.0.0.1", 80, 1, "r",
		    443 },
		{ "80 --relay r --json", "127.0.0.1", 80, 1, "r", 443 }
	};
	static const struct {
		const char *line, *part;
	} wrong[] = {
		{ "", "something is missing: usage: adit share [HOST:]PORT "
		    "--relay HOST[:PORT]" },
		{ "--relay r", "something is missing" },
		{ "80", "which relay? give --relay HOST[:PORT]" },
		{ "-", "which relay?" },
		{ "80 --relay", "--relay wants HOST or HOST:PORT" },
		{ "80 --relay=", "--relay wants HOST or HOST:PORT" },
		{ "80 --relay r:0", "--relay wants" },
		{ "80 --relay r:65536", "--relay wants" },
		{ "80 --relay a/b", "--relay wants" },
		{ "80 --relay :1", "--relay wants" },
		{ "80 81 --relay r", "too many arguments" },
		{ "0 --relay r", "'0' is nothing to share" },
		{ "65536 --relay r", "'65536' is nothing to share" },
		{ "h --relay r", "'h' is nothing to share" },
		{ "h: --relay r", "'h:' is nothing to share" },
		{ "'' --relay r", "'' is nothing to share" },
		{ "80 --relay r --plain", "meeting at a relay is not possible "
		    "with --plain" },
		{ "80 --relay r --listen 1", "--listen and --to on the same "
		    "side" },
		{ "- -u --relay r", "-u wants --to" },
		{ "- --relay r --json", "--json writes to stdout" },
		{ "80 --relay r --target 1", "--target is for the client" },
		{ "80 --relay r --auth", "--auth wants a secret" },
		{ "80 --relay r --auth=", "--auth wants a secret" },
		{ "80 --auth SECRET", "which relay?" },
		{ "80 --relay r --auth SECRET 81", "too many" },
		{ "80 --relay r --frob", "unknown option --frob " },
		{ "80 --relay r --room A", "--room wants" }
	};
	char line[400];
	size_t i, n;

	clear_environment();
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (good[i].relay == NULL) {
			check_wrong(parse_form(OPT_SERVER, OPT_SHARE,
			    good[i].line), "too many");
			continue;
		}
		CHECK_EQ(parse_form(OPT_SERVER, OPT_SHARE, good[i].line),
		    ARGS_RUN);
		CHECK_EQ(config.form, OPT_SHARE);
		CHECK_EQ(config.nto, good[i].nto);
		if (good[i].host != NULL) {
			CHECK_STR(config.to[0].host, good[i].host);
			CHECK_EQ(config.to[0].port, good[i].port);
		}
		CHECK_STR(config.peer.host, good[i].relay);
		CHECK_EQ(config.peer.port, good[i].relay_port);
		/* Which is drawn later. */
		CHECK(config.token_arg == NULL);
		CHECK_STR(config.secret, "");
	}
	CHECK_EQ(parse_form(OPT_SERVER, OPT_SHARE, "80 --to h:1 --to h:2 "
	    "--relay r --room box --auth SECRET"), ARGS_RUN);
	CHECK_EQ(config.to[1].port, 1);
	CHECK_EQ(config.to[2].port, 2);
	CHECK_STR(config.room, "box");
	CHECK_STR(config.auth_arg, "SECRET");
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		check_wrong(parse_form(OPT_SERVER, OPT_SHARE, wrong[i].line),
		    wrong[i].part);
	unit_row("as many as fit");
	n = (size_t)snprintf(line, sizeof(line), "h:1");
	for (i = 2; i < OPT_LIST_MAX + 1; i++) {
		REQUIRE(setenv("ADIT_TO", line, 1) == 0);
		CHECK_EQ(parse_form(OPT_SERVER, OPT_SHARE, "80 --relay r"),
		    ARGS_RUN);
		CHECK_EQ(config.nto, i);
		CHECK_EQ(config.to[0].port, 80);
		CHECK_EQ(config.to[i - 1].port, i - 1);
		n += (size_t)snprintf(line + n, sizeof(line) - n, ",h:%zu", i);
	}
	REQUIRE(setenv("ADIT_TO", line, 1) == 0);
	check_wrong(parse_form(OPT_SERVER, OPT_SHARE, "80 --relay r"),
	    "too many services");
	clear_environment();
	REQUIRE(setenv("ADIT_RELAY", "env.example:7", 1) == 0);
	REQUIRE(setenv("ADIT_AUTH", "SECRET", 1) == 0);
	CHECK_EQ(parse_form(OPT_SERVER, OPT_SHARE, "80"), ARGS_RUN);
	CHECK_STR(config.peer.host, "env.example");
	CHECK_EQ(config.peer.port, 7);
	CHECK_STR(config.auth_arg, "SECRET");
	CHECK_EQ(parse_form(OPT_SERVER, OPT_SHARE, "80 --relay r"), ARGS_RUN);
	CHECK_STR(config.peer.host, "r");
	CHECK_EQ(config.peer.port, 443);
	check_wrong(parse_form(OPT_SERVER, OPT_SHARE, ""),
	    "something is missing");
}

/* adit TICKET [-] */
#define WORDS "lusab-babad-gutih-tugad-lagon"	/* a secret for room 7 */

static void
ticket_form(void)
{
	static const struct {
		const char *line;
		const char *host;
		unsigned port;
		bool later, listen;
		unsigned nto;
	} good[] = {
		{ "r/7-" WORDS, "r", 443, true, true, 0 },
		{ "R:9/7-" WORDS, "R", 9, true, true, 0 },
		{ "[::1]:9/7-" WORDS, "::1", 9, true, true, 0 },
		{ "r/7-LUSAB-Babad-GUTIH-tugad-lagon", "r", 443, true, true,
		    0 },
		{ "r/7-" WORDS " -", "r", 443, false, false, 0 },
		{ "r/7-" WORDS " --listen 80", "r", 443, false, true, 0 },
		{ "--listen 80 r/7-" WORDS, "r", 443, false, true, 0 },
		{ "r/7-" WORDS " --to h:1", "r", 443, false, false, 1 },
		{ "r/7-" WORDS " --target 22", "r", 443, true, true, 0 },
		{ "r/7-" WORDS " -u", "r", 443, true, true, 0 },
		{ "r/7-" WORDS " --once -", "r", 443, false, false, 0 },
		{ "-- r/7-" WORDS " -", "r", 443, false, false, 0 }
	};
	static const struct {
		const char *line, *part;
	} wrong[] = {
		{ "", "something is missing: usage: adit "
		    "RELAY[:PORT]/ROOM-SECRET" },
		{ "r/7-lusab-babad-gutih-tugad-lagom", "" },
		{ "r/8-" WORDS, "" }, { "r/7-SECRET", "" }, { "r/7", "" },
		{ "/7-" WORDS, "" }, { "r:0/7-" WORDS, "" },
		{ "r/7-" WORDS " x", "behind a ticket there may be -" },
		{ "r/7-" WORDS " r/7-" WORDS,
		    "behind a ticket there may be -" },
		{ "r/7-" WORDS " - -", "too many arguments" },
		{ "r/7-" WORDS " - SECRET", "too many arguments" },
		{ "r/7-" WORDS " --plain", "is not possible with --plain" },
		{ "r/7-" WORDS " - --plain", "is not possible with --plain" },
		{ "r/7-" WORDS " - -u", "-u wants --listen" },
		{ "r/7-" WORDS " - --json", "--json writes to stdout" },
		{ "r/7-" WORDS " --to h:1 --target 2", "--target asks" },
		{ "r/7-" WORDS " --listen 1 --to h:2", "--listen and --to" },
		{ "r/7-" WORDS " --relay r", "--relay is for the server" },
		{ "r/7-" WORDS " --auth SECRET", "--auth is for the server" },
		{ "r/7-" WORDS " --allow *:*", "--allow is for the server" },
		{ "r/7-" WORDS " --frob", "unknown option --frob " },
		{ "r/7-" WORDS " --drain x", "--drain wants" }
	};
	size_t i;

	clear_environment();
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CHECK_EQ(parse_form(OPT_CLIENT, OPT_TICKET, good[i].line),
		    ARGS_RUN);
		CHECK_EQ(config.form, OPT_TICKET);
		CHECK_STR(config.peer.host, good[i].host);
		CHECK_EQ(config.peer.port, good[i].port);
		CHECK_STR(config.room, "7");
		CHECK_STR(config.secret, WORDS);
		CHECK(config.token_arg == config.secret);
		CHECK_EQ(config.listen_later, good[i].later);
		CHECK_EQ(config.has_listen, good[i].listen);
		CHECK_EQ(config.nto, good[i].nto);
		/* To be wiped where it stands. */
		CHECK(config.ticket_arg != NULL &&
		    strchr(config.ticket_arg, '/') != NULL);
	}
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (i == 0) {	/* where SECRET is none */
			CHECK_EQ(parse_form(OPT_CLIENT, OPT_TICKET, ""),
			    ARGS_USAGE);
			CHECK(strstr(why, wrong[i].part) != NULL);
			continue;
		}
		/* Too many: the usage has that word as well. */
		if (strcmp(wrong[i].part, "too many arguments") == 0) {
			CHECK_EQ(parse_form(OPT_CLIENT, OPT_TICKET,
			    wrong[i].line), ARGS_USAGE);
			CHECK(strstr(why, wrong[i].part) != NULL);
			CHECK(strstr(why, "lusab") == NULL);
			continue;
		}
		check_wrong(parse_form(OPT_CLIENT, OPT_TICKET,
		    wrong[i].line), wrong[i].part);
		CHECK(why[0] != '\0');
	}
	unit_row("environment");
	REQUIRE(setenv("ADIT_ROOM", "box", 1) == 0);
	REQUIRE(setenv("ADIT_TOKEN", "SECRET", 1) == 0);
	REQUIRE(setenv("ADIT_RELAY", "?", 1) == 0);
	CHECK_EQ(parse_form(OPT_CLIENT, OPT_TICKET, "r/7-" WORDS), ARGS_RUN);
	CHECK_STR(config.room, "7");	/* the ticket's */
	CHECK_STR(config.secret, WORDS);
	CHECK_STR(config.token_env, "SECRET");
	REQUIRE(setenv("ADIT_LISTEN", "8080", 1) == 0);
	CHECK_EQ(parse_form(OPT_CLIENT, OPT_TICKET, "r/7-" WORDS), ARGS_RUN);
	CHECK(config.has_listen && !config.listen_later);
}

static void
relay_places(void)
{
	static const struct {
		const char *text, *host;	/* NULL: none */
		unsigned port;
	} rows[] = {
		{ "r", "r", 443 }, { "r:1", "r", 1 }, { "r:65535", "r", 65535 },
		{ "192.0.2.1", "192.0.2.1", 443 }, { "[::1]:7", "::1", 7 },
		{ "::1", "::1", 443 },
		{ "relay.example", "relay.example", 443 },
		{ "", NULL, 0 }, { ":1", NULL, 0 }, { "r:", NULL, 0 },
		{ "r:0", NULL, 0 }, { "r:65536", NULL, 0 }, { "r:x", NULL, 0 },
		{ "a/b", NULL, 0 }, { "a b", NULL, 0 }
	};
	struct hostport hp;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("%s", rows[i].text);
		memset(&hp, 0, sizeof(hp));
		CHECK_EQ(opt_relay(rows[i].text, &hp), rows[i].host != NULL ?
		    0 : -1);
		if (rows[i].host == NULL)
			continue;
		CHECK_STR(hp.host, rows[i].host);
		CHECK_EQ(hp.port, rows[i].port);
	}
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

/* What a relay has for those who run it. */
static void
operated(void)
{
	static const struct {
		const char *text;
		uint32_t rate;
	} rates[] = {
		{ "0", 0 }, { "0K", 0 }, { "0M", 0 }, { "1024", 1024 },
		{ "1K", 1024 }, { "64K", 65536 }, { "10M", 10485760 },
		{ "4294967295", UINT32_MAX }, { "4194303K", 4294966272 },
		{ "4095M", 4293918720 }
	};
	static const char *const wrong[] = {
		"--rate 1", "--rate 1023", "--rate -1", "--rate ''",
		"--rate K", "--rate 1k", "--rate 1G", "--rate 1KK",
		"--rate 1.5M", "--rate 4294967296", "--rate 4194304K",
		"--rate 4096M", "--rate 99999999999999999999M", "--user ''",
		"--max-rooms 0", "--max-per-source 0",
		"--max-per-source 1000001", "--room a", "--idle 1"
	};
	char line[200];
	size_t i;

	clear_environment();
	CHECK_EQ(parse(OPT_RELAY, "h 1"), ARGS_RUN);
	CHECK_EQ(config.rate, 0);
	CHECK_EQ(config.max_conns, 4096);
	CHECK_EQ(config.max_rooms, 4096);
	CHECK_EQ(config.max_source, 1024);
	CHECK_STR(config.user, "");
	CHECK(!config.auth && config.auth_arg == NULL);
	CHECK_EQ(parse(OPT_RELAY, "h 1 --user nobody:5 --auth=x"), ARGS_RUN);
	CHECK_STR(config.user, "nobody:5");
	CHECK(config.auth && config.auth_env == NULL);
	CHECK_STR(config.auth_arg, "x");
	for (i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		(void)snprintf(line, sizeof(line), "h 1 --rate %s",
		    rates[i].text);
		CHECK_EQ(parse(OPT_RELAY, line), ARGS_RUN);
		CHECK_EQ(config.rate, rates[i].rate);
	}
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		(void)snprintf(line, sizeof(line), "h 1 %s", wrong[i]);
		CHECK_EQ(parse(OPT_RELAY, line), ARGS_USAGE);
	}
	CHECK_EQ(parse(OPT_SERVER, "h 1 tok --rate 1M"), ARGS_USAGE);
	CHECK_EQ(parse(OPT_CLIENT, "h 1 tok --user nobody"), ARGS_USAGE);
	/* The variable is to be wiped whether or not it counts. */
	REQUIRE(setenv("ADIT_AUTH", "y", 1) == 0);
	CHECK_EQ(parse(OPT_RELAY, "h 1"), ARGS_RUN);
	CHECK_STR(config.auth_arg, "y");
	CHECK(config.auth_env == config.auth_arg);
	CHECK_EQ(parse(OPT_RELAY, "h 1 --auth x"), ARGS_RUN);
	CHECK_STR(config.auth_arg, "x");
	CHECK_STR(config.auth_env, "");
	clear_environment();
}

int
main(void)
{
	unit_case("args: defaults", defaults);
	unit_case("args: good ones", good);
	unit_case("args: bad ones", bad);
	unit_case("args: who comes", who_comes);
	unit_case("args: mtunnel's flags", go_flags);
	unit_case("args: lists", lists);
	unit_case("args: lists in the environment", environment_lists);
	unit_case("args: --allow", allows);
	unit_case("args: what may be asked for", targets);
	unit_case("args: --target", target_option);
	unit_case("args: --json", json);
	unit_case("args: long ones", long_ones);
	unit_case("args: help and version", special);
	unit_case("args: environment", environment);
	unit_case("args: does not repeat a token", discreet);
	unit_case("args: a relay", relays);
	unit_case("args: rooms", in_rooms);
	unit_case("args: rooms, in the environment", rooms_environment);
	unit_case("args: share", shares);
	unit_case("args: tickets", ticket_form);
	unit_case("args: where a relay is", relay_places);
	unit_case("args: relays, operated", operated);
	unit_case("args: usage", usage);
	return unit_end();
}
