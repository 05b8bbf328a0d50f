# SPDX-License-Identifier: BSD-2-Clause
# tests/func/72-faults.sh - backends that fail, are full, shrink, are slow or stuck: what the
# application gets, what show and the log say, and who else notices. The table "Backend faults" of
# vdused(8) is what is asserted here. What each fault did is reported in a line "fault: ...".
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
REASON_EIO='queue [0-9]+: a request failed: Input/output error'

### Blocks that cannot be read or written

test_bad_block_direct() { # 60 s
	dm_make
	create_watched "$FILE" --direct
	put a $((BAD - 4))
	put b $((BAD + 4))
	dm_bad_block
	eio get $BAD
	fault "EIO on read, block device, --direct" "$REASON_EIO"
	eio get $((BAD - 4)) 3
	eio put x $BAD
	fault "EIO on write, block device, --direct" "$REASON_EIO"
	reads a $((BAD - 4))
	reads b $((BAD + 4))
	put c $((BAD - 4))
	expect 0 flush
	reads c $((BAD - 4))
	delete one
	dm_remove
}

test_bad_block_cached() { # 60 s
	dm_make
	create_watched "$FILE"
	dm_bad_block
	eio get $BAD
	fault "EIO on read, block device, cached" "$REASON_EIO"
	put a $((BAD + 4))
	reads a $((BAD + 4))
	expect 0 flush
	delete one
	dm_remove
}

### Flushes that fail

# The host's cache forgets what it could not write: whoever asks again must not hear that all is
# well.
test_failed_flush_cached() { # 90 s
	dm_make
	create_watched "$FILE"
	put a 0
	put b 64
	expect 0 flush
	dm_fail_writes
	put c 0
	put d 64
	eio flush
	fault "failed flush, block device, cached" "$REASON_EIO"
	has "$(log_so_far)" 'error: one: worker: queue [0-9]+: a flush failed: .*every flush fails until the device is deleted'
	dm_heal
	eio flush
	fault "... a second flush, after the disk was mended" "$REASON_EIO"
	same "how often the log explains it" "$(log_so_far | grep -c 'every flush fails')" 1
	eio put_and_sync e 128
	kill -KILL "$WORKER_PID"
	back() { [ "$(value one '.worker.restarts, .state' | tr '\n' ' ')" = "1 live " ]; }
	wait_for 10 back || fail "no new worker: $(ctl show one)"
	WORKER_PID=$(worker_pid one)
	eio flush
	fault "... by the next worker" "$REASON_EIO"
	delete one
	create one "$FILE"
	put c 0
	expect 0 flush
	reads c 0
	delete one
	dm_remove
}

# On several queues: who flushes second must not be told that all is well because the first was told
# the truth.
test_failed_flush_on_another_queue() { # 90 s
	local cpu
	dm_make
	create_watched "$FILE" --queues 4
	expect 0 flush
	for cpu in 0 1 2 3; do
		taskset -c $cpu true 2>/dev/null || continue
		expect 0 taskset -c $cpu dd if=/dev/zero of="$NODE" bs=4k count=1 seek=$((cpu * 16)) oflag=direct conv=notrunc status=none
	done
	dm_fail_writes
	for cpu in 0 1 2 3; do
		taskset -c $cpu true 2>/dev/null || continue
		eio taskset -c $cpu timeout 60 sync "$NODE"
		fault "failed flush, seen from processor $cpu" "$REASON_EIO"
		[ $cpu != 0 ] || dm_heal
	done
	delete one
	dm_remove
}

# Without a cache of the host in between nothing is forgotten: each flush has the result of its own.
test_failed_flush_direct() { # 60 s
	dm_make
	create_watched "$FILE" --direct
	put a 0
	expect 0 flush
	dm_fail_writes
	eio flush
	fault "failed flush, block device, --direct" "$REASON_EIO"
	eio put b 0
	dm_heal
	expect 0 flush
	reads a 0
	put c 0
	expect 0 flush
	reads c 0
	delete one
	dm_remove
}

# A file on a file system whose disk fails.
file_on_ext4() { # option...
	dm_make
	mkfs.ext4 -q -E nodiscard "$FILE"
	mkdir "$T/m"
	mount -o commit=600 "$FILE" "$T/m" # its own commit while writes fail would end it all
	truncate -s 8M "$T/m/disk"
	create_watched "$T/m/disk" "$@"
	put a 0
	expect 0 flush
}
file_on_ext4_ends() {
	delete one
	umount "$T/m"
	dm_remove
}

test_failed_flush_of_a_file() { # 90 s
	file_on_ext4
	dm_fail_writes
	put b 0
	put c 64
	eio flush
	fault "failed flush, file on ext4, cached" "$REASON_EIO"
	dm_heal
	eio flush
	fault "... a second flush, after the disk was mended" "$REASON_EIO"
	file_on_ext4_ends
}

test_write_error_of_a_file_direct() { # 90 s
	file_on_ext4 --direct
	dm_fail_writes
	eio put b 0
	fault "EIO on write, file on ext4, --direct" "$REASON_EIO"
	dm_heal
	reads a 0
	file_on_ext4_ends
}

### No space left

REASON_ENOSPC='queue [0-9]+: a request failed: No space left on device'

full_disk() { # mount-point-file what option...: 4 MiB of ballast leave no room for a sparse file
	local file=$1 what=$2
	shift 2
	truncate -s 64M "$file"
	create_watched "$file" "$@"
	put a 0
	expect 0 flush
	expect_failure dd if=/dev/zero of="${file%/*}/ballast2" bs=4k status=none
	eio put b 32768
	fault "ENOSPC, $what" "$REASON_ENOSPC"
	put c 0 # its block is there
	reads c 0
	reads '\0' 32768 # was never written
	expect 0 flush
	rm "${file%/*}/ballast" "${file%/*}/ballast2"
	put d 32768
	reads d 32768
	expect 0 flush
	delete one
}

test_no_space_on_tmpfs() { # 60 s
	mkdir "$T/m"
	mount -t tmpfs -o size=8m tmpfs "$T/m"
	head -c 4M /dev/zero >"$T/m/ballast"
	full_disk "$T/m/disk" "file on tmpfs, cached"
	umount "$T/m"
}

test_no_space_on_ext4() { # 90 s
	dm_make
	mkfs.ext4 -q -m 0 "$FILE"
	mkdir "$T/m"
	mount "$FILE" "$T/m"
	head -c 4M /dev/zero >"$T/m/ballast"
	full_disk "$T/m/disk" "file on ext4, cached"
	head -c 4M /dev/zero >"$T/m/ballast"
	rm "$T/m/disk"
	full_disk "$T/m/disk" "file on ext4, --direct" --direct
	umount "$T/m"
	dm_remove
}

# A request that waits for room instead of failing.
test_full_file_system_stops_and_resumes() { # 120 s
	local writer n
	ctl create --help | grep -q -- --on-error || skip "this vduse-ctl has no create --on-error"
	halted() { [ "$(value one '.state, .halted.name' | tr '\n' ' ')" = "stopped ENOSPC " ]; }
	mkdir "$T/m"
	mount -t tmpfs -o size=8m tmpfs "$T/m"
	truncate -s 64M "$T/m/disk"
	create one "$T/m/disk" --on-error stop
	put a 0
	head -c 16M /dev/zero >"$T/m/ballast" 2>/dev/null || :
	put b 32768 &
	writer=$!
	wait_for 10 halted || fail "$(ctl show one)"
	gone $writer && fail "the write ended"
	asks_quickly
	report "fault: ENOSPC, --on-error stop: application: waits; show: $(value one .state), $(value one .halted.name); log: $(log_so_far | grep -E 'one: ' | tail -n 1)"
	# a resume without room stops again
	expect 0 ctl resume one
	wait_for 10 halted || fail "$(ctl show one)"
	# so does the next worker, by itself
	kill -KILL "$(worker_pid one)"
	again() { [ "$(value one .worker.restarts)" = 1 ] && halted; }
	wait_for 10 again || fail "$(ctl show one)"
	gone $writer && fail "the write ended"
	rm "$T/m/ballast"
	expect 0 ctl resume one
	wait_for 10 gone $writer || fail "the write does not end"
	wait $writer || fail "the write failed"
	same "the state" "$(value one .state)" live
	reads b 32768
	reads a 0
	expect 0 flush
	# and one that is deleted meanwhile
	head -c 16M /dev/zero >"$T/m/ballast" 2>/dev/null || :
	put c 40960 2>"$T/err" &
	writer=$!
	wait_for 10 halted || fail "$(ctl show one)"
	n=$(now_us)
	delete one --force
	in_time "the forced delete" "$(since "$n")" 15
	wait_for 5 gone $writer || fail "the writer hangs"
	wait $writer && fail "the write worked"
	has "$(cat "$T/err")" "$EIO"
	umount "$T/m"
}

### A file that shrinks

shrinks() { # what option...
	local what=$1
	shift
	new_file a 16M
	create_watched "$FILE" "$@"
	put a 0
	put b 8192
	put c 12288
	expect 0 flush
	truncate -s 8M "$FILE"
	eio get 12288
	fault "the file shrank, read behind its end, $what" "$REASON_EIO"
	eio get 8188 2 # half of it is there
	reads a 0
	put d 4
	expect 0 flush
	# Its owner took bytes out: he could as well have punched a hole. A write makes it long
	# again.
	put e 12288
	reads e 12288
	reads '\0' 8192
	expect 0 flush
	truncate -s 0 "$FILE"
	eio get 0
	same "the size" "$(stat -c %s "$FILE")" 0
	delete one
}

test_file_that_shrinks() { # 60 s
	shrinks cached
	shrinks --direct --direct
}

### A slow disk

no_timeouts() { # the kernel waited for a message in vain
	lacks "$(dmesg | tail -n 50)" 'vduse.*(timeout|broken)'
}

test_slow_disk() { # 120 s
	local t0 took writer
	dm_make
	create_watched "$FILE" --direct
	put a 0
	dm_slow_writes 3000
	t0=$(now_us)
	put b 0 &
	writer=$!
	sleep 0.5
	asks_quickly
	expect 0 ctl show one
	new_file other 4M
	create two "$FILE"
	delete two
	took=$(since "$t0")
	in_time "what was done with others meanwhile" "$took" 5
	wait $writer || fail "the write failed"
	report "fault: writes take 3 s: application: none, after $(since "$t0") s; show: $(value one .state), errors $(value one .counters.errors); others done after $took s"
	same "the worker" "$(worker_pid one)" "$WORKER_PID"
	same "the errors counted" "$(value one .counters.errors)" 0
	NODE=$(value one .node)
	put c 0 &
	writer=$!
	sleep 0.5
	t0=$(now_us)
	delete one
	took=$(since "$t0")
	wait $writer || fail "the write failed"
	report "fault: ... delete meanwhile: waited $took s for the write, which worked"
	no_timeouts
	dm_heal
	[ "$(head -c 4096 "$LOOP" | tr -d c | wc -c)" = 0 ] || fail "the write is not there"
	dm_remove
}

# Through the page cache it is the flush that takes time.
test_slow_flush_cached() { # 90 s
	local t0 took pid
	dm_make
	create_watched "$FILE"
	dm_slow_writes 3000
	t0=$(now_us)
	put b 0
	took=$(since "$t0")
	flush &
	pid=$!
	sleep 0.5
	asks_quickly
	reads b 0
	wait $pid || fail "the flush failed"
	report "fault: writes take 3 s, cached: application: write after $took s, flush after $(since "$t0") s; show: $(value one .state), errors $(value one .counters.errors)"
	less 3 "$(since "$t0")" || fail "the flush did not wait for the disk"
	same "the worker" "$(worker_pid one)" "$WORKER_PID"
	same "the errors counted" "$(value one .counters.errors)" 0
	no_timeouts
	dm_heal
	delete one
	dm_remove
}

# It may be slower than every patience with workers.
test_very_slow_disk() { # 180 s
	local t0 took writer
	dm_make
	create_watched "$FILE" --direct
	dm_slow_writes 12000
	put c 0 &
	writer=$!
	sleep 0.5
	t0=$(now_us)
	ctl delete one 2>"$T/err" &
	local deleter=$! status=0
	sleep 1
	asks_quickly
	new_file other 4M
	create two "$FILE"
	delete two
	in_time "what was done with others meanwhile" "$(since "$t0")" 5
	wait $deleter || status=$?
	took=$(since "$t0")
	STATUS=0
	wait $writer || STATUS=$?
	report "fault: writes take 12 s, delete meanwhile: ended with $status after $took s ($(cat "$T/err")); application: status $STATUS"
	same "the exit status of delete" "$status" 0
	same "the writer's" "$STATUS" 0
	no_timeouts
	dm_heal
	dm_remove
}

test_worker_killed_on_a_slow_disk() { # 120 s
	local t0 took writer old n
	dm_make
	create_watched "$FILE" --direct
	dm_slow_writes 3000
	old=$WORKER_PID
	put a 0 &
	writer=$!
	sleep 0.7
	t0=$(now_us)
	kill -KILL "$old"
	# not "gone": its main thread ends at once
	while [ -e "/proc/$old" ]; do
		n=$(value one .worker.restarts)
		[ ! -e "/proc/$old" ] || same "restarts while the old worker's write is under way" "$n" 0
		sleep 0.1
	done
	took=$(since "$t0")
	less 1 "$took" || fail "the old worker was gone after $took s, its write still under way"
	dm_heal
	wait $writer || fail "the write failed"
	put b 0
	sleep 3.5 # nothing of the old one comes late
	reads b 0
	back() { [ "$(value one '.worker.restarts, .state' | tr '\n' ' ')" = "1 live " ]; }
	wait_for 5 back || fail "$(ctl show one)"
	report "fault: worker killed with a write of 3 s under way: application: none; its process ended $took s later, the next one came after it; show: live, errors $(value one .counters.errors)"
	same "the errors counted" "$(value one .counters.errors)" 0
	delete one
	dm_remove
}

# The worker's own cgroup limits its disk.
test_throttled_disk() { # 120 s
	local t0 took dev
	dm_make
	create_watched "$FILE" --direct
	echo +io >/sys/fs/cgroup/cgroup.subtree_control
	echo +io >/sys/fs/cgroup/vdused/cgroup.subtree_control
	[ -e /sys/fs/cgroup/vdused/dev-one/io.max ] || skip "this kernel has no blk-throttle"
	dev=$(lsblk -dno MAJ:MIN "$FILE" | tr -d ' ')
	echo "$dev wbps=262144" >/sys/fs/cgroup/vdused/dev-one/io.max
	t0=$(now_us)
	timeout 60 dd if=/dev/zero of="$NODE" bs=64k count=16 oflag=direct status=none &
	sleep 1
	asks_quickly
	wait $! || fail "the write failed"
	took=$(since "$t0")
	report "fault: io.max of 256 KiB/s: application: none, 1 MiB took $took s; show: $(value one .state), errors $(value one .counters.errors)"
	less 2 "$took" || fail "it was not throttled"
	same "the worker" "$(worker_pid one)" "$WORKER_PID"
	same "the errors counted" "$(value one .counters.errors)" 0
	no_timeouts
	delete one
	echo -io >/sys/fs/cgroup/vdused/cgroup.subtree_control
	echo -io >/sys/fs/cgroup/cgroup.subtree_control
	dm_remove
}

### A stuck disk

# It cannot be killed either: what is stuck is stuck in the kernel. So a delete ends after a minute,
# and what it began ends when the disk goes on.
stuck() { # exit-status state message [delete-option...]
	local want=$1 state=$2 message=$3 t0 took writer deleter status=0
	shift 3
	dm_make
	create_watched "$FILE" --direct
	put a 0
	dmsetup suspend --nolockfs func
	PATIENT=200 put b 0 2>"$T/put" &
	writer=$!
	sleep 0.5
	gone $writer && fail "the write ended"
	t0=$(now_us)
	asks_quickly
	same "the state" "$(value one .state)" live
	new_file other 4M
	create two "$FILE"
	delete two
	took=$(since "$t0")
	in_time "what was done with others" "$took" 5
	same "the worker" "$(worker_pid one)" "$WORKER_PID"
	report "fault: stuck disk: application: waits; show: $(value one .state); list, show, create, delete of others: $took s"
	t0=$(now_us)
	ctl delete one "$@" 2>"$T/err" &
	deleter=$!
	sleep 5
	asks_quickly
	new_file third 4M
	create two "$FILE"
	delete two
	wait $deleter || status=$?
	took=$(since "$t0")
	in_time "the delete" "$took" 65
	report "fault: ... delete $*: $status after $took s: $(cat "$T/err"); show: $(value one .state)"
	same "the exit status of delete" "$status" "$want"
	has "$(cat "$T/err")" "$message"
	same "the state" "$(value one .state)" "$state"
	same "the step" "$(value one .step)" detach
	# a second one while the first unbind is under way in the kernel: it waits, and netlink does
	# not
	ctl delete one "$@" 2>"$T/err" &
	deleter=$!
	sleep 2
	timeout 5 vdpa dev show >/dev/null || fail "vdpa dev show hangs behind the second delete"
	gone $deleter && fail "the second delete ended: $(cat "$T/err")"
	dmsetup resume func
	wait_for 20 gone $writer || fail "the writer hangs"
	status=0
	wait $writer || status=$?
	t0=$(now_us)
	wait $deleter || fail "the second delete: $(cat "$T/err")"
	took=$(since "$t0")
	in_time "the delete after it went on" "$took" 10
	report "fault: ... it goes on: application: status $status $(cat "$T/put"); delete $* again: 0 after $took s"
	create one /dev/mapper/func --direct
	delete one
	dm_remove
}

test_stuck_disk() { # 180 s
	stuck 5 live 'did not let go within 60 s.*delete it again'
}

test_stuck_disk_forced() { # 180 s
	stuck 1 failed 'the detach helper is stuck in the kernel' --force
}

### A worker that cannot end, as its disk is stuck

msg_timeout_is() { [ "$(cat /sys/class/vduse/q-stuck/msg_timeout)" = "$1" ]; }
in_state() { [ "$(sed 's/.*) \(.\).*/\1/' "/proc/$1/stat" 2>/dev/null)" = "$2" ]; }

# A device on the vhost bus whose worker hangs in a write. OWNER, who has set its status, waits with
# the lock of the device.
hang_on_vhost() {
	dm_make
	own_vdused
	use_worker "$FAKE"
	expect 0 ctl create q-stuck --file "$FILE" --direct --bus vhost
	NODE=$OUT
	use_worker "$WORKER"
	WORKER_PID=$(worker_pid q-stuck)
	dmsetup suspend --nolockfs func
	"$TOOL" vhost "$NODE" status >"$T/owner" 2>&1 &
	OWNER=$!
	wait_for 10 in_state "$WORKER_PID" D || fail "the worker does not hang"
}

owner_ends() {
	kill "$OWNER"
	wait_for 5 gone "$OWNER" || fail "the owner cannot be killed"
	wait "$OWNER" || :
}

hang_ends() {
	dmsetup resume func
	served() { [ "$(value q-stuck .state)" = live ] && [ "$(worker_pid q-stuck)" != "$WORKER_PID" ]; }
	wait_for 20 served || fail "not served again: $(ctl show q-stuck)"
	msg_timeout_is 30 || fail "the timeout of a device that is served is $(cat /sys/class/vduse/q-stuck/msg_timeout)"
	delete q-stuck
	own_stop
	dm_remove
}

# Nobody waits for its worker: the disk may take as long as it likes.
test_stuck_disk_keeps_the_message_timeout() { # 90 s
	hang_on_vhost
	owner_ends
	killed() { log_so_far | grep -q 'q-stuck: killing worker'; }
	wait_for 10 killed || fail "a worker that does not answer is not killed"
	sleep 14 # HUNG_MS and more
	in_state "$WORKER_PID" D || fail "its worker ended: nothing was shown"
	msg_timeout_is 30 || fail "the timeout was shortened, though nobody waits"
	hang_ends
}

# Others wait for it: the timeout is shortened. The vdused that did so is killed, and the next one
# sets it back.
test_short_message_timeout_does_not_outlive_its_reason() { # 120 s
	local looker
	hang_on_vhost
	# takes the locks of the host, and waits for that of the device
	vdpa dev config show >/dev/null 2>&1 &
	looker=$!
	hopeless() { log_so_far | grep -q 'netlink does not answer, and no worker is left'; }
	wait_for 10 hopeless || fail "netlink answers: nothing was shown"
	owner_ends
	wait $looker || :
	wait_for 20 msg_timeout_is 1 || fail "the timeout was not shortened: $(log_so_far | tail -n 5)"
	kill -KILL "$OWN"
	wait "$OWN" || :
	start_vdused "$RUN_DIR" --worker "$T/worker" --worker-uids "$UID_OWN-$UID_LAST" --log-level debug
	OWN=$VPID
	wait_for 5 in_state "$WORKER_PID" D || fail "its worker ended: nothing was shown"
	msg_timeout_is 1 || fail "the timeout was set back while nobody can answer"
	hang_ends
}
