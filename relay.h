/* SPDX-License-Identifier: MIT */
#ifndef RELAY_H
#define RELAY_H

#include "stream.h"

/* Let servers wait, and join clients with them, until stopped.  t has its
 * config, and the secret of members in w if there is one.  Returns the exit
 * code. */
int relay_run(struct tunnel *t);

#endif
