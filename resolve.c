/* SPDX-License-Identifier: MIT */
/* resolve.c - names to addresses, within a deadline.
 *
 * getaddrinfo() knows no deadline and cannot be interrupted.  So it runs in a
 * thread that nobody waits for: the job's result is shared by that thread and
 * the one that asked, and whoever lets go of it last frees it.  The asking
 * side waits on a pipe, like for everything else.  Addresses in numbers, and
 * localhost (which an empty chroot could not look up), need none of this. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "resolve.h"
#include "task.h"

struct job {
	pthread_mutex_t mu;		/* guards all below but host, port */
	int holders;
	int rc;				/* getaddrinfo()'s */
	int n;
	struct net_addr addrs[RESOLVE_MAX];
	int done_fd;			/* closed when the answer is there */
	char host[TEXT_HOST_MAX];
	char port[TEXT_PORT_MAX];
};

static void
job_release(struct job *j)
{
	int left;

	(void)pthread_mutex_lock(&j->mu);
	left = --j->holders;
	(void)pthread_mutex_unlock(&j->mu);
	if (left > 0)
		return;
	(void)pthread_mutex_destroy(&j->mu);
	free(j);
}

static int
copy_addrs(const struct addrinfo *list, struct net_addr *out, size_t max)
{
	const struct addrinfo *ai;
	size_t n = 0;

	for (ai = list; ai != NULL && n < max; ai = ai->ai_next) {
		if (ai->ai_addrlen > sizeof(out[n].ss))
			continue;
		memcpy(&out[n].ss, ai->ai_addr, ai->ai_addrlen);
		out[n].len = ai->ai_addrlen;
		n++;
	}
	return (int)n;
}

static int
look_up(const char *host, const char *port, int flags, struct net_addr *out,
    size_t max, int *n)
{
	struct addrinfo hints, *list;
	int rc;

	memset(&hints, 0, sizeof(hints));
	hints.ai_flags = flags | AI_NUMERICSERV;
	hints.ai_family = AF_UNSPEC;
	hints.ai_socktype = SOCK_STREAM;	/* one entry an address */
	if ((rc = getaddrinfo(host, port, &hints, &list)) != 0)
		return rc;
	*n = copy_addrs(list, out, max);
	freeaddrinfo(list);
	return *n > 0 ? 0 : EAI_NONAME;
}

static void
job_run(void *arg)
{
	struct job *j = arg;
	struct net_addr addrs[RESOLVE_MAX];
	int n = 0, rc, fd;

	rc = look_up(j->host, j->port, 0, addrs, RESOLVE_MAX, &n);
	(void)pthread_mutex_lock(&j->mu);
	memcpy(j->addrs, addrs, sizeof(addrs[0]) * (size_t)n);
	j->n = n;
	j->rc = rc;
	fd = j->done_fd;
	(void)pthread_mutex_unlock(&j->mu);
	(void)close(fd);
	job_release(j);
}

/* Look a name up in a side thread.  Returns as resolve_host() does. */
static int
ask(const struct hostport *hp, const struct net_wait *w,
    struct net_addr out[RESOLVE_MAX], char why[RESOLVE_WHY_MAX])
{
	struct job *j;
	int p[2], i, err, n = -1;

	if ((j = calloc(1, sizeof(*j))) == NULL || pipe(p) == -1) {
		err = errno;
		free(j);
		goto fail;
	}
	for (i = 0; i < 2; i++)
		(void)fcntl(p[i], F_SETFD, FD_CLOEXEC);
	(void)pthread_mutex_init(&j->mu, NULL);
	j->holders = 2;
	j->done_fd = p[1];
	memcpy(j->host, hp->host, sizeof(j->host));
	(void)snprintf(j->port, sizeof(j->port), "%u", (unsigned)hp->port);
	if (task_side(job_run, j) == -1) {
		err = errno;
		(void)close(p[1]);
		j->holders = 1;
		goto out;
	}
	if (net_await(p[0], w) == -1) {
		err = errno;
		goto out;
	}
	err = 0;
	(void)pthread_mutex_lock(&j->mu);
	if (j->rc == 0) {
		n = j->n;
		memcpy(out, j->addrs, sizeof(*out) * (size_t)n);
	} else
		(void)snprintf(why, RESOLVE_WHY_MAX, "cannot resolve %s: %s",
		    hp->host, gai_strerror(j->rc));
	(void)pthread_mutex_unlock(&j->mu);
out:
	(void)close(p[0]);
	job_release(j);
fail:
	if (err != 0)
		(void)snprintf(why, RESOLVE_WHY_MAX, "cannot resolve %s: %s",
		    hp->host, strerror(err));
	errno = err;
	return n;
}

static bool
numeric(const struct hostport *hp, struct net_addr *out)
{
	struct sockaddr_in *four = (struct sockaddr_in *)&out->ss;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&out->ss;
	char port[TEXT_PORT_MAX];
	int n;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, hp->host, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(hp->port);
		out->len = sizeof(*four);
		return true;
	}
	if (inet_pton(AF_INET6, hp->host, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(hp->port);
		out->len = sizeof(*six);
		return true;
	}
	/* fe80::1%eth0: only the system knows its interfaces' names. */
	if (strchr(hp->host, '%') == NULL)
		return false;
	(void)snprintf(port, sizeof(port), "%u", (unsigned)hp->port);
	return look_up(hp->host, port, AI_NUMERICHOST, out, 1, &n) == 0;
}

int
resolve_host(const struct hostport *hp, const struct net_wait *w,
    struct net_addr out[RESOLVE_MAX], char why[RESOLVE_WHY_MAX])
{
	struct hostport four = { "127.0.0.1", hp->port };
	struct hostport six = { "::1", hp->port };

	if (numeric(hp, &out[0]))
		return 1;
	if (strcasecmp(hp->host, "localhost") != 0)	/* RFC 6761 6.3 */
		return ask(hp, w, out, why);
	(void)numeric(&four, &out[0]);
	(void)numeric(&six, &out[1]);
	return 2;
}
