/* SPDX-License-Identifier: MIT */
#ifndef ENTROPY_H
#define ENTROPY_H

#include <stddef.h>

/* Open the system's source of randomness, once, so that it is there when
 * descriptors have run out.  Returns 0, or -1 with errno. */
int entropy_init(void);

/* Fill n bytes at p with randomness fit for keys; there is no weaker way out:
 * returns 0, or -1 with errno and p is of no use.  Any thread. */
int entropy_get(void *p, size_t n);

#endif
