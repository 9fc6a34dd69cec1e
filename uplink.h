/* SPDX-License-Identifier: MIT */
#ifndef UPLINK_H
#define UPLINK_H

#include "stream.h"

/* In tunnel.listen_port, beside the port of the server's service (0: it has
 * none of its own): the server has said it. */
enum { UPLINK_PORT_KNOWN = 1 << 16 };

/* The task of one attempt at a link, for which keeper_begun() was said: dial,
 * say hello, and be the link until it ends, or carry stdin and stdout through
 * it.  What became of it goes to t->keeper, to the log and to the events; if
 * it is the end of the program, t->pipe_exit has the exit code. */
void uplink_run(struct task *task);

#endif
