/* SPDX-License-Identifier: MIT */
/* unit.h - what the unit tests share.
 *
 * Every case runs in a process of its own, with a time limit: a crash, a leak
 * or a case that hangs is one line like every other failure, and what is
 * global to a process (a stop, a signal, stdin) is fresh for each case. */
#ifndef UNIT_H
#define UNIT_H

#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	UNIT_SECONDS = 60,		/* for each case */
	UNIT_GUARD = 256 * 1024		/* the most that unit_guard() takes */
};

static int unit_fd = -1;		/* the child's way to say what failed */
static char unit_where[160];		/* the row of a table we are in */
static bool unit_failed;
static int unit_failures;		/* of all cases */

/* How long the machine has let nobody of us run, in ms: a process of its own
 * sleeps for moments, and sees how much longer each of them was. */
static _Atomic int64_t *unit_stalled;	/* shared with that process */
static int64_t unit_stalled_before;	/* this case */
static pid_t unit_meter;

/* Name the row that the next checks are about. */
__attribute__((format(printf, 1, 2))) static inline void
unit_row(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(unit_where, sizeof(unit_where), fmt, ap);
	va_end(ap);
}

/* A check failed: the case goes on, and the first such sentence is kept. */
__attribute__((format(printf, 3, 4))) static inline void
unit_fail(const char *file, int line, const char *fmt, ...)
{
	char text[480], what[240];
	va_list ap;
	int n;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	n = snprintf(text, sizeof(text), "%s:%d: %s%s%s%s", file, line, what,
	    unit_where[0] != '\0' ? " [" : "", unit_where,
	    unit_where[0] != '\0' ? "]" : "");
	if (!unit_failed && n > 0 && write(unit_fd, text, (size_t)n) == -1)
		abort();
	unit_failed = true;
}

static inline void
unit_eq(const char *file, int line, const char *what, long long is,
    long long should)
{
	if (is != should)
		unit_fail(file, line, "%s is %lld, not %lld", what, is, should);
}

static inline void
unit_str(const char *file, int line, const char *is, const char *should)
{
	if (strcmp(is, should) != 0)
		unit_fail(file, line, "\"%s\" should be \"%s\"", is, should);
}

#define CHECK(x) \
	((x) ? (void)0 : unit_fail(__FILE__, __LINE__, "%s", #x))
#define CHECK_EQ(is, should) \
	unit_eq(__FILE__, __LINE__, #is, (long long)(is), (long long)(should))
#define CHECK_STR(is, should) \
	unit_str(__FILE__, __LINE__, is, should)
#define CHECK_BYTES(is, should, n) \
	CHECK(memcmp(is, should, n) == 0)
/* Without this the case makes no sense any more. */
#define REQUIRE(x) do {							\
	if (!(x)) {							\
		unit_fail(__FILE__, __LINE__, "%s (%s)", #x,		\
		    strerror(errno));					\
		_exit(1);						\
	}								\
} while (0)

static inline int64_t
unit_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static inline void
unit_measure_stalls(void)
{
	enum { MOMENT_MS = 5, USUAL_MS = 10 };
	pid_t parent = getpid();
	int64_t slept_at, now;
	int zero;

	if ((zero = open("/dev/zero", O_RDWR)) == -1 ||
	    (unit_stalled = mmap(NULL, sizeof(*unit_stalled), PROT_READ |
	    PROT_WRITE, MAP_SHARED, zero, 0)) == MAP_FAILED ||
	    (unit_meter = fork()) == -1) {
		perror("unit");
		exit(2);
	}
	(void)close(zero);
	if (unit_meter != 0)
		return;
	for (slept_at = unit_ms(); getppid() == parent; slept_at = now) {
		(void)poll(NULL, 0, MOMENT_MS);
		now = unit_ms();
		if (now - slept_at > USUAL_MS)
			(void)atomic_fetch_add(unit_stalled, now - slept_at -
			    MOMENT_MS);
	}
	_exit(0);
}

/* How long that was since this case began. */
static inline int64_t
unit_stalls(void)
{
	return atomic_load(unit_stalled) - unit_stalled_before;
}

/* Was what took `took` ms quicker than ms?  It is the program that is judged,
 * not the machine: whoever works has been held up for longer than one who
 * merely sleeps. */
static inline bool
unit_within(int64_t took, int64_t ms)
{
	return took < ms + 2 * unit_stalls();
}

static inline void
unit_child(void (*fn)(void), int fd)
{
	unit_fd = fd;
	unit_stalled_before = atomic_load(unit_stalled);
	(void)alarm(UNIT_SECONDS);
	fn();
	exit(unit_failed ? 1 : 0);
}

/* Run one case; print its line. */
static inline void
unit_case(const char *name, void (*fn)(void))
{
	char detail[512];
	ssize_t n;
	pid_t pid;
	int p[2], status = 0;

	(void)fflush(stdout);
	if (unit_stalled == NULL)
		unit_measure_stalls();
	if (pipe(p) == -1 || (pid = fork()) == -1) {
		perror(name);
		exit(2);
	}
	if (pid == 0) {
		(void)close(p[0]);
		unit_child(fn, p[1]);
	}
	(void)close(p[1]);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	/* Whoever the child left behind may hold the pipe: do not wait. */
	(void)fcntl(p[0], F_SETFL, O_NONBLOCK);
	n = read(p[0], detail, sizeof(detail) - 1);
	detail[n > 0 ? n : 0] = '\0';
	(void)close(p[0]);
	if (status == 0 && n <= 0) {
		printf("ok %s\n", name);
		return;
	}
	unit_failures++;
	if (WIFSIGNALED(status))
		printf("not ok %s: signal %d%s%s%s\n", name, WTERMSIG(status),
		    WTERMSIG(status) == SIGALRM ? ", too slow" : "",
		    detail[0] ? "; " : "", detail);
	else
		printf("not ok %s: %s\n", name,
		    detail[0] ? detail : "leaked or crashed, see above");
}

/* Run fn in one more fresh process: what is asked of it may not be undone (a
 * stop), or must be tried often. */
static inline void
unit_again(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		(void)alarm(UNIT_SECONDS);
		fn();
		exit(unit_failed ? 1 : 0);
	}
	REQUIRE(pid != -1 && waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		unit_failed = true;	/* and it has said so */
	else if (status != 0)
		unit_fail(__FILE__, __LINE__, "ended with status %d", status);
}

static inline int
unit_end(void)
{
	if (unit_stalled != NULL)
		(void)kill(unit_meter, SIGKILL);
	return unit_failures > 0 ? 1 : 0;
}

/* n bytes, copied so that the byte after them cannot be touched.  Good until
 * the next call. */
static inline uint8_t *
unit_guard(const void *p, size_t n)
{
	static uint8_t *map;
	int zero;

	REQUIRE(n <= UNIT_GUARD);
	if (map == NULL) {
		REQUIRE((zero = open("/dev/zero", O_RDWR)) != -1);
		map = mmap(NULL, 2 * UNIT_GUARD, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE, zero, 0);
		REQUIRE(map != MAP_FAILED);
		(void)close(zero);
		REQUIRE(mprotect(map + UNIT_GUARD, UNIT_GUARD, PROT_NONE) ==
		    0);
	}
	if (n > 0)
		memcpy(map + UNIT_GUARD - n, p, n);
	return map + UNIT_GUARD - n;
}

static inline unsigned
unit_digit(char c)
{
	const char *hex = "0123456789abcdef", *at = strchr(hex, c);

	REQUIRE(c != '\0' && at != NULL);
	return (unsigned)(at - hex);
}

/* Hexadecimal to bytes, size at most; "-" and "0" are none.  Returns how
 * many. */
static inline size_t
unit_hex(const char *s, uint8_t *out, size_t size)
{
	size_t n = 0;

	if (strcmp(s, "-") == 0 || strcmp(s, "0") == 0)
		return 0;
	for (; s[0] != '\0'; s += 2) {
		REQUIRE(n < size);
		out[n] = (uint8_t)(unit_digit(s[0]) << 4);
		out[n++] |= (uint8_t)unit_digit(s[1]);
	}
	return n;
}

/* The next row of a file of vectors (tests/vectors), split at " | " into
 * exactly n words of line, the first of which names it.  False at the end. */
static inline bool
unit_read_row(FILE *f, char *line, size_t size, char *word[], int n)
{
	char *p;
	int i;

	while (fgets(line, (int)size, f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#' || line[0] == '\0')
			continue;
		p = line;
		for (i = 0; i < n; i++) {
			REQUIRE(p != NULL);
			word[i] = p;
			if ((p = strstr(p, " | ")) != NULL) {
				*p = '\0';
				p += 3;
			}
		}
		REQUIRE(p == NULL);
		unit_row("%s", word[0]);
		return true;
	}
	return false;
}

/* A field of a test vector, and what should be the same. */
struct unit_field {
	uint8_t b[1024];
	size_t n;
};

static inline void
unit_check_field(const char *what, const void *is, size_t n,
    const struct unit_field *should)
{
	unit_row("%s", what);
	CHECK_EQ(n, should->n);
	if (n == should->n)
		CHECK_BYTES(is, should->b, n);
}

/* Read the vectors of a file of lines "NAME | HEXADECIMAL", of which each has
 * all the names, in that order ("name" has no bytes), and check each with what
 * stands in v.  Returns how many there are. */
static inline int
unit_read_vectors(const char *path, const char *const *names, int nnames,
    struct unit_field *v, void (*check_one)(const struct unit_field *))
{
	static char line[2 * sizeof(v->b) + 32];
	FILE *f = fopen(path, "r");
	int i = 0, n = 0;
	char *word[2];

	REQUIRE(f != NULL);
	while (unit_read_row(f, line, sizeof(line), word, 2)) {
		unit_row("vector %d, %s", n + 1, word[0]);
		REQUIRE(strcmp(word[0], names[i]) == 0);
		if (strcmp(names[i], "name") != 0)
			v[i].n = unit_hex(word[1], v[i].b, sizeof(v[i].b));
		if (++i < nnames)
			continue;
		check_one(v);
		i = 0;
		n++;
	}
	(void)fclose(f);
	unit_row("the file");
	CHECK_EQ(i, 0);
	return n;
}

static inline void
unit_check_hex(const void *is, size_t n, const char *should)
{
	uint8_t bytes[512];

	REQUIRE(unit_hex(should, bytes, sizeof(bytes)) == n);
	CHECK_BYTES(is, bytes, n);
}

/* Bytes that are hard to confuse: no period that a buffer size divides. */
static inline void
unit_fill(uint8_t *p, size_t n, unsigned seed)
{
	uint32_t x = seed * 2654435761u + 1;
	size_t i;

	for (i = 0; i < n; i++) {
		x = x * 1664525u + 1013904223u;
		p[i] = (uint8_t)(x >> 24);
	}
}

/* Until that is so, or it is no use to wait any longer. */
#define UNIT_AWAIT(x) do {						\
	int64_t unit_until = unit_ms() + 15000;			\
	while (!(x) && unit_ms() < unit_until)			\
		unit_sleep(1);						\
	CHECK(x);							\
} while (0)

static inline void
unit_sleep(int ms)
{
	(void)poll(NULL, 0, ms);
}

/* A listener on 127.0.0.1 with a short queue; its address in *sin. */
static inline int
unit_listener(struct sockaddr_in *sin, int backlog)
{
	socklen_t len = sizeof(*sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	REQUIRE(bind(fd, (struct sockaddr *)sin, sizeof(*sin)) == 0);
	REQUIRE(listen(fd, backlog) == 0);
	REQUIRE(getsockname(fd, (struct sockaddr *)sin, &len) == 0);
	return fd;
}

/* Two ends of one TCP connection on loopback. */
static inline void
unit_tcp(int fd[2])
{
	struct sockaddr_in sin;
	int lfd = unit_listener(&sin, 1);

	REQUIRE((fd[0] = socket(AF_INET, SOCK_STREAM, 0)) != -1);
	REQUIRE(connect(fd[0], (struct sockaddr *)&sin, sizeof(sin)) == 0);
	REQUIRE((fd[1] = accept(lfd, NULL, NULL)) != -1);
	(void)close(lfd);
}

/* So many bytes are there to be read. */
static inline bool
unit_has_bytes(int fd, size_t n)
{
	uint8_t buf[256];

	return n <= sizeof(buf) && recv(fd, buf, sizeof(buf), MSG_PEEK |
	    MSG_DONTWAIT) >= (ssize_t)n;
}

/* Close with a reset. */
static inline void
unit_reset(int fd)
{
	struct linger lg = { 1, 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg));
	(void)close(fd);
}

static inline void
unit_int_option(int fd, int name, int v)
{
	REQUIRE(setsockopt(fd, SOL_SOCKET, name, &v, sizeof(v)) == 0);
}

/* Blocking reads and writes of fd come back after ms. */
static inline void
unit_timeouts(int fd, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static inline unsigned
unit_open_fds(void)
{
	unsigned n = 0;
	int fd;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

#endif
