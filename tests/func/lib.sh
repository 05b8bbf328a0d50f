# SPDX-License-Identifier: BSD-2-Clause
# tests/func/lib.sh - sourced by run-in-vm and by run-one, before the tests' own file.
# A test is a function test_NAME() { # SECONDS   (its time limit; 30 where none is given)
# that runs in a process of its own under "set -eEu -o pipefail": a command that fails, fails the
# test.
# shellcheck shell=bash

here=$(cd "${BASH_SOURCE[0]%/*}" && pwd -P) # no process: each costs a tenth of a second there
BUILD=${VDT_BUILD:-/job/build}
VDUSED=$BUILD/vdused
CTL=$BUILD/vduse-ctl
WORKER=$BUILD/vduse-worker
FAKE=$BUILD/tests/fake_worker
TOOL=$BUILD/tests/tool
RAW=$BUILD/tests/client_raw
JGET=$BUILD/tests/jget
MAN=${VDT_MAN:-/job/man}

# The vdused that all tests share; own_vdused replaces it for a test.
SHARED=/run/vdt
RUN_DIR=$SHARED
SOCK=$RUN_DIR/control.sock
UID_FIRST=2000000000 UID_OWN=2000002048 UID_LAST=2000004095

BUS=/sys/bus/vdpa
export DM_DISABLE_UDEV=1 # dmsetup makes its nodes itself

ASK_LIMIT=1 # seconds in which a question must be answered, whatever else goes on

### Results

fail() {
	echo "FAILED: $*"
	local i
	for ((i = 1; i < ${#FUNCNAME[@]}; i++)); do
		echo "  at ${BASH_SOURCE[i]##*/}:${BASH_LINENO[i - 1]} (${FUNCNAME[i]})"
	done
	exit 1
}

# What this guest cannot do; not what vdused cannot.
skip() {
	echo "$*" >"$T/skip"
	exit 77
}

same() { # what got wanted
	[ "$2" = "$3" ] || fail "$1 is \"$2\", not \"$3\""
}

# Figures that are worth reading also when all is well.
report() { echo "$*" | tee -a "$T/report"; }

has() { # text extended-regex...: each is found in a line
	local text=$1 re
	shift
	for re; do
		if [[ $text == *$'\n'* ]]; then
			grep -Eq -- "$re" <<<"$text"
		else
			[[ $text =~ $re ]]
		fi || fail "\"$text\" does not say \"$re\""
	done
}

lacks() { # text extended-regex
	! grep -Eq -- "$2" <<<"$1" || fail "\"$1\" says \"$2\""
}

slurp() { # variable file: without final newlines and without a process
	local text=
	IFS= read -r -d '' text <"$2" || :
	while [ "${text: -1}" = $'\n' ]; do text=${text%$'\n'}; done
	printf -v "$1" %s "$text"
}

# Runs a command with its output in OUT, ERR and its status in STATUS; never fails.
try() {
	STATUS=0
	"$@" >"$T/.out" 2>"$T/.err" || STATUS=$?
	slurp OUT "$T/.out"
	slurp ERR "$T/.err"
	echo "+ $* -> $STATUS${OUT:+; out: $OUT}${ERR:+; err: $ERR}"
}

expect() { # status command...
	local want=$1
	shift
	try "$@"
	[ "$STATUS" = "$want" ] || fail "\"$*\" ended with $STATUS, not $want: $ERR"
}

# As expect, but any failure will do.
expect_failure() {
	try "$@"
	[ "$STATUS" != 0 ] || fail "\"$*\" worked"
}

# Time limits only end what hangs. This machine is emulated and may share its processors with
# others: be patient.
PATIENCE=4

# As sleep, and no process: each costs a tenth of a second here, and what is waited for needs the
# processors.
[ -p /run/vdt.nap ] || mkfifo /run/vdt.nap
nap() { read -rt "$1" _ <>/run/vdt.nap || :; } # seconds

wait_for() { # seconds command...: until it succeeds
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000 * PATIENCE))
	shift
	until "$@"; do
		[ "${EPOCHREALTIME/./}" -lt $end ] || return 1
		nap 0.02
	done
}

now_us() { echo "${EPOCHREALTIME/./}"; }

# Seconds since a now_us, with two digits.
since() {
	local us=$((${EPOCHREALTIME/./} - $1))
	printf '%d.%02d\n' $((us / 1000000)) $((us % 1000000 / 10000))
}

less() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a < b) }'; }

# What took longer than the promised seconds says so beside the result. It has failed when it took
# more than twice as long, on a machine where a small program takes 0.06 s; where it takes longer
# now, more in proportion. The promise is for machines of operators, and this one is emulated and
# shared: a promise that is broken is broken by the kernel's 30 s or for ever.
in_time() { # what took seconds
	local t0 i us
	less "$2" "$3" && return
	report "$1 took $2 s, promised are $3 s"
	t0=$(now_us)
	for i in 1 2 3 4 5; do "$CTL" --version >/dev/null; done
	us=$((($(now_us) - t0) / 5))
	echo "a small program takes $us us now"
	less "$2" "$(awk -v s="$3" -v us=$us 'BEGIN { f = us / 60000; print 2 * s * (f > 1 ? f : 1) }')" || fail "$1 took $2 s"
}

### vduse-ctl

ctl() { "$CTL" --socket "$SOCK" "$@"; }

# create NAME FILE [OPTION...]: must work; the node is in NODE, the disk's name (vda) in DISK.
create() {
	local name=$1 file=$2
	shift 2
	expect 0 ctl create "$name" --file "$file" "$@"
	NODE=$OUT DISK=${OUT#/dev/}
	[ -b "$NODE" ] || fail "create printed \"$NODE\", which is no block device"
	same "what create says on stderr" "$ERR" ""
}

# create_refused STATUS NAME FILE REGEX... [-- OPTION...]: must fail, saying all that, printing
# nothing.
create_refused() {
	local status=$1 name=$2 file=$3 res=()
	shift 3
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		res+=("$1")
		shift
	done
	[ $# = 0 ] || shift
	expect "$status" ctl create "$name" --file "$file" "$@"
	same "what a failed create prints" "$OUT" ""
	same "the number of lines of its message" "$(wc -l <<<"$ERR")" 1
	has "$ERR" "^vduse-ctl: create $name: " "${res[@]}"
}

delete() {
	expect 0 ctl delete "$@"
	same "what delete prints" "$OUT" ""
}

# value NAME JQ-FILTER
value() {
	case $2 in
	*[!a-z_.,\ ]*) ctl show "$1" --json | jq -r "$2" ;;
	*) ctl show "$1" --json | "$JGET" "$2" ;;
	esac
}

worker_pid() { value "$1" .worker.pid; }

# list and show must be answered at once, whatever goes on.
asks_quickly() {
	local t0 took
	t0=$(now_us)
	expect 0 ctl list
	took=$(since "$t0")
	echo "list answered in $took s"
	in_time list "$took" $ASK_LIMIT
}

### Files and disks

new_file() { # name size: sparse; its path in FILE
	FILE=$T/$1
	truncate -s "$2" "$FILE"
}

random_file() { # name MiB
	FILE=$T/$1
	dd if=/dev/urandom of="$FILE" bs=1M count="$2" status=none
}

blocks_of() { stat -c %b -- "$1"; } # of 512 bytes

fdinfo_flags() { # pid fd: octal
	sed -n 's/^flags:[[:space:]]*//p' "/proc/$1/fdinfo/$2"
}

### vdused

fds_of() { # pid: number of open descriptors
	local fds=("/proc/$1/fd"/*)
	echo ${#fds[@]}
}

# start_vdused DIR OPTION...: in the background; PID in VPID. Log in DIR.log.
start_vdused() {
	local dir=$1
	shift
	local said=0
	[ ! -e "$dir.log" ] || said=$(stat -c %s "$dir.log")
	rm -f "$dir/control.sock" # or it would not be waited for
	"${VDT_WRAP[@]}" "$VDUSED" --runtime-dir "$dir" "$@" >>"$dir.log" 2>&1 </dev/null &
	VPID=$!
	listening() { [ -S "$dir/control.sock" ] && grep -q "version .* on $dir/control.sock" <(tail -c +$((said + 1)) "$dir.log"); }
	if ! wait_for 5 listening; then
		cat "$dir.log"
		fail "vdused does not start"
	fi
}
VDT_WRAP=() # e.g. (unshare -n): what vdused is started by

# A vdused of the test's own, until its end; further options as arguments.
own_vdused() {
	RUN_DIR=$T/own
	SOCK=$RUN_DIR/control.sock
	ln -sfn "$WORKER" "$T/worker"
	# a wrapper that forks would leave us with the wrong pid: they all exec
	start_vdused "$RUN_DIR" --worker "$T/worker" --worker-uids "$UID_OWN-$UID_LAST" --log-level debug "$@"
	OWN=$VPID
}

# It must have kept running, and end in order.
own_stop() {
	kill -TERM "$OWN" || fail "vdused had ended: $(tail -n 3 "$RUN_DIR.log")"
	wait_for 10 gone "$OWN" || fail "vdused does not end on SIGTERM"
	local status=0
	wait "$OWN" || status=$?
	same "the exit status of vdused" "$status" 0
	RUN_DIR=$SHARED SOCK=$SHARED/control.sock
}

gone() { # pid, or a zombie
	local stat=
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
	[[ $stat == *') Z '* ]]
}

# A process of its own writes the log: it has nothing left to write when it sleeps in recvfrom.
log_written() {
	local writer
	idle() { gone "$1" || grep -q '^45 ' "/proc/$1/syscall" 2>/dev/null; }
	for writer in $(pgrep -x vdused-log); do
		wait_for 5 idle "$writer" || fail "the log writer is busy: $(cat "/proc/$writer/syscall")"
	done
}

# The log of vdused since this test began.
log_so_far() {
	log_written
	if [ "$RUN_DIR" = $SHARED ]; then
		tail -c +$((LOG_START + 1)) "$RUN_DIR.log"
	else
		cat "$RUN_DIR.log"
	fi
}

use_worker() { # path
	if [ "$RUN_DIR" = $SHARED ]; then
		ln -sfn "$1" "$SHARED.worker"
	else
		ln -sfn "$1" "$T/worker"
	fi
}

### What must not be left behind

# Processes with a worker's uid, helpers, and whatever is in D state and no kernel thread.
strays() {
	ps -eo pid=,ppid=,uid=,stat=,comm=,args= | awk -v lo=$UID_FIRST -v hi=$UID_LAST '
		$3 >= lo && $3 <= hi { print "worker: " $0; next }
		$5 == "vdused-helper" && $4 !~ /^Z/ { print "helper: " $0; next }
		$4 ~ /^D/ && $2 != 2 && $1 != 2 { print "D state: " $0 }'
}

# Prints what is there and should not be.
leftovers_now() {
	local x
	for x in /sys/class/vduse/* /dev/vhost-vdpa-*; do
		[ "${x##*/}" = control ] || [ "${x: -1}" = '*' ] || echo "VDUSE device: ${x##*/}"
	done
	[ -e /sys/class/vduse/control ] || echo "/sys/class/vduse/control is not there"
	for x in $BUS/devices/*; do
		[ ! -e "$x" ] || echo "on the vdpa bus: ${x##*/}"
	done
	read -r x <$BUS/drivers_autoprobe
	[ "$x" = 1 ] || echo "$BUS/drivers_autoprobe: $x"
	for x in /sys/block/vd*; do
		[ ! -e "$x" ] || echo "disk: ${x##*/}"
	done
	for x in /sys/fs/cgroup/vdused/dev-* $SHARED/{probe,state,device,worker}/* $SHARED/autoprobe "$T"/own/{state,device,worker}/* "$T"/own/probe/* "$T/own/autoprobe"; do
		[ ! -e "$x" ] || echo "file: $x"
	done
	strays
	read -r x <$SHARED.pid
	if gone "$x"; then
		echo "vdused has ended"
	elif [ "$(fds_of "$x")" != "$(cat $SHARED.base)" ]; then
		echo "descriptors of vdused: $(fds_of "$x") instead of $(cat $SHARED.base):"
		ls -l "/proc/$x/fd"
	fi
}

# Some things take a moment (an end of file to be noticed, a process to be reaped).
leftovers() {
	local what='' end=$((${EPOCHREALTIME/./} + 3000000))
	while what=$(leftovers_now) && [ -n "$what" ]; do
		[ "${EPOCHREALTIME/./}" -lt $end ] || { echo "$what"; return 1; }
		nap 0.05
	done
}
