/* SPDX-License-Identifier: MIT */
/* token.c - where the shared secret comes from. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "token.h"

static volatile sig_atomic_t asked_to_end;

static void
on_signal(int sig)
{
	asked_to_end = sig;
}

/* Read up to n bytes; a line's end ends it too if line is set.  Returns how
 * many, n + 1 if there were more, or -1 with errno. */
static ssize_t
read_bytes(int fd, unsigned char *p, size_t n, int line)
{
	unsigned char byte;
	size_t have = 0;
	ssize_t got;

	for (;;) {
		got = read(fd, &byte, 1);
		if (got == -1 && errno == EINTR && !asked_to_end)
			continue;
		if (got == -1)
			return -1;
		if (got == 0 || (line && byte == '\n'))
			break;
		if (have == n) {
			have++;
			break;
		}
		p[have++] = byte;
	}
	secret_wipe(&byte, 1);
	return (ssize_t)have;
}

static int
from_file(struct token *t, const char *name, char *why)
{
	unsigned char bytes[TOKEN_MAX + 1];
	ssize_t n = -1;
	int fd, rc = -1;

	if ((fd = open(name, O_RDONLY | O_CLOEXEC)) == -1 ||
	    (n = read_bytes(fd, bytes, sizeof(bytes), 0)) == -1) {
		(void)snprintf(why, TOKEN_WHY_MAX, "cannot read the token "
		    "from %.128s: %s", name, strerror(errno));
		goto out;
	}
	if (n > 0 && n <= (ssize_t)sizeof(bytes) && bytes[n - 1] == '\n')
		n--;
	if (n < 1 || n > TOKEN_MAX) {
		(void)snprintf(why, TOKEN_WHY_MAX, "the token in %.128s must "
		    "have 1 to %d bytes", name, TOKEN_MAX);
		goto out;
	}
	memcpy(t->bytes, bytes, (size_t)n);
	t->len = (size_t)n;
	rc = 0;
out:
	if (fd != -1)
		(void)close(fd);
	secret_wipe(bytes, sizeof(bytes));
	return rc;
}

/* Ask on the terminal.  The echo comes back whatever happens: signals that
 * would end us only interrupt the read, and are taken up again after. */
static int
from_terminal(struct token *t, char *why)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	static const char prompt[] = "token: ";
	struct sigaction sa, old[4];
	struct termios as_was, silent;
	ssize_t n = -1;
	int fd, i;

	if ((fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) == -1 ||
	    tcgetattr(fd, &as_was) == -1) {
		(void)snprintf(why, TOKEN_WHY_MAX, "no terminal to ask for "
		    "the token on; use @FILE or ADIT_TOKEN");
		if (fd != -1)
			(void)close(fd);
		return -1;
	}
	sa.sa_handler = on_signal;
	sa.sa_flags = 0;
	(void)sigemptyset(&sa.sa_mask);
	for (i = 0; i < 4; i++)
		(void)sigaction(signals[i], &sa, &old[i]);
	silent = as_was;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	(void)tcsetattr(fd, TCSAFLUSH, &silent);
	if (write(fd, prompt, sizeof(prompt) - 1) != -1 && !asked_to_end)
		n = read_bytes(fd, t->bytes, TOKEN_MAX, 1);
	if (write(fd, "\n", 1) == -1)
		n = -1;
	(void)tcsetattr(fd, TCSAFLUSH, &as_was);
	(void)close(fd);
	for (i = 0; i < 4; i++)
		(void)sigaction(signals[i], &old[i], NULL);
	if (asked_to_end)
		(void)raise(asked_to_end);
	if (n < 1 || n > TOKEN_MAX) {
		(void)snprintf(why, TOKEN_WHY_MAX, "a token has 1 to %d "
		    "bytes", TOKEN_MAX);
		return -1;
	}
	t->len = (size_t)n;
	return 0;
}

int
token_get(struct token *t, char *arg, char why[TOKEN_WHY_MAX])
{
	size_t n = strlen(arg);
	int rc = 0;

	/* All bytes past the token stay zero: secret_equal() counts on it. */
	memset(t, 0, sizeof(*t));
	if (arg[0] == '@')
		rc = from_file(t, arg + 1, why);
	else if (strcmp(arg, "-") == 0)
		rc = from_terminal(t, why);
	else if (n < 1 || n > TOKEN_MAX) {
		(void)snprintf(why, TOKEN_WHY_MAX, "a token has 1 to %d "
		    "bytes, not %lu", TOKEN_MAX, (unsigned long)n);
		rc = -1;
	} else {
		memcpy(t->bytes, arg, n);
		t->len = n;
	}
	secret_wipe(arg, n);
	if (rc == -1)
		secret_wipe(t, sizeof(*t));
	return rc;
}
