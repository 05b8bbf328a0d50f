# SPDX-License-Identifier: BSD-2-Clause
# tests/func/30-create.sh - issue 2, (5): each step of create fails once. The message names the
# step, the reason and the remedy; nothing is left behind (run-one looks after each test).
# shellcheck shell=bash disable=SC2034

# After a failure the same name and file must do.
works_now() { # name file
	use_worker "$WORKER"
	create "$1" "$2"
	delete "$1"
}

### The request

test_name_taken_by_ours() {
	new_file a 4M
	create one "$FILE"
	new_file b 4M
	create_refused 4 one "$FILE" 'already a device of that name' 'choose another, or delete'
	same "the device's state" "$(value one .state)" live
	delete one
}

test_bad_names_are_refused_with_the_rule() {
	new_file a 4M
	for name in '' .. ../x a/b .hidden -x control 'a b' a123456789012345678901234567890123 $'a\nb' ü; do
		expect 2 ctl create --file "$FILE" -- "$name"
		has "$ERR" '1 to 32 characters' 'control'
	done
	# and by vdused itself, for other clients
	for name in '' .. ../x a/b control; do
		expect 0 "$RAW" "$SOCK" create "$name" recv
		has "$OUT" '^error 2 .*1 to 32 characters'
	done
	same "the list" "$(ctl list --json | jq length)" 0
}

test_bad_numbers_are_refused_with_the_rule() {
	new_file a 4M
	expect 2 ctl create one --file "$FILE" --queues 17
	has "$ERR" 'between 1 and 16'
	expect 2 ctl create one --file "$FILE" --queues 0
	expect 2 ctl create one --file "$FILE" --queue-size 100
	has "$ERR" 'power of two between 16 and 1024'
	expect 2 ctl create one --file "$FILE" --block-size 1024
	has "$ERR" 'neither 512 nor 4096'
	expect 2 ctl create one --file "$FILE" --serial 'a b'
	has "$ERR" '1 to 20 characters'
	expect 2 ctl create one
	has "$ERR" 'needs --file'
}

### create device

# (5) device exists: a VDUSE device that another program made stays as it is.
test_name_taken_by_another_program() {
	new_file a 4M
	"$TOOL" foreign-create one
	create_refused 4 one "$FILE" ': create device: ' 'already has a VDUSE device "one" that is not ours' 'choose another name'
	[ -e /sys/class/vduse/one ] || fail "the other program's device is gone"
	same "the list" "$(ctl list --json | jq length)" 0
	expect 3 ctl delete one
	"$TOOL" foreign-destroy one
	works_now one "$FILE"
}

# The same with the peer's export.
test_name_taken_by_qemu() {
	new_file a 4M
	truncate -s 4M "$T/q"
	qemu-storage-daemon --blockdev driver=file,filename="$T/q",node-name=d \
		--export type=vduse-blk,id=e,node-name=d,name=one,writable=on &
	wait_for 10 test -e /sys/class/vduse/one || fail "qemu-storage-daemon makes no device"
	create_refused 4 one "$FILE" ': create device: ' 'not ours'
	kill %1
	wait %1 || :
	wait_for 5 test ! -e /sys/class/vduse/one || fail "qemu-storage-daemon leaves its device"
}

# (5) module missing
test_module_vduse_missing() {
	new_file a 4M
	modprobe -r vduse
	create_refused 1 one "$FILE" ': create device: ' '/dev/vduse/control is not there' 'modprobe vduse'
	modprobe vduse
	works_now one "$FILE"
}

### start worker

# (5) worker binary missing
test_worker_missing() {
	new_file a 4M
	use_worker /nonexistent/vduse-worker
	create_refused 1 one "$FILE" ': start worker: ' 'No such file' 'install it, or name it with vdused --worker'
	works_now one "$FILE"
}

test_worker_that_others_can_write() {
	new_file a 4M
	cp "$FAKE" "$T/w"
	chmod 775 "$T/w"
	use_worker "$T/w"
	create_refused 1 one "$FILE" ': start worker: ' 'only root can write' 'chown root, chmod go-w'
	chmod 755 "$T/w"
	chown 65534 "$T/w"
	create_refused 1 one "$FILE" 'only root can write'
	mkdir "$T/d"
	use_worker "$T/d"
	create_refused 1 one "$FILE" 'must be a regular file'
}

# A program that cannot run in an empty root, and a file that is no program.
test_worker_that_cannot_be_executed() {
	new_file a 4M
	use_worker /bin/true
	create_refused 1 one "$FILE" ': start worker: ' 'executing the worker: No such file'
	echo hello >"$T/w"
	chmod 755 "$T/w"
	use_worker "$T/w"
	create_refused 1 one "$FILE" ': start worker: ' 'executing the worker: Exec format error'
	chmod 644 "$T/w"
	create_refused 1 one "$FILE" 'executing the worker: Permission denied'
}

# (5) worker dies before ready
test_worker_exits_before_ready() {
	new_file a 4M
	use_worker "$FAKE"
	create_refused 1 exit "$FILE" ': start worker: ' 'worker exited with status 3'
	create_refused 1 segv "$FILE" ': start worker: ' 'killed by signal 11'
	works_now exit "$FILE"
}

# (4) a worker without its jail gets nothing
test_worker_without_jail_is_refused() {
	new_file a 4M
	use_worker "$FAKE"
	create_refused 1 nojail "$FILE" ': start worker: ' 'jail check failed: (Seccomp of the worker is "0", must be "2"|the worker has no seccomp filter of its own)'
	works_now nojail "$FILE"
}

test_worker_that_breaks_the_protocol() {
	new_file a 4M
	use_worker "$FAKE"
	create_refused 1 garbage "$FILE" ': start worker: ' 'sent a message of another protocol version'
	create_refused 1 short "$FILE" ': start worker: ' 'sent a message of the wrong size'
	create_refused 1 early "$FILE" ': start worker: ' 'sent a message not allowed at this point'
	create_refused 1 withfd "$FILE" ': start worker: ' 'sent a message'
	create_refused 1 s-again "$FILE" ': start worker: ' 'sent a message not allowed'
	works_now garbage "$FILE"
}

test_worker_that_dies_with_its_descriptors() {
	new_file a 4M
	use_worker "$FAKE"
	create_refused 1 s-die "$FILE" ': start worker: ' 'worker exited with status 3'
	works_now s-die "$FILE"
}

# (5) Workers that never get ready, or refuse whatever the kernel asks, several at a time. Meanwhile
# others get their devices made, listed, removed; and a client that goes away takes its device with
# it.
test_bad_workers_hold_nobody_else_up() { # 60 s
	local name n t0 took gone pids=() all=(flood hang s-fork s-silent)
	use_worker "$FAKE"
	for name in "${all[@]}"; do
		new_file "$name" 4M
		"$CTL" --socket "$SOCK" create "$name" --file "$FILE" >"$T/$name.out" 2>"$T/$name.err" &
		pids+=($!)
	done
	new_file hang.2 4M
	"$CTL" --socket "$SOCK" create hang.2 --file "$FILE" >/dev/null 2>&1 &
	gone=$!
	five() { [ "$(ctl list | wc -l)" = 6 ]; }
	wait_for 5 five || :
	expect 0 ctl list # in one go: their ten seconds are running
	same "the list while they hang" "$(awk 'NR > 1 { printf "%s %s, ", $1, $2 }' <<<"$OUT")" \
		"flood creating, hang creating, hang.2 creating, s-fork creating, s-silent creating, "
	expect 5 ctl delete hang
	has "$ERR" 'still being created'
	expect 4 ctl create hang --file "$FILE"
	same "the step" "$(value s-silent .step)" "start worker"
	kill -KILL "$gone" || :
	wait "$gone" 2>/dev/null || :
	none_starts() { ! pgrep -x vdused-helper >/dev/null; }
	wait_for 5 none_starts || :
	asks_quickly
	use_worker "$WORKER"
	new_file other 4M
	t0=$(now_us)
	create other "$FILE"
	asks_quickly
	delete other
	took=$(since "$t0")
	echo "create, list, delete took $took s"
	in_time "what others did" "$took" 5
	for n in "${!all[@]}"; do
		name=${all[n]}
		STATUS=0
		wait "${pids[n]}" || STATUS=$?
		echo "$name: $STATUS, $(cat "$T/$name.err")"
		same "the exit status of create $name" "$STATUS" 1
		same "what create $name prints" "$(cat "$T/$name.out")" ""
	done
	has "$(cat "$T/hang.err")" ': start worker: ' 'did not close its jail in time'
	has "$(cat "$T/flood.err")" ': start worker: ' 'did not close its jail in time'
	has "$(cat "$T/s-silent.err")" ': start worker: ' 'did not start serving in time'
	has "$(cat "$T/s-fork.err")" ': bind: '
	less "$(log_so_far | grep -c 'worker: flood')" 500 || fail "a worker can flood the log"
	# the client that went away: undone when the time for its step is over
	same "the list" "$(ctl list --json | jq length)" 0
	has "$(log_so_far)" 'hang.2: create: start worker: '
}

# A worker that never answers the kernel is replaced; the create goes on with the next one.
test_worker_that_never_answers_is_replaced() { # 60 s
	new_file a 4M
	use_worker "$FAKE"
	"$CTL" --socket "$SOCK" create s-mute --file "$FILE" >"$T/out" 2>"$T/err" &
	first_serves() { log_so_far | grep -q 's-mute: worker .* serves (generation 1)'; }
	wait_for 10 first_serves || fail "no worker"
	use_worker "$WORKER"
	STATUS=0
	wait $! || STATUS=$?
	same "the exit status" "$STATUS" 0
	NODE=$(cat "$T/out")
	dd if=/dev/zero of="$NODE" bs=4k count=1 oflag=direct status=none
	same "restarts" "$(value s-mute .worker.restarts)" 1
	delete s-mute
}

# No worker ever serves: the create fails in the end, and that can be undone.
test_workers_that_never_serve() { # 120 s
	local name pid t0 took pids=()
	own_vdused --max-deaths 1
	use_worker "$FAKE"
	t0=$(now_us)
	for name in s-mute s-gone; do
		new_file $name 4M
		"$CTL" --socket "$SOCK" create $name --file "$FILE" >"$T/$name.out" 2>"$T/$name.err" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		STATUS=0
		wait "$pid" || STATUS=$?
		same "the exit status of a create" "$STATUS" 1
	done
	took=$(since "$t0")
	echo "it took $took s"
	for name in s-mute s-gone; do
		same "what create $name prints" "$(cat "$T/$name.out")" ""
		has "$(cat "$T/$name.err")" ': (start worker|attach|bind): .*worker'
	done
	in_time it "$took" 60
	own_stop
}

test_state_directory_full() {
	new_file a 4M
	mount -t tmpfs -o size=16k,mode=700 tmpfs "$RUN_DIR/state"
	try ctl create one --file "$FILE"
	umount "$RUN_DIR/state"
	same "the exit status" "$STATUS" 1
	has "$ERR" ': start worker: ' 'make room on that file system'
	works_now one "$FILE"
}

test_empty_root_missing() {
	new_file a 4M
	rmdir "$RUN_DIR/empty"
	create_refused 1 one "$FILE" ': start worker: ' "making an empty root over $RUN_DIR/empty: No such file"
	mkdir -m 700 "$RUN_DIR/empty"
	works_now one "$FILE"
}

test_no_uid_left() {
	own_vdused --worker-uids $UID_OWN-$UID_OWN
	new_file a 4M
	create one "$FILE"
	same "its uid" "$(value one .worker.uid)" $UID_OWN
	new_file b 4M
	create_refused 7 two "$FILE" ': start worker: ' 'all worker uids are taken' '--worker-uids'
	delete one
	create two "$FILE"
	delete two
	own_stop
}

### attach

# (5) module missing
test_module_virtio_vdpa_missing() {
	new_file a 4M
	modprobe -r virtio_vdpa
	create_refused 1 one "$FILE" ': attach: ' 'virtio_vdpa is not there' 'modprobe virtio_vdpa'
	modprobe virtio_vdpa
	works_now one "$FILE"
}

test_module_virtio_blk_missing() {
	new_file a 4M
	modprobe -r virtio_blk
	create_refused 1 one "$FILE" ': attach: ' 'virtio_blk is not there' 'modprobe virtio_blk'
	modprobe virtio_blk
	works_now one "$FILE"
}

# (5) netlink refuses: the family is not there in another network namespace.
test_netlink_refuses() {
	new_file a 4M
	VDT_WRAP=(unshare -n)
	own_vdused
	create_refused 1 one "$FILE" ': attach: ' 'netlink family "vdpa" is not there' 'modprobe vdpa' 'network namespace'
	own_stop
}

# (5) netlink refuses: somebody else put our device onto the bus. It is not ours to take off again.
test_bus_name_taken() {
	local pid
	new_file a 4M
	use_worker "$FAKE"
	echo 0 >$BUS/drivers_autoprobe
	ctl create s-late --file "$FILE" >"$T/out" 2>"$T/err" &
	pid=$!
	wait_for 5 test -e /sys/class/vduse/s-late || fail "no VDUSE device"
	wait_for 2 vdpa dev add name s-late mgmtdev vduse || fail "cannot put it onto the bus"
	STATUS=0
	wait $pid || STATUS=$?
	echo "create: $STATUS, $(cat "$T/err")"
	same "the exit status" "$STATUS" 4
	has "$(cat "$T/err")" ': attach: ' 'vdpa bus already has a device "s-late"' 'choose another name'
	[ -e $BUS/devices/s-late ] || fail "vdused took a device off the bus that it had not put there"
	echo 1 >$BUS/drivers_autoprobe
	vdpa dev del s-late
	# it could not be undone while the other had it
	if [ -e /sys/class/vduse/s-late ]; then
		has "$(log_so_far)" 'try "vduse-ctl delete s-late"'
		delete s-late
	fi
}

### bind

# (5) node does not appear in time
test_node_does_not_appear() { # 60 s
	local t0 took
	new_file a 4M
	echo 0 >/sys/bus/virtio/drivers_autoprobe
	t0=$(now_us)
	try ctl create one --file "$FILE"
	took=$(since "$t0")
	echo 1 >/sys/bus/virtio/drivers_autoprobe
	same "the exit status" "$STATUS" 1
	has "$ERR" ': bind: ' '(no disk appeared|did not come up) within [0-9]+ s' '(dmesg|log of vdused)'
	echo "it took $took s"
	in_time it "$took" 20
	works_now one "$FILE"
}

# A disk that is slow is not one that is broken.
test_slow_disk() { # 60 s
	local loop t0
	modprobe dm-delay 2>/dev/null || skip "this kernel has no dm-delay"
	new_file a 4M
	loop=$(losetup -f --show "$FILE")
	dmsetup create func --table "0 8192 delay $loop 0 6000"
	t0=$(now_us)
	create one /dev/mapper/func
	echo "it took $(since "$t0") s"
	delete one
	dmsetup remove func
	losetup -d "$loop"
}

### A client that goes away

# Cancelled at whatever step: nothing is left (looked at by run-one, with some patience).
test_client_goes_away() { # 60 s
	local us cancelled
	new_file a 4M
	gone_or_live() { case $(value one .state 2>/dev/null) in '' | live) ;; *) false ;; esac; }
	for us in 0 10000 20000 40000 60000 80000 110000 150000; do
		"$CTL" --socket "$SOCK" create one --file "$FILE" >/dev/null 2>&1 &
		sleep "$(printf '0.%06d' $us)"
		kill -KILL $! || : # perhaps it is done
		wait $! 2>/dev/null || :
		wait_for 10 gone_or_live || fail "after $us us: $(ctl list)"
		if [ -n "$(value one .state 2>/dev/null)" ]; then
			delete one
		fi
	done
	cancelled=$(log_so_far | grep -c 'the client went away' || :)
	echo "$cancelled were cancelled"
	[ "$cancelled" -ge 1 ] || fail "no create was cancelled: all came too early or too late"
}
