# adit: make, make install, make static, make check, make lint, make bench,
# make fuzz.  Plain POSIX make; only a C11 compiler is needed for "make".
.POSIX:
.SUFFIXES:
.SUFFIXES: .c .o

CC = cc
CFLAGS = -O2
LDFLAGS =
PREFIX = /usr/local
DESTDIR =
MUSL_CC = musl-gcc
FUZZ_SECONDS = 20
POSIX = 0

STD = -std=c11 -D_POSIX_C_SOURCE=200809L
# POSIX=1 leaves out what only Linux has (splice, in bulk.c).
POSIX_0 =
POSIX_1 = -DADIT_POSIX
ALL_CFLAGS = $(STD) $(POSIX_$(POSIX)) $(CFLAGS)
WARN = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wcast-qual -Wpointer-arith -Wwrite-strings \
	-Wvla -Wundef -Wconversion -Wsign-conversion -Wformat=2 \
	-Wswitch-enum -Werror
SANITIZE = -g -O1 -fno-omit-frame-pointer -DTASK_STACK_KIB=512

OBJS = buf.o secret.o text.o log.o proto.o opt.o task.o bulk.o token.o \
	net.o resolve.o dial.o gate.o flow.o conn.o pump.o link.o stream.o \
	server.o client.o main.o
SRCS = $(OBJS:.o=.c)
HDRS = buf.h secret.h text.h log.h proto.h opt.h task.h bulk.h token.h \
	net.h resolve.h dial.h gate.h flow.h conn.h pump.h link.h stream.h \
	server.h client.h

all: adit server client

adit: $(OBJS)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -pthread -o $@ $(OBJS)

server client: adit
	ln -sf adit $@

.c.o:
	$(CC) $(ALL_CFLAGS) -pthread -c -o $@ $<

# Few enough that every object depends on every header.
$(OBJS): $(HDRS) Makefile

install: adit
	mkdir -p $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1
	cp adit $(DESTDIR)$(PREFIX)/bin/adit
	chmod 755 $(DESTDIR)$(PREFIX)/bin/adit
	cp adit.1 $(DESTDIR)$(PREFIX)/share/man/man1/adit.1
	chmod 644 $(DESTDIR)$(PREFIX)/share/man/man1/adit.1

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/adit
	rm -f $(DESTDIR)$(PREFIX)/share/man/man1/adit.1

static: build/static/adit

# The other builds are whole at once: 21 small files.
build/static/adit: $(SRCS) $(HDRS)
	mkdir -p build/static
	$(MUSL_CC) $(STD) -Os -flto -static -ffunction-sections -fdata-sections \
	    -fno-asynchronous-unwind-tables -Wl,--gc-sections \
	    -Wl,-z,noseparate-code -Wl,-z,norelro -Wl,--build-id=none \
	    -s -pthread -o $@ $(SRCS)

build/posix/adit: $(SRCS) $(HDRS)
	mkdir -p build/posix
	$(CC) $(STD) $(POSIX_1) -O2 -pthread -o $@ $(SRCS)

build/debug/adit: $(SRCS) $(HDRS)
	mkdir -p build/debug
	$(CC) $(STD) $(POSIX_$(POSIX)) $(SANITIZE) -pthread -o $@ $(SRCS)

build/asan/adit: $(SRCS) $(HDRS)
	mkdir -p build/asan
	$(CC) $(STD) $(POSIX_$(POSIX)) $(SANITIZE) -fsanitize=address,undefined \
	    -fno-sanitize-recover=all -pthread -o $@ $(SRCS)

build/tsan/adit: $(SRCS) $(HDRS)
	mkdir -p build/tsan
	$(CC) $(STD) $(POSIX_$(POSIX)) $(SANITIZE) -fsanitize=thread -pthread \
	    -o $@ $(SRCS)

build/m32/adit: $(SRCS) $(HDRS)
	mkdir -p build/m32
	$(CC) -m32 $(STD) -O2 -pthread -o $@ $(SRCS)

build/clang/adit: $(SRCS) $(HDRS)
	mkdir -p build/clang
	clang $(STD) $(WARN) -O2 -pthread -o $@ $(SRCS)

build/gcc/adit: $(SRCS) $(HDRS)
	mkdir -p build/gcc
	gcc $(STD) $(WARN) -O2 -pthread -o $@ $(SRCS)

check-warn: build/gcc/adit build/clang/adit

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
	rm -rf adit server client *.o build

.PHONY: all install uninstall static check check-warn unit lint fuzz bench \
	clean
