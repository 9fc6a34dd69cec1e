/* SPDX-License-Identifier: MIT */
/* log.c - one line, one write; the only file that writes stderr. */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

enum { LOG_WAIT_MS = 100 };

static enum log_level log_level = LOG_NOTE;

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
/* mu guards this: */
static char last_error[LOG_LINE_MAX] = "failed";

void
log_set_level(enum log_level level)
{
	log_level = level;
}

/* How many of the n >= 1 bytes at p could steer a terminal: a control of
 * ASCII or Latin-1, or one that turns the writing's direction, in UTF-8. */
static int
steers(const unsigned char *p, int n)
{
	if (p[0] < ' ' || p[0] == 0x7f)
		return 1;
	if (n >= 2 && p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
		return 2;
	if (n >= 3 && p[0] == 0xe2 &&
	    ((p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae) ||
	    (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)))
		return 3;
	return 0;
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	struct pollfd p = { STDERR_FILENO, POLLOUT, 0 };
	char line[LOG_LINE_MAX];
	int saved = errno;
	int i, n, ready, bad;
	va_list ap;

	if (level > log_level)
		return;
	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	for (i = 0; i < n; i += bad > 0 ? bad : 1) {
		bad = steers((const unsigned char *)line + i, n - i);
		memset(line + i, '?', (size_t)bad);
	}
	if (level == LOG_ERROR) {
		(void)pthread_mutex_lock(&mu);
		memcpy(last_error, line, (size_t)n);
		last_error[n] = '\0';
		(void)pthread_mutex_unlock(&mu);
	}
	line[n++] = '\n';
	/* Whoever does not read our messages must not hold us up. */
	if ((ready = poll(&p, 1, LOG_WAIT_MS)) == -1)
		ready = poll(&p, 1, 0);
	if (ready != 0 && write(p.fd, line, (size_t)n) == -1) {
		/* Nowhere left to complain. */
	}
	errno = saved;
}

void
log_last_error(char line[LOG_LINE_MAX])
{
	(void)pthread_mutex_lock(&mu);
	memcpy(line, last_error, LOG_LINE_MAX);
	(void)pthread_mutex_unlock(&mu);
}
