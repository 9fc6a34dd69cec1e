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

/* What is left of an input that is read piece by piece. */
struct fuzz_in {
	const uint8_t *p;
	size_t n;
};

/* The next byte, or the next two as a number; 0 if there is none. */
static inline uint8_t
fuzz_u8(struct fuzz_in *in)
{
	if (in->n == 0)
		return 0;
	in->n--;
	return *in->p++;
}

static inline unsigned
fuzz_u16(struct fuzz_in *in)
{
	unsigned high = fuzz_u8(in);

	return high << 8 | fuzz_u8(in);
}

/* The next n bytes, or as many as there are: *n says, once this is done (not
 * in the same call, whose arguments come in any order). */
static inline const uint8_t *
fuzz_take(struct fuzz_in *in, size_t *n)
{
	const uint8_t *p = in->p;

	if (*n > in->n)
		*n = in->n;
	in->p += *n;
	in->n -= *n;
	return p;
}

#endif
