#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh - install what is missing, build, ask what to run, run it.
#
# stdin and stdout belong to the tunnel: everything this script says goes to
# stderr, it reads its answers line by line, and no command it starts may
# touch stdin.  The token goes to adit by the environment, never by argv; a
# ticket in adit's own argv, which wipes it.

usage() {
	cat <<'END'
usage: ./run.sh                     ask for everything, then run
       ./run.sh share ARGUMENTS     adit share ARGUMENTS; the same with
                                    server, client, relay, status, token
       ./run.sh TICKET ARGUMENTS    adit TICKET ARGUMENTS
       ./run.sh --help

Installs a C compiler, make and BearSSL if they are missing (Debian, Ubuntu),
builds adit beside this script, and runs it.  The tunnel is encrypted.  An
empty answer takes the [default].  Answers may also come from a pipe, one a
line; what follows them is the tunnel's input.

A service on one machine, as a port of another one, by way of a relay; the
first command prints the second:

    ./run.sh share 8080 --relay relay.example
    ./run.sh relay.example/8442-fuvan-gohoz-dozos-sibip

The same where the client can reach the server:

    ./run.sh server 0.0.0.0 7000 - --to 127.0.0.1:5432
    ./run.sh client a.example 7000 - --listen 5432

A service beside the client, as a port beside the server:

    ./run.sh server 0.0.0.0 7000 - --listen 8080
    ./run.sh client a.example 7000 - --to localhost:3000

The - asks for the token.  A TOKEN may stand there too, but other users of the
machine can see it, as they can a ticket, while this script builds.
END
}

say() {
	printf '%s\n' "$*" >&2
}

die() {
	die_code=$1
	shift
	say "run.sh: $*"
	exit "${die_code}"
}

# --- what a build needs ----------------------------------------------------

have() {
	command -v "$1" >/dev/null 2>&1
}

# A compiler without the C library's headers is no use (package libc6-dev).
cc_works() {
	have cc && printf '#include <pthread.h>\n' |
	    cc -E -x c - >/dev/null 2>&1
}

# By this "make" decides whether it builds with encryption.
has_bearssl() {
	cc -E "${dir}/bear.c" >/dev/null 2>&1
}

is_debian() {
	[ -f /etc/debian_version ] && have apt-get
}

# as_root COMMAND...: run it as root, by sudo if need be.
as_root() {
	if [ "${uid}" -eq 0 ]; then
		"$@" </dev/null >&2
	else
		sudo "$@" </dev/null >&2
	fi
}

apt_get() {
	as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a \
	    apt-get -q -o DPkg::Lock::Timeout=120 "$@"
}

# The package lists may be missing (a fresh container) or old, but with good
# ones, or a local cache, there is no need to fetch them again.
install() {	# install PACKAGE...
	say "installing $*"
	apt_get install -y --no-install-recommends "$@" >/dev/null 2>&1 ||
	    { apt_get update &&
	    apt_get install -y --no-install-recommends "$@"; }
}

install_missing() {
	packages=
	cc_works || packages='gcc libc6-dev'
	have make || packages="${packages:+${packages} }make"
	[ -n "${packages}" ] || return 0

	command="apt-get update && apt-get install -y ${packages}"
	if [ "${uid}" -ne 0 ]; then
		have sudo || die 1 "missing: ${packages}; as root, run:" \
		    "${command}"
		command="sudo apt-get update && sudo ${command#*&& }"
	fi
	# shellcheck disable=SC2086 # a list of words
	install ${packages} ||
	    die 1 "cannot install ${packages}; run: ${command}"
}

# Not every release has the library, and adit can be built without.
install_bearssl() {
	! has_bearssl || return 0
	package=libbearssl-dev
	in_release "${package}" || has_lists || ! can_install ||
	    apt_get update || :
	if ! in_release "${package}" && has_lists; then
		say "no package ${package} in this release"
	elif ! can_install; then
		say "missing: ${package}; as root, run:" \
		    "apt-get update && apt-get install -y ${package}"
	else
		install "${package}" || say "cannot install ${package}"
	fi
}

has_lists() {
	[ -n "$(find /var/lib/apt/lists -name '*_Packages*' 2>/dev/null)" ]
}

in_release() {
	[ -n "$(apt-cache show --no-all-versions "$1" 2>/dev/null)" ]
}

can_install() {
	[ "${uid}" -eq 0 ] || have sudo
}

check_tools() {
	if is_debian; then
		uid=$(id -u)
		install_missing
		install_bearssl
	elif ! have cc || ! have make; then
		die 1 'needs a C compiler (cc) and make: packages gcc and make,' \
		    'with the headers of the C library'
	fi
	has_bearssl || say 'adit is built WITHOUT encryption: no bearssl.h here'
}

build() {
	[ -x "${dir}/adit" ] || say 'building adit'
	log=$(cd "${dir}" && make </dev/null 2>&1) || {
		say "${log}"
		die 1 "make failed in ${dir}"
	}
}

# Two of these at once in one directory (a server here, a client in the next
# window) must not build over each other: the second waits.
setup() {
	[ -f "${dir}/Makefile" ] ||
	    die 1 "no Makefile in ${dir}: run.sh belongs beside the sources"
	if have flock; then
		exec 9<"${dir}/Makefile"
		flock 9
	fi
	check_tools
	build
	exec 9<&-
}

# --- questions -------------------------------------------------------------

# ask PROMPT DEFAULT: the answer is in $answer, without surrounding blanks.
ask() {
	printf '%s%s: ' "$1" "${2:+ [$2]}" >&2
	answer=
	read -r answer || [ -n "${answer}" ] || {
		say ''
		die 2 'end of input before all was answered'
	}
	[ -n "${answer}" ] || answer=$2
}

is_host() {
	case $1 in
	'' | -* | *[!A-Za-z0-9.:_%[\]-]*) return 1 ;;
	*) return 0 ;;
	esac
}

# is_port WORD MINIMUM
is_port() {
	case $1 in
	'' | *[!0-9]* | ??????*) return 1 ;;
	*) [ "$1" -ge "$2" ] && [ "$1" -le 65535 ] ;;
	esac
}

# is_hostport WORD MINIMUM: HOST:PORT, an IPv6 address in brackets.
is_hostport() {
	case $1 in
	\[*:*\]:*) ;;
	*:*:* | *\[* | *\]*) return 1 ;;
	*:*) ;;
	*) return 1 ;;
	esac
	is_host "${1%:*}" && is_port "${1##*:}" "$2"
}

ask_mode() {
	while :; do
		ask 'Mode (share/ticket/server/client/relay)' share
		case ${answer} in
		share | s) mode=share && return ;;
		ticket | t) mode=ticket && return ;;
		server) mode=server && return ;;
		client | c) mode=client && return ;;
		relay | r) mode=relay && return ;;
		*) say 'please answer share, ticket, server, client or relay' ;;
		esac
	done
}

ask_address() {
	while :; do
		if [ "${mode}" = client ]; then
			ask 'Address of the server' ''
		else
			ask 'Address to listen on' 0.0.0.0
		fi
		address=${answer}
		is_host "${address}" && return
		if [ -z "${address}" ]; then
			say 'a client needs the name or the address of its server'
		else
			say 'that is no name, IPv4 or IPv6 address (the port is asked next)'
		fi
	done
}

ask_port() {
	least=1
	[ "${mode}" = client ] || least=0	# the system's choice
	usual=7000
	# Where tickets lead to; ports below 1024 need root.
	[ "${mode}" != relay ] || [ "$(id -u)" -ne 0 ] || usual=443
	while :; do
		ask Port "${usual}"
		port=${answer}
		is_port "${port}" "${least}" && return
		say "a port is a number from ${least} to 65535"
	done
}

# The terminal is never left without echo.  ^Z is ignored meanwhile, for the
# same reason.
echo_off() {
	[ -t 0 ] || return 0
	tty=$(stty -g) || return 0
	trap 'stty "${tty}"' EXIT
	for signal in HUP INT QUIT TERM; do
		# shellcheck disable=SC2064 # the name of this signal, now
		trap "echo_on; kill -s ${signal} \$\$" "${signal}"
	done
	trap '' TSTP
	stty -echo
}

echo_on() {
	[ -n "${tty}" ] || return 0
	stty "${tty}"
	tty=
	trap - EXIT HUP INT QUIT TERM TSTP
	printf '\n' >&2
}

ask_token() {
	generated=no
	while :; do
		token=
		tty=
		echo_off	# before the prompt: people type ahead
		printf 'Token, not shown [make a good one]: ' >&2
		IFS= read -r token || [ -n "${token}" ] || {
			echo_on
			[ -t 0 ] || say ''
			die 2 'end of input before all was answered'
		}
		echo_on
		if [ "${#token}" -gt 1024 ]; then
			say 'a token has at most 1024 bytes'
			continue
		fi
		# adit takes these for a question and for a file's name.
		case ${token} in
		- | @*) say 'a token is not - and does not begin with @' ;;
		*) break ;;
		esac
	done
	[ -n "${token}" ] || generate_token
}

generate_token() {
	token=$("${dir}/adit" token </dev/null) || die 1 'cannot make a token'
	generated=yes
}

is_listen() {
	is_port "$1" 0 || is_hostport "$1" 0
}

is_reverse() {
	case ${mode}${join} in
	server--listen | client--to) return 0 ;;
	*) return 1 ;;
	esac
}

# What this side joins to the tunnel: $join is --to or --listen, $place where;
# both are empty for stdin/stdout.  Each side has its usual one, and the other
# one with a word before it.
ask_join() {
	while :; do
		if [ "${mode}" = server ]; then
			ask "Service to offer, HOST:PORT (or: listen PORT)" \
			    'stdin/stdout'
			join=--to
		else
			ask "Local port to listen on (or: to HOST:PORT)" \
			    'stdin/stdout'
			join=--listen
		fi
		place=${answer}
		case ${answer} in
		stdin/stdout) join='' place='' && return ;;
		'listen '*) join=--listen place=${answer##* } ;;
		'to '*) join=--to place=${answer##* } ;;
		*) ;;
		esac
		if is_reverse && [ -n "${plain}" ]; then
			say 'that direction is not possible without encryption'
		elif [ "${join}" = --to ]; then
			is_hostport "${place}" 1 && return
			say 'a service is HOST:PORT, such as 127.0.0.1:5432 or [::1]:22'
		else
			is_listen "${place}" && return
			say 'that is no port (0 to 65535) nor IP:PORT'
		fi
	done
}

# What to share: $place is a service, or - for stdin/stdout; or the port of
# $join, which is --listen then, and else empty.
ask_share() {
	while :; do
		ask "Service to share, PORT or HOST:PORT (or: listen PORT)" \
		    'stdin/stdout'
		join='' place=${answer}
		case ${answer} in
		stdin/stdout) place=- && return ;;
		'listen '*) join=--listen place=${answer##* } ;;
		*) ;;
		esac
		if [ -n "${join}" ]; then
			is_listen "${place}" && return
			say 'that is no port (0 to 65535) nor IP:PORT'
		else
			is_port "${place}" 1 && return
			is_hostport "${place}" 1 && return
			say 'a service is PORT or HOST:PORT, such as 22 or [::1]:22'
		fi
	done
}

ask_relay() {
	while :; do
		ask 'Relay, HOST or HOST:PORT' "${ADIT_RELAY-}"
		relay=${answer}
		is_hostport "${relay}" 1 && return
		case ${relay} in
		*/*) ;;
		\[*\]) is_host "${relay}" && return ;;
		*:*) ;;
		*) is_host "${relay}" && return ;;
		esac
		if [ -z "${relay}" ]; then
			say 'both sides meet at a relay: any machine that both' \
			    'reach, with ./run.sh relay running'
		else
			say 'that is no name or address, nor one with a :PORT'
		fi
	done
}

# What was read aloud, or the whole line that share has printed, with - behind
# it for a pipe, or -u for UDP.  Its words are checked by adit.
ask_ticket() {
	while :; do
		ask 'Ticket, RELAY/ROOM-SECRET' ''
		ticket=${answer#adit }
		usual="the service's" udp=''
		case ${ticket} in
		*' -') usual=stdin/stdout ;;
		*' -u') udp=-u ;;
		*) ;;
		esac
		ticket=${ticket%% *}
		is_ticket "${ticket}" && return
		say 'a ticket is what share has printed, such as' \
		    'relay.example/8442-fuvan-gohoz-dozos-sibip'
	done
}

# Has it a slash, and begins like neither an option nor a file?
is_ticket() {
	case $1 in
	[-./@]*) return 1 ;;
	*/*) return 0 ;;
	*) return 1 ;;
	esac
}

# As ask_join(), but a listener on the service's own port is the default, unless
# the ticket's line has said something else.
ask_ticket_join() {
	while :; do
		ask 'Local port to listen on (or: stdin/stdout, or: to HOST:PORT)' \
		    "${usual}"
		join=--listen place=${answer}
		case ${answer} in
		"the service's") join='' place='' && return ;;
		stdin/stdout) join='' place=- && return ;;
		'to '*) join=--to place=${answer##* } ;;
		*) ;;
		esac
		if [ "${join}" = --to ]; then
			is_hostport "${place}" 1 && return
			say 'a service is HOST:PORT, such as 127.0.0.1:5432 or [::1]:22'
		else
			is_listen "${place}" && return
			say 'that is no port (0 to 65535) nor IP:PORT'
		fi
	done
}

can_encrypt() {
	case $("${dir}/adit" --version </dev/null) in
	*WITHOUT*) return 1 ;;
	*) return 0 ;;
	esac
}

# Built without BearSSL.
ask_plain() {
	plain=
	! can_encrypt || return 0
	ask 'This adit cannot encrypt; all can be read on the way. Go on (yes/no)' \
	    no
	case ${answer} in
	yes | y) plain=--plain ;;
	*) die 1 'install BearSSL (libbearssl-dev), and run this again' ;;
	esac
}

# The address by which the other side may reach this one: a guess.
own_address() {
	case ${address} in
	0.0.0.0 | :: | '[::]') ;;
	*) printf '%s' "${address}" && return ;;
	esac
	addresses=$(hostname -I 2>/dev/null </dev/null)
	for guess in ${addresses}; do
		case ${guess} in
		*:*) ;;
		*) printf '%s' "${guess}" && return ;;
		esac
	done
	printf 'YOUR-ADDRESS'
}

# Only a token that was made here is ever shown, because the other side's
# person needs it.
show_other_side() {
	shown_port=${port}
	other=
	case ${join} in
	--to)
		# Ports below 1024 need root: 22 becomes 8022, 80 becomes 8080.
		listen=${place##*:}
		[ "${listen}" -ge 1024 ] || listen=$((listen + 8000))
		other=" --listen ${listen}"
		;;
	--listen) other=' --to HOST:PORT' ;;
	*) ;;
	esac
	if [ "${mode}" = server ]; then
		[ "${port}" -ne 0 ] || shown_port=PORT
		line="client $(own_address) ${shown_port}"
	else
		line="server 0.0.0.0 ${port}"
	fi
	say ''
	say 'For the other side (shown this once):'
	say ''
	say "    ./run.sh ${line} ${token}${other}${plain:+ ${plain}}"
	say ''
	[ "${shown_port}" != PORT ] || say 'PORT: the number in the next lines'
	[ "${join}" != --listen ] || say 'HOST:PORT: the service over there'
	if [ "${mode}" = client ]; then
		printf 'Enter here once it runs there: ' >&2
		read -r answer || say ''
	fi
}

# --- the ways in -----------------------------------------------------------

LC_ALL=C	# bytes, not characters, in tr, cut, ranges and lengths
unset CDPATH
dir=$(cd -P -- "$(dirname -- "$0")" && pwd) || die 1 "cannot find $0"

case ${1-} in
share | server | client | relay | status | token)
	setup
	exec "${dir}/adit" "$@"
	;;
-h | --help)
	usage
	exit 0
	;;
'')
	[ "$#" -eq 0 ] || die 2 'an empty argument; try ./run.sh --help'
	;;
*)
	is_ticket "$1" || die 2 "unknown argument $1; try ./run.sh --help"
	setup
	exec "${dir}/adit" "$@"
	;;
esac

setup
ask_mode
case ${mode} in
share | ticket)
	can_encrypt ||
	    die 1 'install BearSSL (libbearssl-dev), and run this again:' \
	        'through a relay all is encrypted'
	;;
relay)
	ask_address
	ask_port
	exec "${dir}/adit" relay "${address}" "${port}"
	;;
*) ;;
esac
if [ "${mode}" = share ]; then
	ask_share
	ask_relay
	exec "${dir}/adit" share ${join:+"${join}"} "${place}" \
	    --relay "${relay}"
elif [ "${mode}" = ticket ]; then
	ask_ticket
	ask_ticket_join
	exec "${dir}/adit" "${ticket}" ${join:+"${join}"} ${place:+"${place}"} \
	    ${udp:+"${udp}"}
fi
ask_plain
ask_address
ask_port
ask_token
ask_join
[ "${generated}" = no ] || show_other_side

set -- "${mode}" "${address}" "${port}"
[ -z "${join}" ] || set -- "$@" "${join}" "${place}"
[ -z "${plain}" ] || set -- "$@" "${plain}"
ADIT_TOKEN=${token}
export ADIT_TOKEN
exec "${dir}/adit" "$@"
