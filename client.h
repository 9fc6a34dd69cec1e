/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_H
#define CLIENT_H

#include "stream.h"

/* Dial the server: once for stdin/stdout, or once for each connection made
 * to --listen, until stopped.  t has its config and token.  Returns the exit
 * code. */
int client_run(struct tunnel *t);

#endif
