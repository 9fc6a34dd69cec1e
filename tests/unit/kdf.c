/* SPDX-License-Identifier: MIT */
/* kdf.c - the vectors of RFC 5869 (HKDF) and RFC 7914 (PBKDF2 and scrypt,
 * from their inmost function on), and the token's scalar.
 *
 * It brings its own kdf.c: for what is static in it, for a malloc() that
 * fails, and for scalars that are out of range when we say so. */

#include "bear.h"
#include "unit.h"

static bool no_memory;
static int out_of_range;

static void *
unit_malloc(size_t n)
{
	if (no_memory) {
		errno = ENOMEM;
		return NULL;
	}
	return malloc(n);
}

static bool
unit_scalar(const uint8_t x[BEAR_SCALAR])
{
	return out_of_range-- <= 0 && bear_p256_scalar(x);
}

#define malloc unit_malloc
#define bear_p256_scalar unit_scalar
#include "../../kdf.c"
#undef malloc
#undef bear_p256_scalar

enum { BYTES_MAX = 512 };

/* RFC 5869, appendices A.1 to A.3. */
static void
hkdf(void)
{
	static const struct {
		const char *ikm, *salt, *info, *prk, *okm;
	} rows[] = { {
		"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
		"000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
		"077709362c2e32df0ddc3f0dc47bba63"
		"90b6c73bb50f9c3122ec844ad7c2b3e5",
		"3cb25f25faacd57a90434f64d0362f2a"
		"2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
		"34007208d5b887185865"
	}, {
		"000102030405060708090a0b0c0d0e0f"
		"101112131415161718191a1b1c1d1e1f"
		"202122232425262728292a2b2c2d2e2f"
		"303132333435363738393a3b3c3d3e3f"
		"404142434445464748494a4b4c4d4e4f",
		"606162636465666768696a6b6c6d6e6f"
		"707172737475767778797a7b7c7d7e7f"
		"808182838485868788898a8b8c8d8e8f"
		"909192939495969798999a9b9c9d9e9f"
		"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
		"b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
		"c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
		"d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
		"e0e1e2e3e4e5e6e7e8e9eaebecedeeef"
		"f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
		"06a6b88c5853361a06104c9ceb35b45c"
		"ef760014904671014a193f40c15fc244",
		"b11e398dc80327a1c8e7f78c596a4934"
		"4f012eda2d4efad8a050cc4c19afa97c"
		"59045a99cac7827271cb41c65e590e09"
		"da3275600c2f09b8367793a9aca3db71"
		"cc30c58179ec3e87c14c01d5c1f3434f1d87"
	}, {
		"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
		"19ef24a32c717b167f33a91d6f648bdf"
		"96596776afdb6377ac434c1c293ccb04",
		"8da4e775a563c18f715f802a063c5a31"
		"b8a11f5c5ee1879ec3454e5f3c738d2d"
		"9d201395faa4b61a96c8"
	} };
	uint8_t ikm[BYTES_MAX], salt[BYTES_MAX], info[BYTES_MAX];
	uint8_t prk[BEAR_HASH], okm[BYTES_MAX];
	size_t i, nikm, nsalt, ninfo, n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("A.%zu", i + 1);
		nikm = unit_hex(rows[i].ikm, ikm, sizeof(ikm));
		nsalt = unit_hex(rows[i].salt, salt, sizeof(salt));
		ninfo = unit_hex(rows[i].info, info, sizeof(info));
		n = strlen(rows[i].okm) / 2;
		kdf_extract(salt, nsalt, ikm, nikm, prk);
		unit_check_hex(prk, sizeof(prk), rows[i].prk);
		kdf_expand(prk, info, ninfo, okm, n);
		unit_check_hex(okm, n, rows[i].okm);
	}
}

/* What is asked for is the beginning of the longest there is, and nothing
 * behind it is touched. */
static void
lengths(void)
{
	static const size_t lens[] = { 0, 1, 31, 32, 33, 44, 64, 8159, 8160 };
	static uint8_t most[255 * BEAR_HASH], part[255 * BEAR_HASH + 1];
	uint8_t prk[BEAR_HASH], info[KDF_INFO_MAX], hash[BEAR_HASH];
	size_t i;

	memset(info, 'i', sizeof(info));
	kdf_extract("", 0, "x", 1, prk);
	kdf_expand(prk, info, sizeof(info), most, sizeof(most));
	bear_sha256(most, sizeof(most), hash);
	unit_check_hex(hash, sizeof(hash),
	    "5e6a0d3fa1ad41af889b73f1aceb9a15fc2625dea085d6ef8d05bd1a6ec94a0c");
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		unit_row("%zu bytes", lens[i]);
		memset(part, 0xee, sizeof(part));
		kdf_expand(prk, unit_guard(info, sizeof(info)), sizeof(info),
		    part, lens[i]);
		CHECK_BYTES(part, most, lens[i]);
		CHECK_EQ(part[lens[i]], 0xee);
	}
}

/* RFC 7914 section 11, the one with one iteration. */
static void
pbkdf2_vector(void)
{
	uint8_t out[64];

	pbkdf2("passwd", 6, "salt", 4, out, sizeof(out));
	unit_check_hex(out, sizeof(out),
	    "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
	    "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783");
}

static size_t
to_words(const char *hex, uint32_t *x)
{
	uint8_t b[BYTES_MAX];
	size_t i, n = unit_hex(hex, b, sizeof(b)) / 4;

	for (i = 0; i < n; i++)
		x[i] = (uint32_t)b[4 * i] | (uint32_t)b[4 * i + 1] << 8 |
		    (uint32_t)b[4 * i + 2] << 16 |
		    (uint32_t)b[4 * i + 3] << 24;
	return n;
}

/* RFC 7914 sections 8, 9 and 10. */
static void
mixes(void)
{
	static const char *blocks =
	    "f7ce0b653d2d72a4108cf5abe912ffdd777616dbbb27a70e8204f3ae2d0f6fad"
	    "89f68f4811d1e87bcc3bd7400a9ffd29094f0184639574f39ae5a1315217bcd7"
	    "894991447213bb226c25b54da86370fbcd984380374666bb8ffcb5bf40c254b0"
	    "67d27c51ce4ad5fed829c90b505a571b7f4d1cad6a523cda770e67bceaaf7e89";
	uint32_t x[32], y[32], v[16 * 32];
	uint8_t b[BYTES_MAX];

	REQUIRE(to_words(
	    "7e879a214f3ec9867ca940e641718f26baee555b8c61c1b50df846116dcd3b1d"
	    "ee24f319df9b3d8514121e4b5ac5aa32"
	    "76021d2909c74829edebc68db8b8c25e", x) == 16);
	REQUIRE(to_words(
	    "a41f859c6608cc993b81cacb020cef05044b2181a2fd337dfd7b1c6396682f29"
	    "b4393168e3c9e6bcfe6bc5b7a06d96ba"
	    "e424cc102c91745c24ad673dc7618f81", y) == 16);
	salsa(x);
	CHECK_BYTES(x, y, 64);

	unit_row("block mix");
	REQUIRE(to_words(blocks, x) == 32);
	block_mix(x, y, 1);
	REQUIRE(to_words(
	    "a41f859c6608cc993b81cacb020cef05044b2181a2fd337dfd7b1c6396682f29"
	    "b4393168e3c9e6bcfe6bc5b7a06d96bae424cc102c91745c24ad673dc7618f81"
	    "20edc975323881a80540f64c162dcd3c21077cfe5f8d5fe2b1a4168f953678b7"
	    "7d3b3d803b60e4ab920996e59b4d53b6"
	    "5d2a225877d5edf5842cb9f14eefe425", x) == 32);
	CHECK_BYTES(x, y, sizeof(x));

	unit_row("rom mix");
	REQUIRE(unit_hex(blocks, b, sizeof(b)) == 128);
	mix_bytes(b, v, 16, 1);
	unit_check_hex(b, 128,
	    "79ccc193629debca047f0b70604bf6b62ce3dd4a9626e355fafc6198e6ea2b46"
	    "d58413673b99b029d665c357601fb426a0b2f4bba200ee9f0a43d19b571a9c71"
	    "ef1142e65d5a266fddca832ce59faa7cac0b9cf1be2bffca300d01ee387619c4"
	    "ae12fd4438f203a0e4e1c47ec314861f4e9087cb33396a6873e8f9d2539a4b8e");
}

/* PBKDF2 with a salt of any length up to 16 rows; 64 bytes. */
static void
pbkdf2_long(const char *pw, const uint8_t *salt, size_t nsalt, uint8_t out[64])
{
	static uint8_t text[16 * ROW_BYTES + 4];
	uint8_t i;

	memset(text, 0, sizeof(text));
	memcpy(text, salt, nsalt);
	for (i = 0; i < 2; i++) {
		text[nsalt + 3] = (uint8_t)(i + 1);
		bear_hmac(pw, strlen(pw), text, nsalt + 4, out + 32 * i);
	}
}

/* RFC 7914 section 12: those three whose memory is not a gigabyte.  r and p
 * are constants to scrypt(), so its steps stand here once more. */
static void
scrypts(void)
{
	static const struct {
		const char *pw, *salt;
		size_t n, r, p;
		const char *out;
	} rows[] = { {
		"", "", 16, 1, 1,
		"77d6576238657b203b19ca42c18a0497"
		"f16b4844e3074ae8dfdffa3fede21442"
		"fcd0069ded0948f8326a753a0fc81f17"
		"e8d3e0fb2e0d3628cf35e20c38d18906"
	}, {
		"password", "NaCl", 1024, 8, 16,
		"fdbabe1c9d3472007856e7190d01e9fe"
		"7c6ad7cbc8237830e77376634b373162"
		"2eaf30d92e22a3886ff109279d9830da"
		"c727afb94a83ee6d8360cbdfa2cc0640"
	}, {
		"pleaseletmein", "SodiumChloride", 16384, 8, 1,
		"7023bdcb3afd7348461c06cd81fd38eb"
		"fda8fbba904f8e3ea9b543f6545da1f2"
		"d5432955613f0fcf62d49705242a9af9"
		"e61e85dc0d651e40dfcf017b45575887"
	} };
	static uint8_t b[16 * ROW_BYTES];
	uint32_t *v = malloc((size_t)ROW_BYTES * 16384);
	uint8_t out[64], salt[SALT_MAX];
	size_t i, j, row;

	REQUIRE(v != NULL);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("N = %zu", rows[i].n);
		row = 128 * rows[i].r;
		REQUIRE(rows[i].p * row <= sizeof(b));
		pbkdf2(rows[i].pw, strlen(rows[i].pw), rows[i].salt,
		    strlen(rows[i].salt), b, rows[i].p * row);
		for (j = 0; j < rows[i].p; j++)
			mix_bytes(b + j * row, v, rows[i].n, rows[i].r);
		pbkdf2_long(rows[i].pw, b, rows[i].p * row, out);
		unit_check_hex(out, sizeof(out), rows[i].out);
	}
	free(v);
	unit_row("scrypt()");
	i = sizeof(rows) / sizeof(rows[0]) - 1;
	CHECK_EQ(scrypt(rows[i].pw, strlen(rows[i].pw), rows[i].salt,
	    strlen(rows[i].salt), 14, out, sizeof(out)), 0);
	unit_check_hex(out, sizeof(out), rows[i].out);
	unit_row("the longest salt");
	memset(salt, 's', sizeof(salt));
	CHECK_EQ(scrypt("p", 1, salt, SALT_MAX, 1, out, 33), 0);
	unit_check_hex(out, 33,
	    "e70b46a7e561221510468f8e65648520850061c458f28ad61aa09362cf25f8d9"
	    "77");
}

/* Without memory there is no weaker way. */
static void
memory(void)
{
	uint8_t out[BEAR_SCALAR];
	struct token t = { "abc", 3 };

	no_memory = true;
	errno = 0;
	CHECK_EQ(scrypt("p", 1, "s", 1, 1, out, sizeof(out)), -1);
	CHECK_EQ(errno, ENOMEM);
	errno = 0;
	CHECK_EQ(kdf_token(&t, KDF_TOKEN, out), -1);
	CHECK_EQ(errno, ENOMEM);
}

/* Computed by Python's hashlib: scrypt(token, "adit/1 w"), then HMAC. */
static void
tokens(void)
{
	struct token t = { "abc", 3 };
	uint8_t w[BEAR_SCALAR];
	size_t i;

	CHECK_EQ(kdf_token(&t, KDF_TOKEN, w), 0);
	unit_check_hex(w, sizeof(w),
	    "d4ff2d993de931d6ca9f2cca075e527e1b73112d0692a280fc1375607ab70a31");
	unit_row("out of range three times");
	out_of_range = 3;
	CHECK_EQ(kdf_token(&t, KDF_TOKEN, w), 0);
	unit_check_hex(w, sizeof(w),
	    "049f9c9f73dc18641bebd240c792541aba6f81430a37a035eaef854c809c6d57");
	unit_row("the longest token");
	for (i = 0; i < TOKEN_MAX; i++)
		t.bytes[i] = (uint8_t)(i & 0xff);
	t.len = TOKEN_MAX;
	CHECK_EQ(kdf_token(&t, KDF_TOKEN, w), 0);
	unit_check_hex(w, sizeof(w),
	    "8d23f024c4dd499acd87d45005483e68557dc75615ad1323865046de7b8d48e9");
}

int
main(void)
{
	unit_case("kdf: RFC 5869 vectors", hkdf);
	unit_case("kdf: every length of expand", lengths);
	unit_case("kdf: RFC 7914 PBKDF2", pbkdf2_vector);
	unit_case("kdf: RFC 7914 Salsa20/8 and mixes", mixes);
	unit_case("kdf: RFC 7914 scrypt", scrypts);
	unit_case("kdf: no memory", memory);
	unit_case("kdf: the token's scalar", tokens);
	return unit_end();
}
