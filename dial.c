/* SPDX-License-Identifier: MIT */
/* dial.c - from what people type to a socket: dial it, or listen there. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dial.h"
#include "rank.h"
#include "resolve.h"
#include "task.h"

_Static_assert((int)RANK_ID == (int)NET_PACKED &&
    (int)RANK_MAX >= (int)RESOLVE_MAX, "all addresses of a name");
/* Keep those among n addresses that are in 127.0.0.0/8; returns how many. */
static int
keep_loopback(struct net_addr *addrs, int n)
{
	uint8_t id[NET_ID_MAX];		/* port, and host */
	int i, kept = 0;

	for (i = 0; i < n; i++) {
		(void)net_id(&addrs[i], id);
		if (addrs[i].ss.ss_family == AF_INET && id[2] == 127)
			addrs[kept++] = addrs[i];
	}
	return kept;
}

int
dial_host_from(const struct net_addr *from, const struct hostport *hp,
    int type, int watch, struct net_addr *peer, char why[DIAL_WHY_MAX])
{
	struct net_wait w = { task_now() + DIAL_RESOLVE_MS, watch };
	struct net_addr addrs[RESOLVE_MAX];
	char name[TEXT_HOSTPORT_MAX];
	int fd = -1, i, n, err = 0, first_err = 0;

	if ((n = resolve_host(hp, &w, addrs, why)) == -1)
		return -1;
	text_hostport_name(hp, name);
	if (from != NULL && (n = keep_loopback(addrs, n)) == 0) {
		(void)snprintf(why, DIAL_WHY_MAX, "cannot connect to %s: with "
		    "--source-by-client a service must be in 127.0.0.0/8",
		    name);
		errno = EADDRNOTAVAIL;
		return -1;
	}
	for (i = 0; i < n && fd == -1; i++) {
		fd = net_connect_from(from, &addrs[i], type, watch);
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
	(void)snprintf(why, DIAL_WHY_MAX, "cannot connect to %s: %s%s", name,
	    strerror(err), from != NULL && err == EADDRNOTAVAIL ?
	    " (--source-by-client needs Linux)" : "");
	errno = err;
	return -1;
}

int
dial_host(const struct hostport *hp, int type, int watch,
    struct net_addr *peer, char why[DIAL_WHY_MAX])
{
	return dial_host_from(NULL, hp, type, watch, peer, why);
}

int
dial_relays(const struct hostport *hp, const char *room,
    struct net_addr out[RESOLVE_MAX], char why[DIAL_WHY_MAX])
{
	struct net_wait w = { task_now() + DIAL_RESOLVE_MS, -1 };
	uint8_t ids[RESOLVE_MAX][RANK_ID];
	struct net_addr at[RESOLVE_MAX];
	unsigned order[RANK_MAX];
	int i, n;

	if ((n = resolve_host(hp, &w, at, why)) == -1)
		return -1;
	for (i = 0; i < n; i++)
		net_pack(&at[i], ids[i]);
	rank_order((const uint8_t (*)[RANK_ID])ids, (unsigned)n, room,
	    order);
	for (i = 0; i < n; i++)
		out[i] = at[order[i]];
	return n;
}

int
dial_relay(const struct net_addr *at, int n, char why[DIAL_WHY_MAX])
{
	char name[NET_NAME_MAX];
	int fd, err;

	fd = net_connect_within(at, SOCK_STREAM, -1,
	    n > 1 ? DIAL_RELAY_MS : NET_CONNECT_MS);
	if (fd != -1)
		return fd;
	err = errno;
	net_name(at, name);
	(void)snprintf(why, DIAL_WHY_MAX, "cannot connect to the relay %s: "
	    "%s%s", name, strerror(err), err == ECONNREFUSED ?
	    " (is the relay running?)" : "");
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
