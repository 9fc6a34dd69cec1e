/* SPDX-License-Identifier: MIT */
/* sealed.c - the sealed handshakes, on either side.
 *
 * What to say and when; what the bytes mean is decided in kex.c and ctl.c. */

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dial.h"
#include "entropy.h"
#include "meet.h"
#include "proto.h"
#include "sealed.h"
#include "secret.h"
#include "task.h"

/* Draw secrets until one is in range: practically the first. */
static int
draw_client(struct kex *k, const uint8_t w[BEAR_SCALAR])
{
	uint8_t x[BEAR_SCALAR];
	int rc;

	while ((rc = entropy_get(x, sizeof(x))) == 0 &&
	    !kex_client_start(k, w, x))
		continue;
	secret_wipe(x, sizeof(x));
	return rc;
}

/* Returns as kex_server_start(), 1 or -1; 0: no randomness, errno. */
static int
draw_server(struct kex *k, const uint8_t w[BEAR_SCALAR],
    const uint8_t m1[KEX_M1])
{
	uint8_t x[BEAR_SCALAR];
	int rc = 0;

	while (rc == 0 && entropy_get(x, sizeof(x)) == 0)
		rc = kex_server_start(k, w, x, m1);
	secret_wipe(x, sizeof(x));
	return rc;
}

int
sealed_read_bytes(int fd, uint8_t *p, size_t n, const struct net_wait *w)
{
	ssize_t got;

	while (n > 0) {
		if ((got = net_read_some(fd, p, n, w)) == -1)
			return -1;
		if (got == 0) {
			errno = ECONNRESET;
			return -1;
		}
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

static enum door_verdict
refuse(struct caller *c, enum kex_status status, char *why,
    const char *sentence)
{
	door_refuse(c, (uint8_t)status);
	return door_say(why, DOOR_REFUSED, sentence);
}

/* After m2: is the confirmation right?  The guess is over when it is known,
 * before last words are exchanged. */
static enum door_verdict
confirm(struct caller *c, struct kex *k, struct turns *turns, struct turn *me,
    char *why)
{
	struct net_wait w = { task_now() + SEALED_PATIENCE_MS, -1 };
	bool member = k->kind == KEX_KIND_MEMBER;
	uint8_t m3[KEX_M3];
	bool right;
	int err;

	err = net_write(c->fd, k->m2, sizeof(k->m2), &w) == -1 ||
	    sealed_read_bytes(c->fd, m3, sizeof(m3), &w) == -1 ? errno : 0;
	right = err == 0 && kex_server_finish(k, m3);
	turn_end(turns, me, right);
	if (right)
		return DOOR_READY;
	if (err == 0) {
		door_refuse(c, KEX_WRONG_TOKEN);
		return member ? door_say(why, DOOR_WRONG,
		    "another secret (--auth)") :
		    door_say(why, DOOR_REFUSED, "wrong token");
	}
	/* A client that sees a wrong confirmation goes; what else went wrong
	 * cannot be told from that, and counts as a guess all the same. */
	if (err == ECONNRESET || err == EPIPE || err == ETIMEDOUT)
		return member ? door_say(why, DOOR_WRONG,
		    "another secret (--auth), or it gave up") :
		    door_say(why, DOOR_REFUSED, "wrong token, or it gave up");
	errno = err;
	return door_broke(why);
}

/* The handshake of a link, or of a member. */
static enum door_verdict
accept_link(struct caller *c, const uint8_t *head, enum kex_kind kind,
    const uint8_t *w, const char *room, struct turns *turns,
    struct kex_keys *keys, char *why)
{
	enum door_verdict verdict;
	uint8_t m1[KEX_M1];
	struct turn me;
	struct kex k;
	int rc;

	memcpy(m1, head, KEX_HEAD);
	if (door_read(c, m1 + KEX_HEAD, sizeof(m1) - KEX_HEAD) == -1)
		return door_broke(why);
	door_queue(c);
	if (turn_begin(turns, &me, c->fd, c->from, &c->wait) == -1) {
		if (errno == ENOBUFS || errno == ETIMEDOUT)
			return refuse(c, KEX_CROWDED, why,
			    "too many handshakes at once");
		return door_broke(why);
	}
	kex_init(&k, kind, room);
	if (!door_leave(c)) {
		turn_end(turns, &me, true);
		return door_say(why, DOOR_BROKEN,
		    "had to make room for another");
	}
	rc = draw_server(&k, w, m1);
	if (rc == 1) {
		turn_computed(turns, &me);
		verdict = confirm(c, &k, turns, &me, why);
	} else {
		turn_end(turns, &me, true);	/* no guess was answered */
		if (rc == -1) {
			door_silence(c);
			verdict = door_say(why, DOOR_BROKEN,
			    "its first message is not valid");
		} else
			verdict = door_broke(why);
	}
	if (verdict == DOOR_READY)
		*keys = k.keys;
	secret_wipe(&k, sizeof(k));
	return verdict;
}

enum door_verdict
sealed_accept(struct caller *c, const uint8_t w[BEAR_SCALAR],
    const char *room, struct turns *turns, struct sealed_caller *out,
    char why[DOOR_WHY_MAX])
{
	uint8_t head[KEX_HEAD];
	unsigned first;

	if (door_read(c, head, 2) == -1)
		return door_broke(why);
	first = (unsigned)head[0] << 8 | head[1];
	if (first >= 1 && first <= TOKEN_MAX)
		return refuse(c, KEX_NOT_SEALED, why,
		    "it does not encrypt (--plain), this side does");
	if (first != PROTO_SEALED)
		goto stranger;
	if (door_read(c, head + 2, sizeof(head) - 2) == -1)
		return door_broke(why);
	out->kind = kex_kind(head);
	switch (out->kind) {
	case KEX_KIND_LINK:
		return accept_link(c, head, KEX_KIND_LINK, w, room, turns,
		    &out->keys, why);
	case KEX_KIND_STREAM:
		memcpy(out->hello, head, sizeof(head));
		if (door_read(c, out->hello + sizeof(head),
		    sizeof(out->hello) - sizeof(head)) == -1)
			return door_broke(why);
		return DOOR_READY;
	case KEX_KIND_VERSION:
		return refuse(c, KEX_VERSION, why,
		    "it speaks another version of the protocol");
	case KEX_KIND_MEMBER:
	case KEX_KIND_BAD:
		break;
	}
stranger:
	door_silence(c);
	return door_say(why, DOOR_BROKEN, "not this protocol");
}

struct seal *
sealed_link_new(const struct kex_keys *keys, enum kex_role ours)
{
	struct seal_keys both;
	struct seal *s;

	both.suite = keys->suite;
	kex_link_keys(keys, ours, both.out);
	kex_link_keys(keys, ours == KEX_CLIENT ? KEX_SERVER : KEX_CLIENT,
	    both.in);
	s = seal_new(RECORD_LINK, ours == KEX_CLIENT, &both);
	secret_wipe(&both, sizeof(both));
	return s;
}

enum door_verdict
sealed_member_accept(struct caller *c, const uint8_t head[KEX_HEAD],
    const uint8_t w[BEAR_SCALAR], struct turns *turns, struct seal **sp,
    char why[DOOR_WHY_MAX])
{
	enum door_verdict verdict;
	struct kex_keys keys;

	memset(&keys, 0, sizeof(keys));
	verdict = accept_link(c, head, KEX_KIND_MEMBER, w, "", turns, &keys,
	    why);
	if (verdict != DOOR_READY)
		return verdict;
	*sp = sealed_link_new(&keys, KEX_SERVER);
	secret_wipe(&keys, sizeof(keys));
	return *sp != NULL ? DOOR_READY : door_broke(why);
}

/* What a status other than "go on" means. */
static enum door_verdict
refused(uint8_t status, char *why)
{
	switch (status) {
	case KEX_NOT_SEALED:
		return door_say(why, DOOR_PLAIN, "the other side, or "
		    "something in between, does not encrypt; refused");
	case KEX_VERSION:
		return door_say(why, DOOR_REFUSED, "refused: the server "
		    "speaks another version of the protocol");
	case KEX_CROWDED:
		return door_say(why, DOOR_REFUSED, "refused for now: too many "
		    "handshakes at the server");
	case KEX_WRONG_TOKEN:
		return door_say(why, DOOR_REFUSED, "refused: the server says "
		    "that our token is wrong");
	default:
		return door_say(why, DOOR_BROKEN,
		    "the other side is no adit server");
	}
}

/* What a relay says to DIAL: joined? */
static enum door_verdict
await_joined(int fd, const struct net_wait *wait, char *why)
{
	uint8_t status;

	if (sealed_read_bytes(fd, &status, 1, wait) == -1) {
		if (errno == ECONNRESET)
			return door_say(why, DOOR_BROKEN, "the relay closed "
			    "the connection");
		return door_broke(why);
	}
	if (status == MEET_JOINED)
		return DOOR_READY;
	(void)snprintf(why, DOOR_WHY_MAX, "%s", meet_status_text(status));
	switch (status) {
	case MEET_NO_ROOM:
	case MEET_NO_SERVER:
	case MEET_STOPPING:
		return DOOR_ABSENT;
	case MEET_FULL:
	case KEX_VERSION:
		return DOOR_REFUSED;
	default:
		return DOOR_BROKEN;
	}
}

static enum door_verdict
exchange(struct kex *k, const uint8_t *w, int fd, const struct net_wait *wait,
    char *why)
{
	uint8_t first[MEET_DIAL_MAX + KEX_M1], m2[KEX_M2];
	enum door_verdict verdict;
	size_t n = 0;

	if (draw_client(k, w) == -1) {
		(void)snprintf(why, DOOR_WHY_MAX, "no randomness: %s",
		    strerror(errno));
		return DOOR_FAILED;
	}
	if (k->room[0] != '\0')
		n = meet_dial_put(k->room, first);
	memcpy(first + n, k->m1, sizeof(k->m1));
	n += sizeof(k->m1);
	if (net_write(fd, first, n, wait) == -1)
		return door_broke(why);
	if (k->room[0] != '\0' &&
	    (verdict = await_joined(fd, wait, why)) != DOOR_READY)
		return verdict;
	if (sealed_read_bytes(fd, m2, 1, wait) == -1) {
		if (errno == ECONNRESET)
			return door_say(why, DOOR_BROKEN, "the server closed "
			    "the connection during the handshake");
		return door_broke(why);
	}
	if (m2[0] != KEX_GO_ON)
		return k->kind == KEX_KIND_MEMBER ? door_say(why,
		    DOOR_REFUSED, meet_status_text(m2[0])) :
		    refused(m2[0], why);
	if (sealed_read_bytes(fd, m2 + 1, sizeof(m2) - 1, wait) == -1)
		return door_broke(why);
	if (!kex_client_finish(k, m2))
		return door_say(why, DOOR_WRONG,
		    "refused: wrong token (or somebody in between)");
	if (net_write(fd, k->m3, sizeof(k->m3), wait) == -1)
		return door_broke(why);
	return DOOR_READY;
}

enum door_verdict
sealed_member_dial(int fd, const uint8_t w[BEAR_SCALAR], struct seal **sp,
    char why[DOOR_WHY_MAX])
{
	struct net_wait wait = { task_now() + DOOR_HANDSHAKE_MS, -1 };
	enum door_verdict verdict;
	struct kex k;

	kex_init(&k, KEX_KIND_MEMBER, "");
	verdict = exchange(&k, w, fd, &wait, why);
	if (verdict == DOOR_WRONG)
		(void)door_say(why, verdict, "the relay wants another secret "
		    "(--auth)");
	if (verdict == DOOR_READY &&
	    (*sp = sealed_link_new(&k.keys, KEX_CLIENT)) == NULL)
		verdict = door_broke(why);
	secret_wipe(&k, sizeof(k));
	return verdict;
}

/* The handshake on a connection to peer, which is taken. */
static enum door_verdict
shake(int fd, const struct net_addr *peer, const char *room,
    const uint8_t *w, struct kex_keys *keys, char *why)
{
	struct net_wait wait = { task_now() + DOOR_HANDSHAKE_MS, -1 };
	char name[NET_NAME_MAX], detail[DOOR_WHY_MAX];
	enum door_verdict verdict;
	struct kex k;

	kex_init(&k, KEX_KIND_LINK, room);
	verdict = exchange(&k, w, fd, &wait, detail);
	if (verdict == DOOR_READY)
		*keys = k.keys;
	else {
		(void)close(fd);
		net_name(peer, name);
		if (verdict == DOOR_REFUSED || verdict == DOOR_WRONG ||
		    verdict == DOOR_PLAIN)
			(void)snprintf(why, DOOR_WHY_MAX, "%s", detail);
		else if (room[0] != '\0')
			(void)snprintf(why, DOOR_WHY_MAX,
			    "no tunnel through %s, room %s: %.300s", name,
			    room, detail);
		else
			(void)snprintf(why, DOOR_WHY_MAX,
			    "no tunnel to %s: %.300s", name, detail);
	}
	secret_wipe(&k, sizeof(k));
	return verdict;
}

/* Which of two failures says more about what is wrong? */
static int
weight(enum door_verdict verdict)
{
	return verdict == DOOR_WRONG ? 3 : verdict == DOOR_REFUSED ? 2 :
	    verdict == DOOR_BROKEN ? 1 : 0;
}

/* All addresses of a relay, until the server is found behind one. */
static enum door_verdict
dial_room(const struct hostport *hp, const char *room, const uint8_t *w,
    int *fdp, struct net_addr *peer, struct kex_keys *keys, char *why)
{
	enum door_verdict verdict, worst = DOOR_FAILED;
	struct net_addr at[RESOLVE_MAX];
	char detail[DOOR_WHY_MAX];
	int fd, i, n;

	if ((n = dial_relays(hp, room, at, why)) == -1)
		return errno == ECANCELED ? DOOR_STOPPED : DOOR_FAILED;
	for (i = 0; i < n; i++) {
		if ((fd = dial_relay(&at[i], n, detail)) == -1)
			verdict = errno == ECANCELED ? DOOR_STOPPED :
			    DOOR_FAILED;
		else
			verdict = shake(fd, &at[i], room, w, keys, detail);
		if (verdict == DOOR_READY) {
			*fdp = fd;
			*peer = at[i];
		}
		if (verdict == DOOR_READY || verdict == DOOR_STOPPED)
			return verdict;
		if (i == 0 || weight(verdict) > weight(worst)) {
			worst = verdict;
			(void)snprintf(why, DOOR_WHY_MAX, "%s", detail);
		}
	}
	return worst;
}

enum door_verdict
sealed_dial(const struct hostport *hp, const char *room,
    const uint8_t w[BEAR_SCALAR], int *fdp, struct net_addr *peer,
    struct kex_keys *keys, char why[DOOR_WHY_MAX])
{
	enum door_verdict verdict;
	char detail[DOOR_WHY_MAX];
	int fd;

	if (room[0] != '\0')
		return dial_room(hp, room, w, fdp, peer, keys, why);
	if ((fd = dial_host(hp, SOCK_STREAM, -1, peer, detail)) == -1) {
		verdict = errno == ECANCELED ? DOOR_STOPPED : DOOR_FAILED;
		(void)snprintf(why, DOOR_WHY_MAX, "%.450s%s", detail,
		    errno == ECONNREFUSED ? " (is the server running?)" : "");
		return verdict;
	}
	if ((verdict = shake(fd, peer, "", w, keys, why)) == DOOR_READY)
		*fdp = fd;
	return verdict;
}

int
sealed_read(struct seal *s, int fd, const struct net_wait *w,
    enum record_type *type, uint8_t **body, size_t *n)
{
	enum crypt_verdict v;
	size_t room;
	uint8_t *p;
	ssize_t got;

	while ((v = seal_get(s, type, body, n)) == CRYPT_MORE) {
		p = seal_room(s, &room);
		got = net_read_some(fd, p, room, w);
		if (got == 0)
			errno = ECONNRESET;
		if (got <= 0)
			return -1;
		seal_came(s, (size_t)got);
	}
	if (v == CRYPT_RECORD)
		return 0;
	errno = EPROTO;
	return -1;
}

int
sealed_flush(struct seal *s, int fd, const struct net_wait *w)
{
	const uint8_t *p;
	size_t n;

	p = seal_pending(s, &n);
	if (n > 0 && net_write(fd, p, n, w) == -1)
		return -1;
	seal_sent(s, n, task_now());
	return 0;
}

/* Send the hello and what comes with it, and read the answer; k is known to
 * both sides. */
static enum door_verdict
greet(int fd, const char *room, const struct kex_keys *k,
    const uint8_t hello[KEX_HELLO], struct seal *s, const struct net_wait *w,
    struct ctl *answer, char *why)
{
	struct seal_keys keys = { .suite = k->suite };
	enum door_verdict verdict;
	uint8_t r[KEX_ANSWER];
	enum record_type type;
	uint8_t *body;
	size_t n;

	if (sealed_flush(s, fd, w) == -1)
		return door_broke(why);
	if (room[0] != '\0' &&
	    (verdict = await_joined(fd, w, why)) != DOOR_READY)
		return verdict;
	if (sealed_read_bytes(fd, r, 1, w) == -1)
		return door_broke(why);
	if (r[0] == KEX_NO_SESSION) {
		answer->kind = 0;
		return door_say(why, DOOR_REFUSED,
		    "the server does not know this session any more");
	}
	if (r[0] != KEX_GO_ON)
		return refused(r[0], why);
	if (sealed_read_bytes(fd, r + 1, sizeof(r) - 1, w) == -1)
		return door_broke(why);
	kex_acceptor_keys(k, hello, r, keys.in);
	crypt_init(&s->in.record.crypt, k->suite, keys.in);
	secret_wipe(&keys, sizeof(keys));
	if (sealed_read(s, fd, w, &type, &body, &n) == -1)
		return errno == EPROTO ? door_say(why, DOOR_BROKEN,
		    "what came is not what the server sent") :
		    door_broke(why);
	if (type == RECORD_OPENED)
		return DOOR_READY;
	if (!ctl_refused_get(answer, body, n))
		return door_say(why, DOOR_BROKEN, "an answer makes no sense");
	answer->kind = CTL_REFUSED;
	(void)snprintf(why, DOOR_WHY_MAX, "refused: %s%s%.250s",
	    ctl_reason_text(answer->reason), answer->text[0] ? ": " : "",
	    answer->text);
	return DOOR_REFUSED;
}

enum door_verdict
sealed_open_stream(int fd, const char *room, const struct kex_keys *k,
    uint64_t number, const struct ctl *open, const void *early, size_t nearly,
    int watch, struct seal **sp, struct ctl *answer, char why[DOOR_WHY_MAX])
{
	struct net_wait w = { task_now() + SEALED_ANSWER_MS, watch };
	struct kex_hello h = { .role = KEX_CLIENT, .number = number };
	enum record_use use = open->protocol == CTL_UDP ? RECORD_FLOW :
	    RECORD_STREAM;
	uint8_t first[MEET_DIAL_MAX + KEX_HELLO], body[RECORD_OPEN_MAX];
	uint8_t *hello = first;
	enum door_verdict verdict;
	struct seal_keys keys;
	struct seal *s;

	memcpy(h.sid, k->sid, sizeof(h.sid));
	if (entropy_get(h.rd, sizeof(h.rd)) == -1)
		return door_broke(why);
	if (room[0] != '\0')
		hello += meet_dial_put(room, first);
	kex_hello_put(&h, hello);
	keys.suite = k->suite;
	kex_dialler_keys(k, hello, keys.out);
	/* The other direction's depend on the answer. */
	memcpy(keys.in, keys.out, sizeof(keys.in));
	s = seal_new(use, true, &keys);
	secret_wipe(&keys, sizeof(keys));
	if (s == NULL)
		return door_broke(why);
	seal_put_plain(s, first, (size_t)(hello - first) + KEX_HELLO);
	(void)seal_put(s, RECORD_OPEN, body, ctl_open_put(open, body));
	if (nearly > 0)
		(void)seal_put(s, use == RECORD_FLOW ? RECORD_DATAGRAM :
		    RECORD_DATA, early, nearly);
	verdict = greet(fd, room, k, hello, s, &w, answer, why);
	if (verdict == DOOR_READY)
		*sp = s;
	else
		seal_free(s);
	return verdict;
}
