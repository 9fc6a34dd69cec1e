#!/bin/sh
# lint.sh - what the compiler does not see: layers, choke points, contracts,
# exports, form, and what the linters say.
#
# Prints "ok lint: CHECK" or "not ok lint: CHECK" with every finding and its
# place; exit 1 if there was one.  `make lint` runs it after both compilers
# have passed the sources with all warnings as errors.

cd "${0%/*}/.." || exit 1
LC_ALL=C
export LC_ALL
tmp=$(mktemp -d "${TMPDIR:-/tmp}/adit-lint.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
found=$tmp/found
failed=0

verdict() {	# verdict CHECK: what is in $found decides
	if [ -s "$found" ]; then
		echo "not ok lint: $1"
		sed 's/^/    /' "$found"
		failed=1
	else
		echo "ok lint: $1"
	fi
	: >"$found"
}

skipped() {	# skipped CHECK TOOL
	echo "skipped lint: $1 ($2 is not installed)"
}

# The files that are ours: not what git ignores, nor what tests leave behind.
ours() {
	if [ -e .git ] && command -v git >/dev/null; then
		git ls-files -co --exclude-standard
	else
		find . -type f ! -path './build/*' ! -name '*.o' ! -name adit |
		    sed 's|^\./||'
	fi | while read -r file; do
		[ ! -f "$file" ] || echo "$file"
	done | sort
}
ours >"$tmp/ours"
: >"$found"

# The sources without comments and without what stands in quotes, line for
# line, so that what is found below is code.
mkdir "$tmp/code" || exit 1
for file in ./*.[ch]; do
	awk '{
		s = $0
		out = ""
		while (s != "") {
			if (comment) {
				if ((i = index(s, "*/")) == 0) {
					s = ""
				} else {
					s = substr(s, i + 2)
					comment = 0
				}
			} else if (match(s, /^"([^"\\]|\\.)*"/) ||
			    match(s, /^\047([^\047\\]|\\.)*\047/)) {
				out = out "\"\""
				s = substr(s, RLENGTH + 1)
			} else if (substr(s, 1, 2) == "/*") {
				comment = 1
				s = substr(s, 3)
			} else {
				out = out substr(s, 1, 1)
				s = substr(s, 2)
			}
		}
		print out
	}' "$file" >"$tmp/code/$file"
done

# Layers ---------------------------------------------------------------------

awk 'FNR == 1 { nfile++ }
/^#/ && nfile == 1 || NF == 0 { next }
nfile == 1 { layer[$2] = $1; next }
/^[ \t]*#[ \t]*include[ \t]*"/ {
	mod = FILENAME
	gsub(/^\.\/|\.[ch]$/, "", mod)
	dep = $0
	sub(/^[^"]*"/, "", dep)
	sub(/".*/, "", dep)
	header = dep
	sub(/\.h$/, "", dep)
	if (header == dep || header ~ /\//)
		complain("includes " header ", which is no header here")
	else if (!(mod in layer) || !(dep in layer))
		complain("no layer for " mod " or " dep " in tests/layers")
	else if (dep != mod && layer[dep] >= layer[mod])
		complain("layer " layer[mod] " may not include " dep \
		    ", which is layer " layer[dep])
}
function complain(s) { print FILENAME ":" FNR ": " s }
' tests/layers ./*.[ch] >"$found"
sed -n 's/^[0-9][0-9]* //p' tests/layers | sort >"$tmp/layered"
for file in *.[ch]; do
	echo "${file%.[ch]}"
done | sort -u >"$tmp/modules"
{
	comm -13 "$tmp/layered" "$tmp/modules" |
	    sed 's/^/tests\/layers: has no /'
	comm -23 "$tmp/layered" "$tmp/modules" |
	    sed 's/$/: is in tests\/layers, and nowhere else/'
	uniq -d "$tmp/layered" | sed 's/$/: is in tests\/layers twice/'
} >>"$found"
verdict layers

# Choke points ---------------------------------------------------------------

# Which file may call what.  A function that is not here may be called by all,
# so whatever starts something, ends something, waits, or meets the system
# should be here; "-" is nobody.
cat >"$tmp/calls" <<'END'
accept bind connect listen socket	net
getsockname getsockopt			net
setsockopt				net flow
socketpair				flow
getpeername				conn
shutdown				net conn gate
recv					net conn
recvfrom				stream public
send					net conn flow
sendto					conn
recvmsg sendmsg accept4 sendfile tee	-
poll					net conn log event
select pselect ppoll epoll_create epoll_create1 epoll_wait	-
splice					bulk
getaddrinfo freeaddrinfo gai_strerror inet_pton	resolve
inet_ntop				net
gethostbyname getservbyname inet_addr inet_ntoa inet_aton getnameinfo	-
pipe					bulk resolve task
dup dup2				conn
open					conn main token entropy
fopen fdopen freopen creat openat mmap	-
read					conn token task entropy control
write					conn log task token event share
readv writev pread pwrite		-
fcntl					bulk flow main net resolve task
ioctl					-
tcgetattr tcsetattr			token
pthread_create pthread_join pthread_kill sigwait	task
pthread_sigmask				task control
pthread_detach pthread_cancel pthread_exit pthread_setcancelstate	-
pthread_cond_init pthread_cond_timedwait	task event
pthread_cond_broadcast			task pump event keeper roster
pthread_cond_signal			turn session rooms
pthread_cond_wait			-
pthread_mutex_init			flow gate pump resolve stream turn link session keeper stats post public rooms waiter roster auth rate tally
pthread_mutex_trylock pthread_rwlock_init sem_init	-
sigaction				task token
raise					token
signal kill sigprocmask sigsuspend alarm setitimer timer_create	-
sched_yield				flow
getenv					opt
setgid setuid seteuid setegid setgroups prctl	sandbox
getpwnam getpwuid getuid geteuid getgid getegid getgroups	sandbox
getgrnam initgroups chroot		-
secure_getenv setenv putenv unsetenv clearenv	-
getrlimit				stream
setrlimit				stream main
clock_gettime				task event
time gettimeofday sleep usleep nanosleep clock_nanosleep	-
localtime gmtime ctime asctime strftime setlocale	-
malloc calloc free			bulk resolve stream task seal kdf public roster
realloc reallocarray strdup strndup asprintf posix_memalign alloca	-
fwrite fflush				main share
printf fprintf vprintf vfprintf dprintf puts fputs putchar perror	-
scanf fscanf sscanf fgets getline getchar gets fread	-
vsnprintf				log
_exit					task
exit abort fork vfork execv execve execvp execl execlp system popen	-
daemon setsid setjmp longjmp atexit dlopen	-
strcpy strcat sprintf vsprintf stpcpy	-
atoi atol atoll atof strtol strtoul strtoll strtoull strtod strtok	-
rand srand random srandom drand48 mktemp tmpnam tempnam	-
bcopy bzero index rindex		-
END
# And which file may speak of what.
cat >"$tmp/words" <<'END'
_GNU_SOURCE				bulk
_DEFAULT_SOURCE				sandbox
_BSD_SOURCE _XOPEN_SOURCE		-
stderr environ				-
stdout					main share
volatile				secret token
sig_atomic_t				token
TASK_STACK_KIB				task
br_sha256_init br_ec_p256_m31 br_hmac_init br_gcm_init br_chacha20_ct_run	bear
END
# And who may include which header of the system.  The engines see none of
# those below: they do no I/O, read no clock, start no thread.  server, client
# and link want SOCK_STREAM alone; no socket call is theirs but recvfrom().
cat >"$tmp/includes" <<'END'
sys/socket.h	net resolve gate flow conn plain sealed stream local server client public share
sys/stat.h	entropy
sys/prctl.h	sandbox
pwd.h		sandbox
grp.h		sandbox
bearssl.h	bear
netinet/in.h	net resolve gate flow proxy
netinet/tcp.h	net
arpa/inet.h	net resolve
netdb.h		resolve
malloc.h	main
poll.h		net conn log task event
pthread.h	task flow gate pump resolve turn event link session keeper stats post public rooms waiter log roster auth rate tally
signal.h	task token control
sched.h		flow
stdatomic.h	task bear bulk conn pump stream event seal link stats
termios.h	token
time.h		task event
sys/time.h	net
sys/resource.h	main stream
fcntl.h		bulk conn entropy flow main net resolve task token
unistd.h	bulk client conn entropy event flow link local log main net plain resolve sealed server stream task token post public relay rooms share waiter control late sandbox lobby look pair uplink serve
errno.h		bulk client conn dial door entropy event flow kdf keeper link local log main mint net plain pump resolve sealed seal server stream task token turn post public relay rooms share waiter control roster late sandbox lobby pair uplink serve
stdlib.h	bulk kdf opt resolve seal stream task public roster
sys/types.h	*
limits.h	task bulk
assert.h	bear conn crypt ctl guess http kdf kex meet nobear proto pump rank record seal spake2 stats turn word
stdarg.h	log
stdio.h		*
string.h	*
strings.h	resolve
stdbool.h	*
stddef.h	*
stdint.h	*
END

# who_may TABLE KIND: each name of the table only in its files.
who_may() {
	(cd "$tmp/code" && awk -v kind="$2" '
	FNR == 1 {
		nfile++
		mod = FILENAME
		gsub(/^\.\/|\.[ch]$/, "", mod)
	}
	nfile == 1 {
		split($0, half, /\t+/)
		n = split(half[1], name, " ")
		for (i = 1; i <= n; i++)
			allowed[name[i]] = " " half[2] " "
		next
	}
	kind == "includes" {
		if (!match($0, /^[ \t]*#[ \t]*include[ \t]*</))
			next
		name[1] = substr($0, RLENGTH + 1)
		sub(/>.*/, "", name[1])
		if (!(name[1] in allowed))
			complain("<" name[1] "> is not in the table")
		else if (allowed[name[1]] != " * ")
			check(name[1])
		next
	}
	{
		s = $0
		while (match(s, /[A-Za-z_][A-Za-z0-9_]*/)) {
			word = substr(s, RSTART, RLENGTH)
			before = RSTART > 1 ? substr(s, RSTART - 1, 1) : ""
			s = substr(s, RSTART + RLENGTH)
			# A member of a structure is no function.
			if (word in allowed && before != "." && before != ">" &&
			    (kind == "words" || s ~ /^[ \t]*\(/))
				check(word)
		}
	}
	function check(w) {
		if (index(allowed[w], " " mod " ") == 0)
			complain(w ": only in" (allowed[w] == " - " ? \
			    " no file at all" : allowed[w]))
	}
	function complain(s) { print FILENAME ":" FNR ": " s }
	' "$1" ./*.[ch])
}
# stderr is written in log.c alone.  conn.c lets it stand in for a /dev/null
# that cannot be opened, and main.c asks of each descriptor up to it whether
# it is open: those lines, in that very form.
stderr_users() {
	(cd "$tmp/code" && grep -n 'STDERR_FILENO' ./*.[ch] | grep -v \
	    -e '^\./log\.c:[0-9]*:.*struct pollfd p = { STDERR_FILENO,' \
	    -e '^\./conn\.c:[0-9]*:.*= dup(STDERR_FILENO);' \
	    -e '^\./main\.c:[0-9]*:.*for (fd = .*; fd <= STDERR_FILENO; fd++)') |
	    sed 's/$/ (stderr belongs to log.c)/'
	# Its number would be the way around.
	(cd "$tmp/code" && grep -nE '(write|dup2?|fcntl)\(2[,)]' ./*.[ch])
}
{
	who_may "$tmp/calls" calls
	who_may "$tmp/words" words
	who_may "$tmp/includes" includes
	stderr_users
} >>"$found"
verdict "choke points"

# Contracts ------------------------------------------------------------------

# Every prototype in a header stands in a paragraph that begins with what it
# promises: a comment, before the first of the group.
for file in *.h; do
	awk '
	/^$/ { said = 0 }
	/\/\*/ && depth == 0 { said = 1 }
	{
		line = $0
		# A line of code outside of comments and braces that begins in
		# column 1 and has a parenthesis begins a prototype.
		if (!comment && depth == 0 && line ~ /^[a-z].*\(/ &&
		    line !~ /^(typedef|static|_Static_assert)/ && !said)
			print FILENAME ":" FNR ": no contract: " line
		if (comment || line ~ /\/\*/)
			comment = line !~ /\*\/[^\/]*$/
		gsub(/\/\*.*\*\//, "", line)
		depth += gsub(/\{/, "", line) - gsub(/\}/, "", line)
	}' "$file" >>"$found"
	guard=$(echo "${file%.h}" | tr '[:lower:]' '[:upper:]')_H
	sed -n 2,3p "$file" | tr '\n' ' ' |
	    grep -qx "#ifndef $guard #define $guard " ||
	    echo "$file:2: the guard should be $guard" >>"$found"
done
for file in *.[ch] tests/unit/*.[ch] tests/fuzz/*.[ch]; do
	[ "$(sed -n 1p "$file")" = "/* SPDX-License-Identifier: MIT */" ] ||
	    echo "$file:1: no SPDX line" >>"$found"
done
for file in *.c; do
	sed -n 2p "$file" | grep -q "^/\* $file - " ||
	    echo "$file:2: does not say what it is for" >>"$found"
done
verdict contracts

# Exports --------------------------------------------------------------------

# foo.c exports only foo_*, and nothing that no other file uses.  buf.c has
# its three kinds of cursor instead, and these are whole sets.
CC=${CC:-cc}
mkdir "$tmp/o"
sources=$PWD
(cd "$tmp/o" && printf '%s\n' "$sources"/*.c | xargs -P 2 -L 1 "$CC" -std=c11 \
    -D_POSIX_C_SOURCE=200809L -pthread -c) >"$tmp/cc" 2>&1 ||
    cat "$tmp/cc" >>"$found"
(cd "$tmp/o" && nm -A -g ./*.o) | sed 's/:/ /' >"$tmp/symbols"
awk '{
	mod = $1
	gsub(/^\.\/|\.o$/, "", mod)
	sym = $NF
	if ($(NF - 1) == "U") {
		used[sym] = 1
		next
	}
	# nobear.c stands in for bear.c.
	prefix = mod == "buf" ? "(rd|wr|span)_" : mod == "main" ? "main$" : \
	    mod == "nobear" ? "bear_" : mod "_"
	if (sym !~ "^" prefix)
		print mod ".c: exports " sym
	where[sym] = mod
}
END {
	for (sym in where)
		# An engine is whole, whoever uses which part of it.
		if (!(sym in used) && sym != "main" && where[sym] != "buf" && \
		    where[sym] != "http" && where[sym] != "order")
			print where[sym] ".c: " sym " should be static: " \
			    "no other file uses it"
}' "$tmp/symbols" >>"$found"
verdict exports

# Makefile -------------------------------------------------------------------

variable() {	# variable NAME: its words, one a line
	sed -n "/^$1 = /,/[^\\\\]\$/p" Makefile | sed 's/\\$//' |
	    tr '[:blank:]' '\n' | sed -e "/^$1\$/d" -e '/^=$/d' -e '/^$/d'
}
{
	variable OBJS | sed 's/\.o$/.c/'
	printf '%s\n' bear.c nobear.c		# one of the two is linked
} | sort >"$tmp/objs"
variable HDRS | sort >"$tmp/hdrs"
printf '%s\n' *.c | sort | comm -3 - "$tmp/objs" |
    sed 's/^[	]*/Makefile: OBJS and the directory differ: /' >>"$found"
printf '%s\n' *.h | sort | comm -3 - "$tmp/hdrs" |
    sed 's/^[	]*/Makefile: HDRS and the directory differ: /' >>"$found"
verdict Makefile

# Form -----------------------------------------------------------------------

grep '[^ -~]' "$tmp/ours" | sed 's/$/: no ASCII name/' >>"$found"
grep '[[:space:]]' "$tmp/ours" | sed 's/$/: white space in a name/' >>"$found"
# Text of ours: not what fuzzers eat.
grep -v '^tests/fuzz/corpus/' "$tmp/ours" >"$tmp/texts"
while read -r file; do
	grep -nE '[[:space:]]+$' "$file" |
	    sed "s|^\([0-9]*\):.*|$file:\1: trailing white space|"
	# This file has to name them.
	case $file in
	tests/lint.sh)	;;
	*.[ch]|*.sh|*.py|Makefile|*/run)
		grep -nwE 'TODO|FIXME|XXX|HACK' "$file" |
		    sed "s|^\([0-9]*\):|$file:\1: make it an issue: |" ;;
	esac
	[ ! -s "$file" ] || [ "$(tail -c 1 "$file" | wc -l)" -eq 1 ] ||
	    echo "$file: no newline at its end"
	case $file in
	*.[ch])	expand "$file" | awk -v file="$file" '
		length($0) > 80 {
			print file ":" FNR ": " length($0) " columns"
		}'
		grep -n '^ *        ' "$file" |
		    sed "s|^\([0-9]*\):.*|$file:\1: spaces, not tabs|"
		grep -n ' 	' "$file" |
		    sed "s|^\([0-9]*\):.*|$file:\1: a space before a tab|"
		grep -nE '(^|[^:"])//' "$file" |
		    sed "s|^\([0-9]*\):.*|$file:\1: a comment in C++|"
		grep -nE '^[a-z].*\)[[:space:]]*\{$|\)\{' "$file" |
		    grep -v struct |
		    sed "s|^\([0-9]*\):.*|$file:\1: the brace belongs into column 1|"
		;;
	esac
done <"$tmp/texts" >>"$found"
verdict form

# Shell ----------------------------------------------------------------------

while read -r file; do
	case $(sed -n 1p "$file" | tr -d '\000') in
	'#!/bin/sh'*|'#!/usr/bin/env bash'*|'#!/bin/bash'*)	echo "$file" ;;
	esac
done <"$tmp/texts" >"$tmp/scripts"
if command -v shellcheck >/dev/null; then
	xargs shellcheck -x -P SCRIPTDIR -f gcc <"$tmp/scripts" >>"$found" 2>&1
	verdict shellcheck
else
	skipped shellcheck shellcheck
fi

# Compilers and linters ------------------------------------------------------

# The tests are compiled with the warnings of the sources.
warn=$(variable WARN | tr '\n' ' ')
# shellcheck disable=SC2086 # a list of words
printf '%s\n' tests/unit/*.c tests/fuzz/*.c | xargs -P 2 -L 1 "$CC" \
    -std=c11 -D_POSIX_C_SOURCE=200809L -fsyntax-only $warn -I. -Itests/unit \
    >>"$found" 2>&1
verdict "warnings in tests"

# Each exception is a check, a file or *, and the reason.
if command -v cppcheck >/dev/null; then
	# uninitvar main.c: usage() hands an array to opt_usage(), which fills
	# it, and its result to print(), in one call; their order does not
	# matter, because the array is only read inside of print().
	cppcheck --std=c11 --enable=warning,performance,portability \
	    --error-exitcode=1 --quiet -j 2 --suppress=uninitvar:main.c \
	    -D_POSIX_C_SOURCE=200809L -D__linux__ -DTCP_KEEPIDLE=4 \
	    --template='{file}:{line}: {severity}: {message} [{id}]' \
	    ./*.c >"$tmp/cppcheck" 2>&1 || cat "$tmp/cppcheck" >>"$found"
	verdict cppcheck
else
	skipped cppcheck cppcheck
fi

if command -v clang-tidy >/dev/null; then
	# Left out, for all files:
	# - DeprecatedOrUnsafeBufferHandling wants Annex K's memcpy_s(), which
	#   no C library here has.
	# - easily-swappable-parameters: read/write descriptors, min and max;
	#   a type of its own for each would say less, not more.
	# - concurrency-mt-unsafe: it means strerror(), whose result is static
	#   text or the thread's own in all C libraries that we run on, and
	#   getenv(), called before the first thread.  What really is unsafe
	#   is forbidden above.
	# - optin.performance.Padding: one table of options.
	checks='-*,bugprone-*,clang-analyzer-*,concurrency-*'
	checks=$checks,-clang-analyzer-security.insecureAPI.
	checks=${checks}DeprecatedOrUnsafeBufferHandling
	checks=$checks,-bugprone-easily-swappable-parameters
	checks=$checks,-concurrency-mt-unsafe
	checks=$checks,-clang-analyzer-optin.performance.Padding
	# And in one file each:
	# - bulk.c must define _GNU_SOURCE to be given splice().
	# - sandbox.c the same for setgroups().
	# - gate.c: max is at least 1 (gate.h), so somebody can be evicted.
	# - pump.c: the order of the reasons matters more than that two of
	#   them have the same outcome.
	# - task.c: the signal thread waits in sigwait() for just that SIGTERM.
	# - stream.c: 2 * 64 KiB overflow no int.
	# - word.c: a word has five letters and no NUL.
	# -I {}: the file stands in the middle.
	printf '%s\n' *.c | xargs -P 2 -I '{}' clang-tidy --quiet \
	    --checks="$checks" '{}' -- -std=c11 -D_POSIX_C_SOURCE=200809L \
	    >"$tmp/tidy" 2>&1
	sed "s|^$PWD/||" "$tmp/tidy" | grep -E '(warning|error): ' | grep -v \
	    -e '^bulk\.c:.*bugprone-reserved-identifier' \
	    -e '^sandbox\.c:.*bugprone-reserved-identifier' \
	    -e '^gate\.c:.*clang-analyzer-core.NullDereference' \
	    -e '^pump\.c:.*bugprone-branch-clone' \
	    -e '^task\.c:.*bugprone-bad-signal-to-kill-thread' \
	    -e '^stream\.c:.*bugprone-implicit-widening' \
	    -e '^word\.c:.*bugprone-not-null-terminated-result' >>"$found"
	verdict clang-tidy
else
	skipped clang-tidy clang-tidy
fi

exit "$failed"
