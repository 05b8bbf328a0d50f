# SPDX-License-Identifier: BSD-2-Clause
# tests/func/72-slow.sh - backends that are slow or stuck, see 72-faults.sh.
# shellcheck shell=bash disable=SC2034

# shellcheck source=tests/func/faulty_disk.sh
. "${BASH_SOURCE[0]%/*}/faulty_disk.sh"

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
