/* SPDX-License-Identifier: MIT */
/* shim.c - what Debian's libbearssl.a expects of glibc and musl does not have.
 *
 * The archive was compiled with _FORTIFY_SOURCE: where the compiler knew how
 * much room there is, it calls these, which check it.  Only "make static"
 * links this file; nothing of ours calls it. */

#include <stdlib.h>
#include <string.h>

void *__memcpy_chk(void *to, const void *from, size_t n, size_t room);
void *__memmove_chk(void *to, const void *from, size_t n, size_t room);
void *__memset_chk(void *to, int c, size_t n, size_t room);

void *
__memcpy_chk(void *to, const void *from, size_t n, size_t room)
{
	if (n > room)
		abort();
	return memcpy(to, from, n);
}

void *
__memmove_chk(void *to, const void *from, size_t n, size_t room)
{
	if (n > room)
		abort();
	return memmove(to, from, n);
}

void *
__memset_chk(void *to, int c, size_t n, size_t room)
{
	if (n > room)
		abort();
	return memset(to, c, n);
}
