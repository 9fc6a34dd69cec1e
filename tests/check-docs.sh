#!/bin/sh
# SPDX-License-Identifier: MIT
# Goal: the usage text, the man page and README name the same options and the
# same environment variables.  "adit --help" prints the program's own table:
# it is the truth, in both directions.
#
# usage: tests/check-docs.sh [ADIT]

LC_ALL=C
export LC_ALL
unset CDPATH
top=$(cd -P -- "$(dirname -- "$0")/.." && pwd) || exit 1
adit=${1-${top}/adit}
bad=0

complain() {
	printf '%s\n' "check-docs: $*" >&2
	bad=1
}

# Words on lines of their own, sorted; what is none of ours is filtered later.
words() {
	tr -cs 'A-Za-z0-9_-' '\n' | sort -u
}

long_options() {
	words | sed -n '/^--[a-z][a-z-]*$/p'
}

variables() {
	words | sed -n '/^ADIT_[A-Z_]*$/p'
}

# The lines that define something: "  -u, --udp ..." in the usage text,
# "| `-u`, `--udp` | ..." in README's table, ".It Fl u , -udp" in the man page.
help_lines() {
	printf '%s\n' "${help}" | sed -n '/^  *-/p'
}

readme_lines() {
	sed -n '/^| *`-/p' "${top}/README.md"
}

# Fl prints a dash before each word that is not punctuation.
man_lines() {
	sed -n 's/^\.It Fl //p' "${top}/adit.1" |
	    sed 's/ Ar .*//; s/ Oo .*//; s/\([A-Za-z-][A-Za-z-]*\)/-\1/g'
}

# "-u,--udp" for each option that has a letter, from lines such as the above.
letters() {
	sed -n 's/^[^-]*\(-[A-Za-z]\)[^A-Za-z-]*\(--[a-z-]*\).*/\1,\2/p' | sort
}

# compare WHAT NAME-A LIST-A NAME-B LIST-B: each word of one is in the other.
compare() {
	for word in $3; do
		case " $(printf '%s' "$5" | tr '\n' ' ') " in
		*" ${word} "*) ;;
		*) complain "$1 ${word} is in $2, but not in $4" ;;
		esac
	done
	for word in $5; do
		case " $(printf '%s' "$3" | tr '\n' ' ') " in
		*" ${word} "*) ;;
		*) complain "$1 ${word} is in $4, but not in $2" ;;
		esac
	done
}

help=$("${adit}" --help) || {
	complain "${adit} --help fails"
	exit 1
}

# Our own words for run.sh, make and others' commands may have options of
# their own, so that only what stands in a table counts as defined.
usage_options=$(help_lines | long_options)
man_options=$(man_lines | long_options)
readme_options=$(readme_lines | long_options)
usage_letters=$(help_lines | letters)
man_letters=$(man_lines | letters)
readme_letters=$(readme_lines | tr -d '`' | letters)
usage_variables=$(printf '%s\n' "${help}" | variables)
man_variables=$(sed -n 's/^\.It Ev //p' "${top}/adit.1" | variables)
readme_variables=$(variables <"${top}/README.md")

[ -n "${usage_options}" ] || complain 'no options found in --help'
compare option --help "${usage_options}" adit.1 "${man_options}"
compare option --help "${usage_options}" README.md "${readme_options}"
compare option --help "${usage_letters}" adit.1 "${man_letters}"
compare option --help "${usage_letters}" README.md "${readme_letters}"
compare variable --help "${usage_variables}" adit.1 "${man_variables}"
compare variable --help "${usage_variables}" README.md "${readme_variables}"

# "Every option by example": somewhere beside its definition.
for option in ${usage_options}; do
	case ${option} in
	--help | --version) continue ;;
	*) ;;
	esac
	letter=$(printf '%s\n' "${usage_letters}" |
	    sed -n "s/^\(-[A-Za-z]\),${option}\$/\1/p")
	for file in adit.1 README.md; do
		if [ "${file}" = adit.1 ]; then
			examples=$(sed -n '/^\.Dl /p; /^[ab]\$ /p' "${top}/adit.1")
		else
			examples=$(sed '/^|/d' "${top}/README.md")
		fi
		case " $(printf '%s' "${examples}" | tr '\n' ' ') " in
		*" ${option} "* | *" ${option}="*) ;;
		*" ${letter:-none} "*) ;;
		*) complain "option ${option} has no example in ${file}" ;;
		esac
	done
done

exit "${bad}"
