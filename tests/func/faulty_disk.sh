# SPDX-License-Identifier: BSD-2-Clause
# tests/func/faulty_disk.sh - sourced by the tests of backends that fail, are slow or stuck: such a
# disk of the host, what an application does with a device on it, and what is seen of that.
# shellcheck shell=bash disable=SC2034

EIO='Input/output error'
SECTORS=65536 # of the disks below: 32 MiB

### A disk of the host that can be made to fail: device mapper on a loop device

dm_make() { # makes /dev/mapper/func, healthy; its loop device in LOOP
	modprobe -a dm-mod loop
	new_file lower 32M
	LOOP=$(losetup -f --show "$FILE")
	dmsetup create func --table "0 $SECTORS linear $LOOP 0"
	FILE=/dev/mapper/func
}

dm_table() { # table
	dmsetup suspend --nolockfs func
	dmsetup load func --table "$1"
	dmsetup resume func
}
dm_heal() { dm_table "0 $SECTORS linear $LOOP 0"; }
# Every write and flush fails, reads work.
dm_fail_writes() { dm_table "0 $SECTORS flakey $LOOP 0 0 3600 1 error_writes"; }
# The 4 KiB at 8 MiB cannot be read nor written.
dm_bad_block() { dm_table "$(printf '%s\n' "0 16384 linear $LOOP 0" '16384 8 error' "16392 $((SECTORS - 16392)) linear $LOOP 16392")"; }
BAD=8192 # KiB
dm_slow_writes() { dm_table "0 $SECTORS delay $LOOP 0 0 $LOOP 0 $1"; } # milliseconds

dm_remove() {
	dmsetup remove func
	losetup -d "$LOOP"
}

### What an application does, past its page cache unless said otherwise

put() { # letter KiB: 4 KiB full of it
	head -c 4096 /dev/zero | tr '\0' "$1" |
		timeout "${PATIENT:-60}" dd of="$NODE" bs=4k count=1 seek=$(($2 / 4)) iflag=fullblock oflag=direct conv=notrunc status=none
}
# ... through its page cache, with fsync
put_and_sync() {
	head -c 4096 /dev/zero | tr '\0' "$1" |
		timeout 60 dd of="$NODE" bs=4k count=1 seek=$(($2 / 4)) iflag=fullblock conv=notrunc,fsync status=none
}
get() { timeout 60 dd if="$NODE" bs=4k count="${2:-1}" skip=$(($1 / 4)) iflag=direct status=none; } # KiB [blocks]
reads() { # letter KiB
	[ "$(get "$2" | tr -d "$1" | wc -c) $(get "$2" | wc -c)" = "0 4096" ] || fail "$2 KiB: not full of $1"
}
flush() { timeout 60 sync "$NODE"; } # nothing is dirty: just a flush

eio() { # command...: must end with EIO
	expect_failure "$@"
	[ "$STATUS" != 124 ] || fail "\"$*\" hangs"
	has "$ERR" "$EIO"
}

### What is seen of it

# create_watched FILE OPTION...: device one; its worker must stay
create_watched() {
	create one "$@"
	WORKER_PID=$(worker_pid one)
	ERRORS=0
}

# fault WHAT REGEX: the last try failed because of it. The device goes on; the log says queue and
# reason.
fault() {
	local line errors state re="one: worker: $2"
	said() { line=$(log_so_far | grep -E "$re" | tail -n 1) && [ -n "$line" ]; }
	wait_for 3 said || fail "the log does not say \"$2\": $(log_so_far)"
	state=$(value one .state)
	errors=$(value one .counters.errors)
	same "the state" "$state" live
	same "the worker" "$(worker_pid one)" "$WORKER_PID"
	[ "$errors" -gt "$ERRORS" ] || fail "errors is still $errors"
	ERRORS=$errors
	report "fault: $1: application: ${ERR##*: }; kernel: $(dmesg | grep "dev $DISK," | tail -n 1 | sed 's/.*\] //'); show: $state, errors $errors; log: ${line#*vdused: }"
}
