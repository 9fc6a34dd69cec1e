/* SPDX-License-Identifier: MIT */
/* entropy.c - the system's randomness, and no other.
 *
 * It has no state of its own but a descriptor: whatever goes wrong is an
 * error of the caller's, never a reason to take something weaker. */

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "entropy.h"

/* Set before the first thread is started, and never closed.  Until then it
 * is one that read() refuses. */
static int entropy_fd = -1;

int
entropy_init(void)
{
	int fd = -1, rc = -1, saved;
	struct stat st;
	uint8_t byte;

	if (entropy_fd != -1)
		return 0;
	if ((fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC)) == -1 ||
	    fstat(fd, &st) == -1)
		goto out;
	/* A file of that name, as in a careless chroot, gives all of us the
	 * same bytes. */
	if (!S_ISCHR(st.st_mode)) {
		errno = ENODEV;
		goto out;
	}
	/* And a device that gives nothing is found out now. */
	entropy_fd = fd;
	if ((rc = entropy_get(&byte, 1)) == 0)
		fd = -1;
	else
		entropy_fd = -1;
out:
	if (fd != -1) {
		saved = errno;
		(void)close(fd);
		errno = saved;
	}
	return rc;
}

int
entropy_get(void *p, size_t n)
{
	uint8_t *to = p;
	ssize_t got;

	/* read() of this device is safe in any thread: nothing is shared but
	 * the descriptor, which has no position. */
	while (n > 0) {
		got = read(entropy_fd, to, n);
		if (got == -1 && errno == EINTR)
			continue;
		if (got == 0)
			errno = EIO;	/* randomness has no end */
		if (got <= 0)
			return -1;
		to += got;
		n -= (size_t)got;
	}
	return 0;
}
