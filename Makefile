# adit: make, make install, make static, make check, make lint, make bench,
# make fuzz.  Plain POSIX make; only a C11 compiler is needed for "make", and
# BearSSL for encryption (Debian: libbearssl-dev).
.POSIX:
.SUFFIXES:
.SUFFIXES: .c .o

CC = cc
CFLAGS = -O2
LDFLAGS =
PREFIX = /usr/local
DESTDIR =
# Where systemd's units go; empty: nowhere.
UNITDIR =
MUSL_CC = musl-gcc
FUZZ_SECONDS = 20
POSIX = 0
# 1: with encryption, or fail.  0: without.  auto: with, if bearssl.h is here.
BEARSSL = auto

STD = -std=c11 -D_POSIX_C_SOURCE=200809L
# POSIX=1 leaves out what only Linux has (splice, in bulk.c).
POSIX_0 =
POSIX_1 = -DADIT_POSIX
# All that links ends in what build/bear says, one of two; no object knows.
BEAR_0 = nobear.c
BEAR_1 = bear.c -lbearssl
BEAR_auto = `if $(CC) $(ALL_CFLAGS) -E bear.c >/dev/null 2>&1; \
	then echo $(BEAR_1); else echo $(BEAR_0); fi`
BEAR = `cat build/bear`
ALL_CFLAGS = $(STD) $(POSIX_$(POSIX)) $(CFLAGS)
WARN = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wcast-qual -Wpointer-arith -Wwrite-strings \
	-Wvla -Wundef -Wconversion -Wsign-conversion -Wformat=2 \
	-Wswitch-enum -Werror
SANITIZE = -g -O1 -fno-omit-frame-pointer -DTASK_STACK_KIB=512

OBJS = buf.o secret.o text.o log.o json.o word.o hash.o proto.o kdf.o spake2.o \
	crypt.o record.o ctl.o kex.o meet.o rank.o ticket.o http.o stats.o \
	guess.o number.o retry.o rate.o opt.o args.o task.o bulk.o token.o \
	event.o order.o entropy.o mint.o tell.o seal.o net.o resolve.o gate.o turn.o \
	flow.o proxy.o tally.o auth.o sandbox.o conn.o dial.o pump.o door.o \
	plain.o sealed.o link.o roster.o session.o keeper.o post.o rooms.o \
	waiter.o stream.o local.o public.o control.o lobby.o look.o pair.o \
	late.o uplink.o serve.o server.o client.o relay.o share.o main.o
SRCS = $(OBJS:.o=.c)
HDRS = bear.h buf.h secret.h text.h log.h json.h word.h hash.h proto.h kdf.h \
	spake2.h crypt.h record.h ctl.h kex.h meet.h rank.h ticket.h http.h \
	stats.h guess.h number.h retry.h rate.h opt.h args.h task.h bulk.h \
	token.h event.h order.h entropy.h mint.h tell.h seal.h net.h resolve.h gate.h \
	turn.h flow.h proxy.h tally.h auth.h sandbox.h conn.h dial.h pump.h \
	door.h plain.h sealed.h link.h roster.h session.h keeper.h post.h \
	rooms.h waiter.h stream.h local.h public.h control.h lobby.h look.h \
	pair.h late.h uplink.h serve.h server.h client.h relay.h share.h
UNITS = adit-relay.service adit-server@.service
WHOLE = $(SRCS) $(HDRS) bear.c nobear.c build/bear

all: adit server client relay

adit: $(OBJS) bear.c nobear.c build/bear
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -pthread -o $@ $(OBJS) $(BEAR)
	@grep -q bearssl build/bear || echo 'adit: built WITHOUT encryption;' \
	    'for it, install libbearssl-dev and run make again' >&2

server client relay: adit
	ln -sf adit $@

.c.o:
	$(CC) $(ALL_CFLAGS) -pthread -c -o $@ $<

# Few enough that every object depends on every header.
$(OBJS): $(HDRS) Makefile

# Asked at each make and written when it changes, so that all is linked anew.
build/bear: FORCE
	@mkdir -p build
	@new=$@.$$$$; echo $(BEAR_$(BEARSSL)) >$$new; \
	cmp -s $$new $@ || cp $$new $@; rm -f $$new

FORCE:

# What was built, however: these variables may not be those of that make.
install:
	@test -x adit || $(MAKE) adit
	mkdir -p $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1
	cp adit $(DESTDIR)$(PREFIX)/bin/adit
	chmod 755 $(DESTDIR)$(PREFIX)/bin/adit
	cp adit.1 $(DESTDIR)$(PREFIX)/share/man/man1/adit.1
	chmod 644 $(DESTDIR)$(PREFIX)/share/man/man1/adit.1
	[ -z '$(UNITDIR)' ] || mkdir -p '$(DESTDIR)$(UNITDIR)'
	[ -z '$(UNITDIR)' ] || for unit in $(UNITS); do \
		sed 's|/usr/local/bin/|$(PREFIX)/bin/|' "contrib/$$unit" \
		    >"$(DESTDIR)$(UNITDIR)/$$unit" && \
		chmod 644 "$(DESTDIR)$(UNITDIR)/$$unit" || exit 1; \
	done

uninstall:
	[ -z '$(UNITDIR)' ] || for unit in $(UNITS); do \
		rm -f "$(DESTDIR)$(UNITDIR)/$$unit"; \
	done
	rm -f $(DESTDIR)$(PREFIX)/bin/adit
	rm -f $(DESTDIR)$(PREFIX)/share/man/man1/adit.1

static: build/static/adit

# The other builds are whole at once: small files.
#
# musl-gcc does not look where glibc's headers are, so BearSSL's are linked
# into a directory of their own.
build/static/adit: $(WHOLE) static/shim.c
	rm -rf build/static
	mkdir -p build/static/include
	@bear=nobear.c; \
	if [ '$(BEARSSL)' != 0 ]; then \
		lib=`$(CC) -print-file-name=libbearssl.a`; \
		header=`$(CC) -M bear.c 2>/dev/null | tr ' ' '\n' | \
		    grep '/bearssl\.h$$' | head -n 1`; \
		[ -f "$$lib" ] && [ -f "$$header" ] || { \
			echo 'no libbearssl.a: install libbearssl-dev, or' \
			    'build without encryption by BEARSSL=0' >&2; \
			exit 1; \
		}; \
		ln -s "$${header%.h}"* build/static/include; \
		bear="bear.c static/shim.c $$lib"; \
	fi; \
	set -x; \
	$(MUSL_CC) $(STD) -isystem build/static/include -Oz -flto \
	    -static -fno-pie -ffunction-sections -fdata-sections \
	    -fno-asynchronous-unwind-tables -Wl,--gc-sections \
	    -Wl,-z,noseparate-code -Wl,-z,norelro -Wl,--build-id=none \
	    -s -pthread -o $@ $(SRCS) $$bear

build/posix/adit: $(WHOLE)
	mkdir -p build/posix
	$(CC) $(STD) $(POSIX_1) -O2 -pthread -o $@ $(SRCS) $(BEAR)

# scrypt is most of what a start takes where valgrind is between.
build/debug/adit: $(WHOLE)
	mkdir -p build/debug
	$(CC) $(STD) -g -O2 -c -o build/debug/kdf.o kdf.c
	$(CC) $(STD) $(POSIX_$(POSIX)) $(SANITIZE) -pthread \
	    -o $@ $(SRCS:kdf.c=build/debug/kdf.o) $(BEAR)

build/asan/adit: $(WHOLE)
	mkdir -p build/asan
	$(CC) $(STD) $(POSIX_$(POSIX)) $(SANITIZE) -fsanitize=address,undefined \
	    -fno-sanitize-recover=all -pthread -o $@ $(SRCS) $(BEAR)

# But for scrypt, which one thread does with memory of its own: 0.05 s for each
# start, and watched it would be more than a second.
build/tsan/adit: $(WHOLE)
	mkdir -p build/tsan
	$(CC) $(STD) -g -O2 -c -o build/tsan/kdf.o kdf.c
	$(CC) $(STD) $(POSIX_$(POSIX)) $(SANITIZE) -fsanitize=thread -pthread \
	    -o $@ $(SRCS:kdf.c=build/tsan/kdf.o) $(BEAR)

build/m32/adit: $(WHOLE)
	mkdir -p build/m32
	@bear=$(BEAR); \
	echo 'int main(void) { return 0; }' | \
	    $(CC) -m32 -x c -o $@- - $${bear#*.c} 2>/dev/null || { \
		echo 'm32: built WITHOUT encryption;' \
		    'for it, install libbearssl-dev:i386' >&2; \
		bear=nobear.c; \
	}; \
	set -x; \
	$(CC) -m32 $(STD) -O2 -pthread -o $@ $(SRCS) $$bear

build/clang/adit: $(WHOLE)
	mkdir -p build/clang
	clang $(STD) $(WARN) -O2 -pthread -o $@ $(SRCS) $(BEAR)

build/gcc/adit: $(WHOLE)
	mkdir -p build/gcc
	gcc $(STD) $(WARN) -O2 -pthread -o $@ $(SRCS) $(BEAR)

build/nobear/adit: $(WHOLE)
	mkdir -p build/nobear
	gcc $(STD) $(WARN) -O2 -pthread -o $@ $(SRCS) $(BEAR_0)

check-warn: build/gcc/adit build/clang/adit build/nobear/adit

check: all
	tests/run --quick

unit:
	sh tests/unit/run

lint: check-warn
	sh tests/lint.sh

fuzz:
	sh tests/fuzz/run $(FUZZ_SECONDS)

bench: all
	sh tests/bench/run

clean:
	rm -rf adit server client relay *.o build

.PHONY: all install uninstall static check check-warn unit lint fuzz bench \
	clean FORCE
