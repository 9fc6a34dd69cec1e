/* SPDX-License-Identifier: MIT */
/* entropy.c - the device as it is, and as it should not be.  The source is
 * included so that its system calls can fail. */

#include <sys/resource.h>
#include <sys/stat.h>

#include "unit.h"

/* What the next calls of read() do: a number of bytes at most, 0: the end, or
 * minus an errno.  Behind the last one read() is itself. */
static const int *script;
static size_t nscript;
static unsigned reads;

/* What open() opens instead. */
static const char *device = "/dev/urandom";

static int
test_open(const char *name, int flags)
{
	CHECK_STR(name, "/dev/urandom");
	return open(device, flags);
}

static ssize_t
test_read(int fd, void *p, size_t n)
{
	int what;

	if (nscript > 0) {
		reads++;
		nscript--;
		if ((what = *script++) < 0) {
			errno = -what;
			return -1;
		}
		if (n > (size_t)what)
			n = (size_t)what;
	}
	return n == 0 ? 0 : read(fd, p, n);
}

#define open test_open
#define read test_read
#include "../../entropy.c"
#undef open
#undef read

#define SCRIPT(...) do {						\
	static const int script_[] = { __VA_ARGS__ };			\
	script = script_;						\
	nscript = sizeof(script_) / sizeof(script_[0]);			\
	reads = 0;							\
} while (0)

static void
once(void)
{
	unsigned before = unit_open_fds();
	uint8_t p[16];

	errno = 0;
	CHECK_EQ(entropy_get(p, sizeof(p)), -1);
	CHECK_EQ(errno, EBADF);
	CHECK_EQ(entropy_init(), 0);
	CHECK_EQ(unit_open_fds(), before + 1);
	CHECK(fcntl(entropy_fd, F_GETFD) & FD_CLOEXEC);
	CHECK_EQ(entropy_init(), 0);
	CHECK_EQ(unit_open_fds(), before + 1);
	CHECK_EQ(entropy_get(p, sizeof(p)), 0);
}

/* All of what was asked for and nothing else is written. */
static void
fills(void)
{
	static uint8_t many[1024 * 1024], again[sizeof(many)];
	uint8_t p[96], set[sizeof(p)];
	size_t n, i, round;

	REQUIRE(entropy_init() == 0);
	for (n = 0; n <= 64; n++) {
		memset(set, 0, sizeof(set));
		for (round = 0; round < 16; round++) {
			memset(p, 0, sizeof(p));
			CHECK_EQ(entropy_get(p + 16, n), 0);
			for (i = 0; i < sizeof(p); i++)
				set[i] |= p[i];
		}
		/* A byte is 0 sixteen times once in 2^128 cases. */
		for (i = 0; i < sizeof(p); i++) {
			unit_row("%zu bytes, byte %zu", n, i);
			CHECK_EQ(set[i] != 0, i >= 16 && i < 16 + n);
		}
	}
	unit_row("many");
	CHECK_EQ(entropy_get(many, sizeof(many)), 0);
	CHECK_EQ(entropy_get(again, sizeof(again)), 0);
	for (i = 0; i < sizeof(many); i += 16)
		CHECK(memcmp(many + i, again + i, 16) != 0);
	CHECK_EQ(entropy_get(unit_guard("0123456789", 10), 10), 0);
}

static void
short_reads(void)
{
	uint8_t p[12], set[12] = { 0 };
	int i, k;

	REQUIRE(entropy_init() == 0);
	/* Each piece goes behind the one before: no byte stays zero. */
	for (i = 0; i < 16; i++) {
		memset(p, 0, sizeof(p));
		SCRIPT(-EINTR, 1, -EINTR, -EINTR, 2, 3, -EINTR, 1, 1);
		CHECK_EQ(entropy_get(p, 8), 0);
		CHECK_EQ(reads, 9);
		CHECK_EQ(nscript, 0);
		for (k = 0; k < 12; k++)
			set[k] |= p[k];
	}
	for (k = 0; k < 12; k++) {
		unit_row("byte %d", k);
		CHECK_EQ(set[k] != 0, k < 8);
	}
	unit_row("%s", "");
	/* One call when it gives all at once. */
	SCRIPT(64, 64);
	CHECK_EQ(entropy_get(p, 8), 0);
	CHECK_EQ(reads, 1);
	nscript = 0;
	/* Nothing asked for, nothing read. */
	SCRIPT(64);
	CHECK_EQ(entropy_get(p, 0), 0);
	CHECK_EQ(reads, 0);
	nscript = 0;
	for (i = 0; i < 4; i++) {
		unit_row("fault %d", i);
		switch (i) {
		case 0:	SCRIPT(-EIO); break;
		case 1:	SCRIPT(7, -EIO); break;
		case 2:	SCRIPT(0); break;
		default: SCRIPT(1, 1, -EINTR, 5, 0); break;
		}
		errno = 0;
		CHECK_EQ(entropy_get(p, 8), -1);
		CHECK_EQ(errno, EIO);
		CHECK_EQ(nscript, 0);
	}
	unit_row("afterwards");
	CHECK_EQ(entropy_get(p, 8), 0);
}

/* What stands in its place must not be believed. */
static void
no_device(void)
{
	char name[] = "/tmp/adit-unit-XXXXXX";
	unsigned before;
	uint8_t p[8];
	int fd;

	REQUIRE((fd = mkstemp(name)) != -1);
	REQUIRE(write(fd, "not random at all", 17) == 17);
	before = unit_open_fds();
	device = name;
	CHECK_EQ(entropy_init(), -1);
	CHECK_EQ(errno, ENODEV);
	CHECK_EQ(entropy_get(p, sizeof(p)), -1);
	(void)unlink(name);
	CHECK_EQ(entropy_init(), -1);
	CHECK_EQ(errno, ENOENT);
	device = "/dev/null";
	CHECK_EQ(entropy_init(), -1);
	CHECK_EQ(errno, EIO);
	CHECK_EQ(entropy_get(p, sizeof(p)), -1);
	device = "/tmp";
	CHECK_EQ(entropy_init(), -1);
	CHECK_EQ(unit_open_fds(), before);
	/* It may be there later. */
	device = "/dev/urandom";
	CHECK_EQ(entropy_init(), 0);
	CHECK_EQ(entropy_get(p, sizeof(p)), 0);
	(void)close(fd);
}

static void
no_descriptors(void)
{
	struct rlimit was, none;
	uint8_t p[8];

	REQUIRE(entropy_init() == 0);
	REQUIRE(getrlimit(RLIMIT_NOFILE, &was) == 0);
	none = was;
	none.rlim_cur = 0;
	REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
	CHECK_EQ(open("/dev/urandom", O_RDONLY), -1);
	CHECK_EQ(errno, EMFILE);
	CHECK_EQ(entropy_get(p, sizeof(p)), 0);
	/* What looks for leaks at the end opens files. */
	REQUIRE(setrlimit(RLIMIT_NOFILE, &was) == 0);
}

enum { THREADS = 8, DRAWS = 4000 };

struct draw {
	uint8_t bytes[16];
};

static struct draw draws[THREADS * DRAWS];

static void *
draw_main(void *arg)
{
	struct draw *d = arg;
	int i;

	for (i = 0; i < DRAWS; i++) {
		if (entropy_get(d[i].bytes, sizeof(d[i].bytes)) == -1)
			return arg;
	}
	return NULL;
}

static int
by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct draw));
}

static void
threads(void)
{
	pthread_t thread[THREADS];
	void *failed;
	int i;

	REQUIRE(entropy_init() == 0);
	for (i = 0; i < THREADS; i++)
		REQUIRE(pthread_create(&thread[i], NULL, draw_main,
		    draws + i * DRAWS) == 0);
	for (i = 0; i < THREADS; i++) {
		REQUIRE(pthread_join(thread[i], &failed) == 0);
		CHECK(failed == NULL);
	}
	qsort(draws, THREADS * DRAWS, sizeof(draws[0]), by_bytes);
	for (i = 1; i < THREADS * DRAWS; i++)
		CHECK(by_bytes(&draws[i - 1], &draws[i]) != 0);
}

int
main(void)
{
	unit_case("entropy: opened once, closed on exec", once);
	unit_case("entropy: fills what it is asked to", fills);
	unit_case("entropy: short reads, interruptions, faults", short_reads);
	unit_case("entropy: something else of that name", no_device);
	unit_case("entropy: there when descriptors have run out",
	    no_descriptors);
	unit_case("entropy: eight threads, no two draws alike", threads);
	return unit_end();
}
