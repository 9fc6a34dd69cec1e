/* SPDX-License-Identifier: MIT */
#ifndef CONTROL_H
#define CONTROL_H

#include "stream.h"

/* Orders of a supervisor on stdin (order.h), while stdout tells events. */

/* By main: start the thread that reads and obeys them until stdin ends or we
 * do.  stdin's flags stay as they are.  Returns 0, or -1 with errno. */
int control_start(struct tunnel *t);

#endif
