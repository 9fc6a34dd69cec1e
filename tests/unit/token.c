/* SPDX-License-Identifier: MIT */
/* token.c - tokens from the command line, from files, from a terminal. */

#define _XOPEN_SOURCE 700		/* posix_openpt() */

#include <signal.h>
#include <termios.h>

#include "token.h"
#include "unit.h"

static struct token token;
static char why[TOKEN_WHY_MAX];

/* token_get() wipes its argument, so it gets a copy; then check that. */
static int
get(const char *arg)
{
	static char copy[4096];
	size_t i, n = strlen(arg);
	int rc;

	REQUIRE(n < sizeof(copy));
	memcpy(copy, arg, n + 1);
	memset(&token, 0xa5, sizeof(token));
	why[0] = '\0';
	rc = token_get(&token, copy, why);
	for (i = 0; i < n; i++)
		CHECK_EQ(copy[i], 0);
	CHECK_EQ(rc == -1, why[0] != '\0');
	CHECK(strpbrk(why, "\n\r") == NULL);
	if (rc == -1)
		CHECK_EQ(token.len, 0);
	for (i = token.len; i < TOKEN_MAX; i++)
		CHECK_EQ(token.bytes[i], 0);
	return rc;
}

static void
literal(void)
{
	char text[TOKEN_MAX + 8];
	size_t n;

	for (n = 0; n < sizeof(text); n++) {
		unit_row("%zu bytes", n);
		memset(text, 'k', n);
		text[n] = '\0';
		CHECK_EQ(get(text), n >= 1 && n <= TOKEN_MAX ? 0 : -1);
		if (n < 1 || n > TOKEN_MAX)
			continue;
		CHECK_EQ(token.len, n);
		CHECK_BYTES(token.bytes, text, n);
	}
	CHECK_EQ(get("--"), 0);
	CHECK_EQ(get("a@b"), 0);
	CHECK_EQ(get("-x"), 0);
	CHECK_EQ(get("\xff\n"), 0);
	CHECK_EQ(token.len, 2);
}

/* Make a file with n bytes; returns "@NAME". */
static const char *
file_with(const void *p, size_t n)
{
	static char name[64] = "@/tmp/adit-unit.XXXXXX";
	int fd;

	memcpy(name, "@/tmp/adit-unit.XXXXXX", 23);
	REQUIRE((fd = mkstemp(name + 1)) != -1);
	REQUIRE(write(fd, p, n) == (ssize_t)n);
	(void)close(fd);
	return name;
}

static void
files(void)
{
	static const struct {
		const char *p;
		size_t n, len;		/* len 0: refused */
	} rows[] = {
		{ "", 0, 0 }, { "\n", 1, 0 }, { "a", 1, 1 }, { "a\n", 2, 1 },
		{ "a\n\n", 3, 2 }, { "\n\n", 2, 1 }, { "a\r\n", 3, 2 },
		{ "a\nb\n", 4, 3 }, { "\0", 1, 1 }, { "a\0b", 3, 3 },
		{ "\0\n", 2, 1 }, { " a ", 3, 3 }, { "@x", 2, 2 }, { "-", 1, 1 }
	};
	char text[TOKEN_MAX + 8];
	const char *name;
	size_t i, n;
	int newline;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("row %zu", i);
		name = file_with(rows[i].p, rows[i].n);
		CHECK_EQ(get(name), rows[i].len > 0 ? 0 : -1);
		CHECK_EQ(token.len, rows[i].len);
		CHECK_BYTES(token.bytes, rows[i].p, rows[i].len);
		(void)unlink(name + 1);
	}
	unit_fill((uint8_t *)text, sizeof(text), 9);
	for (n = TOKEN_MAX - 2; n < TOKEN_MAX + 4; n++) {
		for (newline = 0; newline < 2; newline++) {
			unit_row("%zu bytes, newline %d", n, newline);
			text[n - 1] = 'x';
			text[n] = '\n';
			name = file_with(text, n + (size_t)newline);
			CHECK_EQ(get(name), n <= TOKEN_MAX ? 0 : -1);
			if (n <= TOKEN_MAX)
				CHECK_EQ(token.len, n);
			(void)unlink(name + 1);
		}
	}
}

static void
no_files(void)
{
	unsigned before = unit_open_fds();
	char text[3000];

	CHECK_EQ(get("@"), -1);
	CHECK_EQ(get("@/nonexistent/x"), -1);
	CHECK(strstr(why, "/nonexistent/x: No such file") != NULL);
	CHECK_EQ(get("@/tmp"), -1);
	CHECK(strstr(why, "/tmp: Is a directory") != NULL);
	CHECK_EQ(get("@/dev/null"), -1);
	CHECK_EQ(get("@/dev/zero"), -1);	/* has no end */
	memset(text, 'x', sizeof(text));
	text[0] = '@';
	text[sizeof(text) - 1] = '\0';
	CHECK_EQ(get(text), -1);
	CHECK_EQ(unit_open_fds(), before);
}

static void
no_terminal(void)
{
	REQUIRE(setsid() != -1 || errno == EPERM);
	CHECK_EQ(get("-"), -1);
	CHECK(strstr(why, "no terminal") != NULL);
}

/* Have a child with a terminal of its own ask there; type `typed` once it
 * prompts.  Returns its status, the token being in the pipe, and what the
 * terminal showed in `shown`. */
static int
at_terminal(const char *typed, int result[2], char *shown, size_t cap)
{
	struct termios tio;
	int tty, fd, status;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	REQUIRE((tty = posix_openpt(O_RDWR | O_NOCTTY)) != -1);
	REQUIRE(grantpt(tty) == 0 && unlockpt(tty) == 0);
	REQUIRE(pipe(result) == 0);
	REQUIRE((pid = fork()) != -1);
	if (pid == 0) {
		(void)setsid();
		if ((fd = open(ptsname(tty), O_RDWR)) == -1)
			_exit(9);
		(void)close(tty);
		status = get("-");
		if (write(result[1], token.bytes, token.len) == -1)
			_exit(8);
		(void)tcgetattr(fd, &tio);
		_exit((status == -1 ? 1 : 0) +
		    ((tio.c_lflag & ECHO) == 0 ? 2 : 0));
	}
	(void)close(result[1]);
	/* The prompt comes after the echo has been turned off. */
	while (n < cap - 1 && (got = read(tty, shown + n, 1)) == 1 &&
	    n++ != strlen("token: ") - 1)
		continue;
	REQUIRE(write(tty, typed, strlen(typed)) == (ssize_t)strlen(typed));
	while (waitpid(pid, &status, 0) == -1)
		REQUIRE(errno == EINTR);
	(void)fcntl(tty, F_SETFL, O_NONBLOCK);
	while (n < cap - 1 && (got = read(tty, shown + n, 1)) == 1)
		n++;
	shown[n] = '\0';
	(void)close(tty);
	return status;
}

static void
terminal(void)
{
	static const struct {
		const char *typed, *token;
		int status;
	} rows[] = {
		{ "s3cret\n", "s3cret", 0 }, { "\n", "", 1 },
		{ "\004", "", 1 }, { "a b\n", "a b", 0 },
		{ "wrong\025right\n", "right", 0 }	/* ^U */
	};
	char shown[256], is[TOKEN_MAX + 1];
	int result[2], status;
	ssize_t n;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("row %zu", i);
		status = at_terminal(rows[i].typed, result, shown,
		    sizeof(shown));
		CHECK_EQ(status, rows[i].status << 8);
		CHECK(strcmp(shown, "token: \r\n") == 0 ||
		    strcmp(shown, "token: \n") == 0);
		n = read(result[0], is, sizeof(is) - 1);
		is[n > 0 ? n : 0] = '\0';
		CHECK_STR(is, rows[i].token);
		(void)close(result[0]);
	}
}

/* ^C at the prompt ends the process as it should, with the echo back on. */
static void
interrupted(void)
{
	struct termios tio;
	char shown[256];
	int tty, hold, fd, status;
	size_t n = 0;
	pid_t pid;

	REQUIRE((tty = posix_openpt(O_RDWR | O_NOCTTY)) != -1);
	REQUIRE(grantpt(tty) == 0 && unlockpt(tty) == 0);
	/* Held open, so that the terminal's state outlives the child. */
	REQUIRE((hold = open(ptsname(tty), O_RDWR | O_NOCTTY)) != -1);
	REQUIRE((pid = fork()) != -1);
	if (pid == 0) {
		(void)setsid();
		if ((fd = open(ptsname(tty), O_RDWR)) == -1)
			_exit(9);
		(void)get("-");
		_exit(7);
	}
	while (n < strlen("token: ") && read(tty, shown + n, 1) == 1)
		n++;
	REQUIRE(tcgetattr(hold, &tio) == 0);
	CHECK((tio.c_lflag & ECHO) == 0);
	REQUIRE(write(tty, "abc\003", 4) == 4);
	while (waitpid(pid, &status, 0) == -1)
		REQUIRE(errno == EINTR);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
	REQUIRE(tcgetattr(hold, &tio) == 0);
	CHECK((tio.c_lflag & ECHO) != 0);
}

int
main(void)
{
	unit_case("token: from the command line, every length", literal);
	unit_case("token: from files", files);
	unit_case("token: from what is no good file", no_files);
	unit_case("token: no terminal", no_terminal);
	unit_case("token: asked on a terminal", terminal);
	unit_case("token: interrupted while asked", interrupted);
	return unit_end();
}
