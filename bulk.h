/* SPDX-License-Identifier: MIT */
#ifndef BULK_H
#define BULK_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BULK_BYTES = 256 * 1024,	/* of a buffer, or of a pipe if there */
	BULK_PIPE = 1024 * 1024		/* is no better one */
};

/* What one direction borrows while much passes through it: a pipe through
 * which the kernel moves bytes between two sockets without showing them to us
 * (Linux), or else a large buffer. */
struct bulk {
	int pipe[2];		/* -1 if there is none */
	uint8_t *buf;		/* NULL if there is none */
	size_t size;		/* of what there is */
};

/* Let at most n pipes be in use at once; no limit until this is called. */
void bulk_allow(unsigned n);

/* Nothing borrowed yet. */
void bulk_init(struct bulk *b);

/* Get a pipe if splice is true and the system has one to spare, else a
 * buffer.  Returns 0, or -1 if neither can be had: go on without. */
int bulk_open(struct bulk *b, bool splice);

/* Give everything back.  Any number of times. */
void bulk_close(struct bulk *b);

/* Move what is there, n >= 1 bytes at most, from fd into the pipe, which must
 * be empty, or exactly n >= 1 bytes that are in it (or fewer) to fd.  Return
 * as recv(), send(). */
ssize_t bulk_in(struct bulk *b, int fd, size_t n);
ssize_t bulk_out(struct bulk *b, int fd, size_t n);

#endif
