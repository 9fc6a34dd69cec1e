/* SPDX-License-Identifier: MIT */
/* main.c - names to subcommands: server and client are links to adit. */

#include <sys/resource.h>

#include <errno.h>
#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "log.h"
#include "opt.h"
#include "server.h"
#include "stream.h"
#include "task.h"
#include "token.h"

#define ADIT_VERSION "0.1.0"

enum { EXIT_DONE = 0, EXIT_LOCAL = 1, EXIT_USAGE = 2 };

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
	static const char text[] = "adit " ADIT_VERSION
	    " (without encryption)\n";

	return print(text, sizeof(text) - 1);
}

static int
run(enum opt_role role, int argc, char **argv)
{
	static struct config config;
	struct rlimit no_core = { 0, 0 };
	char why[OPT_WHY_MAX];
	int code;

	switch (opt_parse(&config, role, argc, argv, why)) {
	case OPT_HELP:
		return usage();
	case OPT_VERSION:
		return version();
	case OPT_USAGE:
		log_line(LOG_ERROR, "%s", why);
		return EXIT_USAGE;
	case OPT_RUN:
		break;
	}
	code = token_get(&tunnel.token, config.token_arg, why);
	if (config.token_env != NULL)	/* one that was not used is one, too */
		secret_wipe(config.token_env, strlen(config.token_env));
	if (code == -1) {
		log_line(LOG_ERROR, "%s", why);
		return EXIT_USAGE;
	}
	log_set_level(config.quiet ? LOG_ERROR :
	    config.verbose ? LOG_STREAM : LOG_NOTE);
	/* A core file would hold the token. */
	(void)setrlimit(RLIMIT_CORE, &no_core);
	if (task_init() == -1) {
		log_line(LOG_ERROR, "cannot start: %s", strerror(errno));
		return EXIT_LOCAL;
	}
	log_line(LOG_NOTE, "not encrypted: anybody on the path can read the "
	    "token and the data");
	tunnel.config = &config;
	code = role == OPT_SERVER ? server_run(&tunnel) : client_run(&tunnel);
	secret_wipe(&tunnel.token, sizeof(tunnel.token));
	return code;
}

static int
role_of(const char *name)
{
	const char *slash = strrchr(name, '/');

	name = slash != NULL ? slash + 1 : name;
	return strcmp(name, "server") == 0 ? OPT_SERVER :
	    strcmp(name, "client") == 0 ? OPT_CLIENT : 0;
}

int
main(int argc, char **argv)
{
	int role, skip = 1;

	if (hold_stdio() == -1)
		return EXIT_LOCAL;
#ifdef __GLIBC__
	/* Else the first large block that is freed raises the limit above
	 * which blocks go back to the system, and later ones stay with us. */
	(void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
#endif
	if (argc < 1)
		return EXIT_USAGE;
	if ((role = role_of(argv[0])) == 0 && argc > 1) {
		role = role_of(argv[1]);
		skip = 2;
	}
	if (role != 0)
		return run((enum opt_role)role, argc - skip, argv + skip);
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0))
		return usage();
	if (argc > 1 && (strcmp(argv[1], "--version") == 0 ||
	    strcmp(argv[1], "-V") == 0))
		return version();
	if (argc > 1)
		log_line(LOG_ERROR, "unknown command '%.64s': it is server or "
		    "client (see adit --help)", argv[1]);
	else
		remind();
	return EXIT_USAGE;
}
