/* SPDX-License-Identifier: MIT */
/* log.c - one line, one write; the only file that writes stderr. */

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "log.h"

enum { LOG_WAIT_MS = 100 };

static enum log_level log_level = LOG_NOTE;

void
log_set_level(enum log_level level)
{
	log_level = level;
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	struct pollfd p = { STDERR_FILENO, POLLOUT, 0 };
	char line[LOG_LINE_MAX];
	int saved = errno;
	int i, n, ready;
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
	for (i = 0; i < n; i++) {
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
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
