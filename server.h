/* SPDX-License-Identifier: MIT */
#ifndef SERVER_H
#define SERVER_H

#include "stream.h"

/* Wait for clients until stopped (or, joined to stdin/stdout, until that is
 * over).  t has its config and token.  Returns the exit code. */
int server_run(struct tunnel *t);

#endif
