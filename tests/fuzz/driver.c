/* SPDX-License-Identifier: MIT */
/* driver.c - main() where there is no libFuzzer: runs the files it is given. */

#include "fuzz.h"

int
main(int argc, char **argv)
{
	static uint8_t buf[1 << 20];
	uint8_t *data;
	size_t n;
	FILE *f;
	int i;

	for (i = 1; i < argc; i++) {
		if ((f = fopen(argv[i], "rb")) == NULL) {
			perror(argv[i]);
			return 1;
		}
		n = fread(buf, 1, sizeof(buf), f);
		(void)fclose(f);
		(void)fprintf(stderr, "%s\n", argv[i]);
		data = fuzz_copy(buf, n);
		(void)LLVMFuzzerTestOneInput(data, n);
		free(data);
	}
	return 0;
}
