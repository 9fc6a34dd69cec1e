/* SPDX-License-Identifier: MIT */
/* dial.c - from what people type to a socket: dial it, or listen there. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dial.h"
#include "resolve.h"
#include "task.h"

int
dial_host(const struct hostport *hp, int type, int watch,
    struct net_addr *peer, char why[DIAL_WHY_MAX])
{
	struct net_wait w = { task_now() + DIAL_RESOLVE_MS, watch };
	struct net_addr addrs[RESOLVE_MAX];
	char name[TEXT_HOSTPORT_MAX];
	int fd = -1, i, n, err = 0, first_err = 0;

	if ((n = resolve_host(hp, &w, addrs, why)) == -1)
		return -1;
	for (i = 0; i < n && fd == -1; i++) {
		fd = net_connect(&addrs[i], type, watch);
		err = errno;
		if (fd != -1)
			*peer = addrs[i];
		else if (err == ECANCELED || err == ECONNABORTED)
			break;
		else if (first_err == 0)
			first_err = err;
	}
	if (fd != -1)
		return fd;
	if (err != ECANCELED && err != ECONNABORTED)
		err = first_err;
	text_hostport_name(hp, name);
	(void)snprintf(why, DIAL_WHY_MAX, "cannot connect to %s: %s", name,
	    strerror(err));
	errno = err;
	return -1;
}

static const char *
listen_advice(int err)
{
	switch (err) {
	case EACCES:
		return " (ports below 1024 need root or CAP_NET_BIND_SERVICE)";
	case EADDRINUSE:
		return " (another program has this port; take another, or 0 "
		    "for any free one)";
	case EADDRNOTAVAIL:
		return " (not an address of this machine; 0.0.0.0 or :: mean "
		    "all of them)";
	default:
		return "";
	}
}

int
dial_listen(const struct hostport *hp, int type, struct net_addr *bound,
    char why[DIAL_WHY_MAX])
{
	struct net_wait w = { task_now() + DIAL_RESOLVE_MS, -1 };
	struct net_addr at[RESOLVE_MAX];
	char name[TEXT_HOSTPORT_MAX];
	int fd = -1, i, n, err = 0;

	if ((n = resolve_host(hp, &w, at, why)) == -1)
		return -1;
	for (i = 0; i < n && fd == -1; i++) {
		fd = net_listen(&at[i], type, bound);
		if (fd == -1 && err == 0)
			err = errno;
	}
	if (fd != -1)
		return fd;
	text_hostport_name(hp, name);
	(void)snprintf(why, DIAL_WHY_MAX, "cannot listen on %s: %s%s", name,
	    strerror(err), listen_advice(err));
	errno = err;
	return -1;
}
