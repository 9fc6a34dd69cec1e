/* SPDX-License-Identifier: MIT */
/* crypt.c - published vectors of both AEADs, tests/vectors/records.txt, and
 * what an attacker can do to records: cut, flip, repeat, swap, send back. */

#include "crypt.h"
#include "kdf.h"
#include "secret.h"
#include "unit.h"

enum {
	ROW_MAX = 4096,
	BYTES_MAX = ROW_MAX / 2,
	/* Room for a record of whatever length its first bytes announce. */
	SPAN_MAX = CRYPT_HEAD + 0xffff + 64
};

static const enum bear_suite suites[] = {
	BEAR_CHACHA20_POLY1305, BEAR_AES256_GCM
};
static uint8_t space[SPAN_MAX], copy[SPAN_MAX], data[CRYPT_BODY_MAX + 1];

/* Call fn for each suite that this machine has. */
static void
each_suite(void (*fn)(enum bear_suite))
{
	size_t i;

	for (i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		if ((bear_suites() & suites[i]) != 0)
			fn(suites[i]);
}

static void
offered(void)
{
	unsigned all = BEAR_CHACHA20_POLY1305 | BEAR_AES256_GCM;

	CHECK(bear_here());
	CHECK((bear_suites() & BEAR_CHACHA20_POLY1305) != 0);
	CHECK((bear_suites() & ~all) == 0);
	CHECK_EQ(bear_suites(), bear_suites());
}

/* A message, and with one bit wrong anywhere, not one. */
static void
aead_vector(enum bear_suite suite, const char *const v[6])
{
	uint8_t key[BYTES_MAX], nonce[BYTES_MAX], aad[BYTES_MAX];
	uint8_t text[BYTES_MAX], sealed[BYTES_MAX], tag[BYTES_MAX];
	uint8_t is[BYTES_MAX], is_tag[BEAR_TAG];
	/* A key may be copied, and stand where a pointer may not. */
	struct { uint32_t odd; struct bear_aead a; } one, other;
	size_t naad, n, i;

	REQUIRE(unit_hex(v[0], key, sizeof(key)) == BEAR_KEY);
	REQUIRE(unit_hex(v[1], nonce, sizeof(nonce)) == BEAR_NONCE);
	naad = unit_hex(v[2], aad, sizeof(aad));
	n = unit_hex(v[3], text, sizeof(text));
	REQUIRE(unit_hex(v[4], sealed, sizeof(sealed)) == n);
	REQUIRE(unit_hex(v[5], tag, sizeof(tag)) == BEAR_TAG);

	bear_aead_init(&one.a, suite, key);
	other = one;
	secret_wipe(&one, sizeof(one));
	memcpy(is, text, n);
	bear_aead_seal(&other.a, nonce, aad, naad, is, n, is_tag);
	CHECK_BYTES(is, sealed, n);
	CHECK_BYTES(is_tag, tag, BEAR_TAG);
	CHECK(bear_aead_open(&other.a, nonce, aad, naad, is, n, is_tag));
	CHECK_BYTES(is, text, n);

	for (i = 0; i < 8 * BEAR_TAG; i++) {
		tag[i / 8] ^= (uint8_t)(1u << i % 8);
		memcpy(is, sealed, n);
		CHECK(!bear_aead_open(&other.a, nonce, aad, naad, is, n, tag));
		tag[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	for (i = 0; i < 8 * n; i++) {
		memcpy(is, sealed, n);
		is[i / 8] ^= (uint8_t)(1u << i % 8);
		CHECK(!bear_aead_open(&other.a, nonce, aad, naad, is, n, tag));
	}
	for (i = 0; i < 8 * naad; i++) {
		aad[i / 8] ^= (uint8_t)(1u << i % 8);
		memcpy(is, sealed, n);
		CHECK(!bear_aead_open(&other.a, nonce, aad, naad, is, n, tag));
		aad[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	for (i = 0; i < 8 * BEAR_NONCE; i++) {
		nonce[i / 8] ^= (uint8_t)(1u << i % 8);
		memcpy(is, sealed, n);
		CHECK(!bear_aead_open(&other.a, nonce, aad, naad, is, n, tag));
		nonce[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	memcpy(is, sealed, n);
	CHECK(bear_aead_open(&other.a, nonce, aad, naad, is, n, tag));
}

/* RFC 8439 section 2.8.2; and test cases 13 to 16 of "The Galois/Counter Mode
 * of Operation", which NIST took for SP 800-38D, those with 256 bits. */
static void
aeads(void)
{
	/* Key, nonce, aad, text, ciphertext, tag. */
	static const char *const rows[][6] = { {
		"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d"
		"9e9f",
		"070000004041424344454647",
		"50515253c0c1c2c3c4c5c6c7",
		"4c616469657320616e642047656e746c656d656e206f662074686520636c"
		"617373206f66202739393a204966204920636f756c64206f666665722079"
		"6f75206f6e6c79206f6e652074697020666f722074686520667574757265"
		"2c2073756e73637265656e20776f756c642062652069742e",
		"d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee"
		"62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b6"
		"7ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585"
		"808b4831d7bc3ff4def08e4b7a9de576d26586cec64b6116",
		"1ae10b594f09e26a7e902ecbd0600691"
	}, {
		"000000000000000000000000000000000000000000000000000000000000"
		"0000",
		"000000000000000000000000",
		"",
		"",
		"",
		"530f8afbc74536b9a963b4f1c4cb738b"
	}, {
		"000000000000000000000000000000000000000000000000000000000000"
		"0000",
		"000000000000000000000000",
		"",
		"00000000000000000000000000000000",
		"cea7403d4d606b6e074ec5d3baf39d18",
		"d0d1c8a799996bf0265b98b5d48ab919"
	}, {
		"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f946730"
		"8308",
		"cafebabefacedbaddecaf888",
		"",
		"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a31"
		"8a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
		"1aafd255",
		"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555"
		"d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
		"898015ad",
		"b094dac5d93471bdec1a502270e3cc6c"
	}, {
		"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f946730"
		"8308",
		"cafebabefacedbaddecaf888",
		"feedfacedeadbeeffeedfacedeadbeefabaddad2",
		"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a31"
		"8a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
		"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555"
		"d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
		"76fc6ece0f4e1768cddf8853bb2d551b"
	} };
	enum bear_suite suite;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		suite = i == 0 ? BEAR_CHACHA20_POLY1305 : BEAR_AES256_GCM;
		unit_row("row %zu", i);
		if ((bear_suites() & suite) != 0)
			aead_vector(suite, rows[i]);
	}
}

static void
start(struct crypt *c, enum bear_suite suite, unsigned seed)
{
	uint8_t keys[CRYPT_KEYS];

	unit_fill(keys, sizeof(keys), seed);
	crypt_init(c, suite, keys);
}

static struct span
empty(void)
{
	return (struct span){ space, 0, 0, sizeof(space) };
}

/* The next record is this. */
static void
expect(struct crypt *c, struct span *in, uint8_t type, const void *body,
    size_t n)
{
	size_t before = in->off, len;
	uint64_t count = c->count;
	uint8_t t, *b;

	REQUIRE(crypt_open(c, in, &t, &b, &len) == CRYPT_RECORD);
	CHECK_EQ(t, type);
	CHECK_EQ(len, n);
	CHECK_BYTES(b, body, n);
	CHECK_EQ(in->off - before, CRYPT_OVERHEAD + n);
	CHECK_EQ(c->count, count + 1);
}

/* There is no next record, and nothing moved. */
static void
reject(const struct crypt *c, const struct span *in, enum crypt_verdict v)
{
	struct crypt mine = *c;
	struct span s = *in;
	size_t n;
	uint8_t t, *b;

	CHECK_EQ(crypt_open(&mine, &s, &t, &b, &n), v);
	CHECK_EQ(s.off, in->off);
	CHECK_EQ(s.end, in->end);
	CHECK(memcmp(&mine, c, sizeof(mine)) == 0);
}

/* One line of the vector file, in fields. */
static void
record_vector(char *field[8])
{
	uint8_t keys[CRYPT_KEYS], key[BYTES_MAX], iv[BYTES_MAX];
	uint8_t type[BYTES_MAX], sealed[BYTES_MAX];
	static uint8_t bodies[8][BYTES_MAX];
	size_t len[8], n, k, nsealed;
	enum bear_suite suite = field[1][0] == '1' ? BEAR_CHACHA20_POLY1305 :
	    BEAR_AES256_GCM;
	struct span s = empty();
	struct crypt c;
	char *p;

	REQUIRE(strcmp(field[1], "1") == 0 || strcmp(field[1], "2") == 0);
	REQUIRE(unit_hex(field[2], key, sizeof(key)) == BEAR_KEY);
	REQUIRE(unit_hex(field[3], iv, sizeof(iv)) == BEAR_NONCE);
	REQUIRE(unit_hex(field[5], type, sizeof(type)) == 1);
	nsealed = unit_hex(field[7], sealed, sizeof(sealed));
	for (n = 0, p = field[6]; p != NULL; n++) {
		REQUIRE(n < 8);
		field[6] = p;
		if ((p = strchr(p, ',')) != NULL)
			*p++ = '\0';
		len[n] = unit_hex(field[6], bodies[n], sizeof(bodies[n]));
	}
	if ((bear_suites() & suite) == 0)
		return;
	memcpy(keys, key, BEAR_KEY);
	memcpy(keys + BEAR_KEY, iv, BEAR_NONCE);
	crypt_init(&c, suite, keys);
	CHECK_EQ(c.count, 0);
	c.count = strtoull(field[4], NULL, 10);
	for (k = 0; k < n; k++)
		CHECK_EQ(crypt_seal(&c, type[0], bodies[k], len[k], &s), 0);
	CHECK_EQ(span_used(&s), nsealed);
	CHECK_BYTES(space, sealed, nsealed);

	crypt_init(&c, suite, keys);
	c.count = strtoull(field[4], NULL, 10);
	for (k = 0; k < n; k++)
		expect(&c, &s, type[0], bodies[k], len[k]);
	CHECK_EQ(span_used(&s), 0);
}

static void
vectors(void)
{
	static char line[ROW_MAX];
	FILE *f = fopen("tests/vectors/records.txt", "r");
	char *field[8];
	int n = 0;

	REQUIRE(f != NULL);
	for (; unit_read_row(f, line, sizeof(line), field, 8); n++)
		record_vector(field);
	(void)fclose(f);
	CHECK(n > 10);
}

/* Every length that matters, where it just fits and where it does not. */
static void
round_trip_with(enum bear_suite suite)
{
	static const size_t lens[] = {
		0, 1, 14, 15, 16, 17, 31, 32, 63, 64, 16383, 16384, 65506,
		CRYPT_BODY_MAX
	};
	struct crypt a, b, before;
	struct span s;
	size_t i, n;

	start(&a, suite, 1);
	start(&b, suite, 1);
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		n = lens[i];
		unit_row("suite %d, %zu bytes", (int)suite, n);
		s = (struct span){ space, 3, 3, 3 + CRYPT_OVERHEAD + n - 1 };
		before = a;
		CHECK_EQ(crypt_seal(&a, 9, data, n, &s), -1);
		CHECK_EQ(s.end, 3);
		CHECK(memcmp(&a, &before, sizeof(a)) == 0);
		s.cap++;
		CHECK_EQ(crypt_seal(&a, 9, unit_guard(data, n), n, &s), 0);
		CHECK_EQ(s.end, s.cap);
		CHECK_EQ(s.off, 3);
		/* At the edge: nothing may look further. */
		s.buf = unit_guard(space, s.cap);
		expect(&b, &s, 9, data, n);
		CHECK_EQ(span_used(&s), 0);
		reject(&b, &s, CRYPT_MORE);
	}
	unit_row("suite %d, too long", (int)suite);
	s = empty();
	before = a;
	CHECK_EQ(crypt_seal(&a, 9, data, CRYPT_BODY_MAX + 1, &s), -1);
	CHECK_EQ(crypt_seal(&a, 9, data, SIZE_MAX, &s), -1);
	CHECK_EQ(crypt_seal(&a, 9, data, SIZE_MAX - CRYPT_OVERHEAD, &s), -1);
	CHECK_EQ(s.end, 0);
	CHECK(memcmp(&a, &before, sizeof(a)) == 0);
}

static void
round_trip(void)
{
	unit_fill(data, sizeof(data), 3);
	each_suite(round_trip_with);
}

/* Some records in one span. */
static const size_t some[] = { 0, 1, 2, 40, 0, 300, 16, 7 };
enum { SOME = sizeof(some) / sizeof(some[0]) };

static struct span
some_records(struct crypt *c)
{
	struct span s = empty();
	size_t i;

	unit_fill(data, sizeof(data), 4);
	for (i = 0; i < SOME; i++)
		REQUIRE(crypt_seal(c, (uint8_t)i, data + i, some[i], &s) == 0);
	return s;
}

/* Bytes come in portions of any size; each is opened when its last byte is
 * there, and not before. */
static void
portions_of(enum bear_suite suite)
{
	static const size_t steps[] = { 1, 2, 3, 7, 19, 20, 100, SIZE_MAX };
	struct crypt a, b;
	struct span all, in;
	size_t i, k, next, n;
	uint8_t t, *body;

	start(&a, suite, 2);
	all = some_records(&a);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		unit_row("suite %d, steps of %zu", (int)suite, steps[i]);
		start(&b, suite, 2);
		in = (struct span){ unit_guard(space, all.end), 0, 0, all.end };
		k = next = 0;
		while (k < SOME) {
			if (span_used(&in) < CRYPT_OVERHEAD + some[k]) {
				reject(&b, &in, CRYPT_MORE);
				REQUIRE(in.end < all.end);
				n = all.end - in.end;
				in.end += n < steps[i] ? n : steps[i];
				continue;
			}
			CHECK_EQ(in.off, next);
			REQUIRE(crypt_open(&b, &in, &t, &body, &n) ==
			    CRYPT_RECORD);
			CHECK_EQ(t, k);
			CHECK_EQ(n, some[k]);
			CHECK_BYTES(body, data + k, n);
			next += CRYPT_OVERHEAD + some[k++];
		}
		reject(&b, &in, CRYPT_MORE);
		CHECK_EQ(in.off, all.end);
	}
}

static void
portions(void)
{
	each_suite(portions_of);
}

/* Every first two bytes there are, and nothing behind them. */
static void
lengths(void)
{
	struct crypt c;
	struct span in;
	unsigned len;
	uint8_t b[2];

	start(&c, BEAR_CHACHA20_POLY1305, 1);
	for (len = 0; len <= 0xffff; len++) {
		unit_row("%u", len);
		b[0] = (uint8_t)(len >> 8);
		b[1] = (uint8_t)(len & 0xff);
		in = (struct span){ unit_guard(b, 1), 0, 1, 1 };
		reject(&c, &in, CRYPT_MORE);
		in = (struct span){ unit_guard(b, 2), 0, 2, 2 };
		reject(&c, &in, len < 17 || len > 65524 ? CRYPT_BAD :
		    CRYPT_MORE);
	}
}

/* Each single bit of a record, its length among them; there is enough behind
 * it for whatever length that makes. */
static void
flips_with(enum bear_suite suite)
{
	static const size_t lens[] = { 0, 5, 48 };
	struct crypt a, b;
	struct span s;
	size_t i, bit, nbits;

	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		start(&a, suite, 5);
		start(&b, suite, 5);
		s = empty();
		REQUIRE(crypt_seal(&a, 1, data, lens[i], &s) == 0);
		nbits = 8 * s.end;
		memcpy(copy, space, s.end);
		s.end = s.cap;
		for (bit = 0; bit < nbits; bit++) {
			unit_row("suite %d, %zu bytes, bit %zu", (int)suite,
			    lens[i], bit);
			memcpy(space, copy, nbits / 8);
			space[bit / 8] ^= (uint8_t)(0x80u >> bit % 8);
			reject(&b, &s, CRYPT_BAD);
		}
		/* One byte more or less, by a length that says so. */
		for (bit = 0; bit < 2; bit++) {
			memcpy(space, copy, nbits / 8);
			space[1] = (uint8_t)(space[1] + (bit ? 1 : -1));
			reject(&b, &s, CRYPT_BAD);
		}
		memcpy(space, copy, nbits / 8);
		expect(&b, &s, 1, data, lens[i]);
	}
}

static void
flips(void)
{
	unit_fill(data, sizeof(data), 6);
	each_suite(flips_with);
}

/* Whole records, as they were sealed, but not where they belong. */
static void
misplaced_with(enum bear_suite suite)
{
	struct crypt a, b, c;
	struct span s, in;
	size_t at[SOME + 1], i, k, n;
	uint8_t t, *body;

	start(&a, suite, 7);
	s = some_records(&a);
	memcpy(copy, space, s.end);
	for (i = at[0] = 0; i < SOME; i++)
		at[i + 1] = at[i] + CRYPT_OVERHEAD + some[i];
	/* After the first i records came only record i will do: not one that
	 * was there already, nor one that is early, nor one of the same
	 * length. */
	start(&b, suite, 7);
	for (i = 0; i < SOME; i++) {
		for (k = 0; k < SOME; k++) {
			unit_row("suite %d, record %zu as %zu", (int)suite, k,
			    i);
			memcpy(space, copy, s.end);
			in = (struct span){ space, at[k], at[k + 1],
			    sizeof(space) };
			if (k != i)
				reject(&b, &in, CRYPT_BAD);
		}
		memcpy(space, copy, s.end);
		in = (struct span){ space, at[i], at[i + 1], sizeof(space) };
		REQUIRE(crypt_open(&b, &in, &t, &body, &n) == CRYPT_RECORD);
	}
	/* Sent back: the other direction has other keys; and so has another
	 * connection, and the same keys with another iv do not fit. */
	unit_row("suite %d, other keys", (int)suite);
	start(&c, suite, 8);
	memcpy(space, copy, s.end);
	in = (struct span){ space, 0, at[1], sizeof(space) };
	reject(&c, &in, CRYPT_BAD);
	start(&c, suite, 7);
	c.iv[BEAR_NONCE - 1] ^= 0x80;
	memcpy(space, copy, s.end);
	reject(&c, &in, CRYPT_BAD);
	start(&c, suite, 7);
	memcpy(space, copy, s.end);
	expect(&c, &in, 0, data, 0);
	/* The other suite with the same keys. */
	if (bear_suites() == (BEAR_CHACHA20_POLY1305 | BEAR_AES256_GCM)) {
		start(&c, suite == BEAR_AES256_GCM ? BEAR_CHACHA20_POLY1305 :
		    BEAR_AES256_GCM, 7);
		memcpy(space, copy, s.end);
		in = (struct span){ space, 0, at[1], sizeof(space) };
		reject(&c, &in, CRYPT_BAD);
	}
}

static void
misplaced(void)
{
	each_suite(misplaced_with);
}

/* After a record that was refused, the right one is still taken: the verdict
 * changed nothing.  (Whoever calls us ends the connection all the same.) */
static void
after_bad(void)
{
	struct crypt a, b;
	struct span s = empty();

	start(&a, BEAR_CHACHA20_POLY1305, 1);
	start(&b, BEAR_CHACHA20_POLY1305, 1);
	REQUIRE(crypt_seal(&a, 1, "abc", 3, &s) == 0);
	memcpy(copy, space, s.end);
	space[4] ^= 1;
	reject(&b, &s, CRYPT_BAD);
	memcpy(space, copy, s.end);
	expect(&b, &s, 1, "abc", 3);
}

/* One record as PROTOCOL.md says it is made, without crypt.c. */
static size_t
by_hand(enum bear_suite suite, const uint8_t keys[CRYPT_KEYS], uint64_t count,
    uint8_t type, uint8_t body, uint8_t out[CRYPT_OVERHEAD + 1])
{
	uint8_t nonce[BEAR_NONCE];
	struct bear_aead aead;
	int i;

	memcpy(nonce, keys + BEAR_KEY, BEAR_NONCE);
	for (i = 0; i < 8; i++)
		nonce[BEAR_NONCE - 1 - i] ^= (uint8_t)(count >> 8 * i & 0xff);
	out[0] = 0;
	out[1] = 18;
	out[2] = type;
	out[3] = body;
	bear_aead_init(&aead, suite, keys);
	bear_aead_seal(&aead, nonce, out, 2, out + 2, 2, out + 4);
	return CRYPT_OVERHEAD + 1;
}

/* Across the edge both sides change keys, at the same record, and count
 * goes on. */
static void
rekey_with(enum bear_suite suite)
{
	uint8_t keys[CRYPT_KEYS], prk[BEAR_HASH], next[CRYPT_KEYS];
	uint8_t should[CRYPT_OVERHEAD + 1], i;
	struct crypt a, b, late;
	uint64_t k;
	struct span s;

	start(&a, suite, 9);
	start(&b, suite, 9);
	for (k = 1; k <= 3; k++) {
		a.count = b.count = k * CRYPT_REKEY - 3;
		memcpy(keys, a.key, BEAR_KEY);
		memcpy(keys + BEAR_KEY, a.iv, BEAR_NONCE);
		kdf_extract("", 0, keys, BEAR_KEY, prk);
		kdf_expand(prk, "adit rekey", 10, next, sizeof(next));
		late = b;
		s = empty();
		for (i = 0; i < 6; i++) {
			unit_row("suite %d, change %d, record %d", (int)suite,
			    (int)k, i);
			CHECK_EQ(crypt_seal(&a, 1, &i, 1, &s), 0);
			(void)by_hand(suite, i < 3 ? keys : next,
			    k * CRYPT_REKEY - 3 + i, 1, i, should);
			CHECK_BYTES(space + s.end - sizeof(should), should,
			    sizeof(should));
			/* The old keys are gone as soon as they are old. */
			CHECK_EQ(memcmp(a.key, next, BEAR_KEY) == 0, i >= 2);
			CHECK_EQ(memcmp(a.key, keys, BEAR_KEY) == 0, i < 2);
		}
		memcpy(copy, space, s.end);
		for (i = 0; i < 6; i++)
			expect(&b, &s, 1, &i, 1);
		CHECK(memcmp(&a, &b, sizeof(a)) == 0);
		CHECK_BYTES(a.iv, next + BEAR_KEY, BEAR_NONCE);
		CHECK_EQ(a.count, k * CRYPT_REKEY + 3);
		/* Who does not change them gets no further. */
		s = (struct span){ space, 0, 6 * sizeof(should),
		    sizeof(space) };
		memcpy(space, copy, s.end);
		late.count = 3;		/* by this the nonce differs, too */
		reject(&late, &s, CRYPT_BAD);
		late.count = k * CRYPT_REKEY;
		s.off = 3 * sizeof(should);
		reject(&late, &s, CRYPT_BAD);
	}
}

static void
rekey(void)
{
	each_suite(rekey_with);
}

/* Truncated at the edge of a change of keys: trying often changes them not
 * more often. */
static void
rekey_in_parts(void)
{
	struct crypt a, b;
	struct span s = empty(), in;
	uint8_t i;

	start(&a, BEAR_CHACHA20_POLY1305, 1);
	start(&b, BEAR_CHACHA20_POLY1305, 1);
	a.count = b.count = CRYPT_REKEY - 1;
	for (i = 0; i < 3; i++)
		REQUIRE(crypt_seal(&a, 1, &i, 1, &s) == 0);
	in = (struct span){ space, 0, 0, sizeof(space) };
	for (i = 0; i < 3;) {
		if (span_used(&in) < CRYPT_OVERHEAD + 1) {
			reject(&b, &in, CRYPT_MORE);
			in.end++;
			continue;
		}
		expect(&b, &in, 1, &i, 1);
		i++;
	}
	CHECK(memcmp(&a, &b, sizeof(a)) == 0);
}

int
main(void)
{
	unit_case("crypt: suites", offered);
	unit_case("crypt: RFC 8439 and GCM vectors", aeads);
	unit_case("crypt: record vectors", vectors);
	unit_case("crypt: records written and read", round_trip);
	unit_case("crypt: records in portions", portions);
	unit_case("crypt: every length", lengths);
	unit_case("crypt: every bit", flips);
	unit_case("crypt: replay, reorder, reflection", misplaced);
	unit_case("crypt: after a bad one", after_bad);
	unit_case("crypt: new keys", rekey);
	unit_case("crypt: new keys, in portions", rekey_in_parts);
	return unit_end();
}
