/* SPDX-License-Identifier: MIT */
/* fuzz.h - what the fuzz targets share. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libFuzzer, or driver.c, calls this with each input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Something that must hold for every input whatsoever. */
#define MUST(x) do {							\
	if (!(x)) {							\
		(void)fprintf(stderr, "%s:%d: %s\n", __FILE__,		\
		    __LINE__, #x);					\
		abort();						\
	}								\
} while (0)

/* A copy of its own for the n bytes at p, so that a sanitizer sees every
 * step outside of them.  To be freed. */
static inline void *
fuzz_copy(const void *p, size_t n)
{
	void *copy = malloc(n > 0 ? n : 1);

	MUST(copy != NULL);
	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}

/* The same with a NUL behind them. */
static inline char *
fuzz_string(const void *p, size_t n)
{
	char *copy = malloc(n + 1);

	MUST(copy != NULL);
	if (n > 0)
		memcpy(copy, p, n);
	copy[n] = '\0';
	return copy;
}

#endif
