# SPDX-License-Identifier: BSD-2-Clause
# tests/func/65-stuck.sh - one worker that is stopped, or that answers vdused but not the kernel, at
# each point of a device's life: what it costs the others, who meanwhile create, delete and list,
# with an unprivileged user looking at every device's configuration all the time, which takes the
# locks of one device under those of all.
# shellcheck shell=bash disable=SC2034

BOUND=5 # seconds, as SECURITY.md says

start_looking() {
	: >"$T/look"
	# shellcheck disable=SC2016
	setpriv --reuid 65534 --regid 65534 --clear-groups \
		bash -c 'while [ -e "$1" ]; do vdpa dev config show >/dev/null 2>&1; done' - "$T/look" &
	looker=$!
}

stop_looking() {
	rm "$T/look"
	wait_for 40 gone $looker || fail "somebody who looks at a device's configuration hangs"
	wait $looker || :
}

timed() { # name command...: in the background
	local name=$1 t0
	shift
	t0=$(now_us)
	"$@" >"$T/$name.out" 2>&1 || echo "\"$*\" ended with $?: $(cat "$T/$name.out")" >"$T/$name.bad"
	since "$t0" >"$T/$name.took"
}

# The neighbour to delete, made while everything is well.
prepare() {
	rm -f "$T"/*.bad "$T"/*.took
	new_file gone 4M
	create gone "$FILE"
	new_file other 4M
	new_file a 16M
	start_looking
}

# All at the same time, while one is stuck.
measure() { # where
	local what took line="stuck: at=$1" pids=()
	timed other-create "$CTL" --socket "$SOCK" create other --file "$T/other" &
	pids+=($!)
	timed other-delete "$CTL" --socket "$SOCK" delete gone &
	pids+=($!)
	timed list "$CTL" --socket "$SOCK" list &
	pids+=($!)
	timed vdpa-show vdpa dev show &
	pids+=($!)
	wait "${pids[@]}"
	for what in other-create other-delete list vdpa-show; do
		line="$line $what=$(cat "$T/$what.took")s"
	done
	report "$line"
	cat "$T"/*.bad 2>/dev/null && fail "what others do fails"
	for what in other-create other-delete vdpa-show; do
		in_time "$what of somebody else" "$(cat "$T/$what.took")" $BOUND
	done
	in_time list "$(cat "$T/list.took")" $ASK_LIMIT
}

finish() {
	stop_looking
	delete other
}

### Stopped

workers_now() { ps -eo pid=,uid= | awk -v lo=$UID_FIRST -v hi=$UID_LAST '$2 >= lo && $2 <= hi { print $1 }'; }

new_worker() { # its pid to PID, as soon as there is one that is not in $known
	PID=$(workers_now | grep -vxF "$known" | head -n 1)
	[ "$PID" ]
}

background() { # vduse-ctl's arguments: its pid in BG
	"$CTL" --socket "$SOCK" "$@" >"$T/bg" 2>&1 &
	BG=$!
}

# Whatever became of it, it ended; its status is in STATUS.
ended() {
	wait_for 30 gone "$BG" || fail "it does not end"
	STATUS=0
	wait "$BG" || STATUS=$?
	echo "it ended with $STATUS: $(cat "$T/bg")"
}

test_stopped_at_start() { # 60 s
	prepare
	known=$(workers_now)
	background create one --file "$T/a"
	wait_for 10 new_worker || fail "no worker"
	kill -STOP "$PID"
	measure start
	ended
	[ "$STATUS" != 0 ] || delete one
	finish
}

test_stopped_at_attach() { # 60 s
	prepare
	known=$(workers_now)
	background create one --file "$T/a"
	wait_for 10 test -e $BUS/devices/one || fail "it is not attached"
	new_worker || fail "no worker"
	kill -STOP "$PID"
	measure attach
	ended
	[ "$STATUS" != 0 ] || delete one
	finish
}

test_stopped_at_first_request() { # 60 s
	local dd
	prepare
	create one "$T/a"
	kill -STOP "$(worker_pid one)"
	dd if=/dev/zero of="$NODE" bs=4k count=1 oflag=direct status=none &
	dd=$!
	measure first-request
	wait $dd || fail "the request failed"
	delete one
	finish
}

test_stopped_under_load() { # 60 s
	local fio
	prepare
	create one "$T/a" --queues 2
	fio --name=load --filename="$NODE" --ioengine=libaio --direct=1 --rw=randrw --bs=4k --iodepth=16 --rate_iops=2000 \
		--time_based --runtime=12 --output="$T/fio" >/dev/null 2>&1 &
	fio=$!
	busy() { [ "$(value one .counters.writes)" -gt 50 ]; }
	wait_for 10 busy || fail "fio does not get going"
	kill -STOP "$(worker_pid one)"
	measure load
	wait $fio || fail "fio: $(cat "$T/fio")"
	delete one
	finish
}

test_stopped_at_detach() { # 60 s
	prepare
	create one "$T/a"
	kill -STOP "$(worker_pid one)"
	background delete one
	measure detach
	ended
	same "the status of delete" "$STATUS" 0
	finish
}

### Alive for vdused, deaf to the kernel

serves() { log_so_far | grep -q "$1: worker .* serves (generation 1)"; }

test_deaf_at_attach() { # 60 s
	prepare
	use_worker "$FAKE"
	background create q-all --file "$T/a"
	wait_for 10 serves q-all || fail "no worker"
	use_worker "$WORKER"
	measure attach-deaf
	ended
	same "the status of create" "$STATUS" 0
	delete q-all
	finish
}

test_deaf_at_detach() { # 60 s
	prepare
	use_worker "$FAKE"
	create q-last "$T/a"
	use_worker "$WORKER"
	background delete q-last
	measure detach-deaf
	ended
	same "the status of delete" "$STATUS" 0
	finish
}

# The same on the vhost bus, where it is the node's owner who makes the kernel ask.
deaf_on_vhost() { # name what-the-owner-does pause
	local owner node
	prepare
	use_worker "$FAKE"
	expect 0 ctl create "$1" --file "$T/a" --bus vhost
	node=$OUT
	use_worker "$WORKER"
	"$TOOL" vhost "$node" "$2" >"$T/owner" 2>&1 &
	owner=$!
	sleep "$3"
	measure "vhost-$2-deaf"
	echo "the owner: $(cat "$T/owner")"
	kill $owner
	wait_for 3 gone $owner || fail "the owner cannot be killed"
	wait $owner || :
	delete "$1"
	finish
}

# Nobody knows for which device the kernel waits: control/watch/netlink_watch.c replaces the worker.
test_deaf_when_opened() { # 90 s
	deaf_on_vhost q-all status 0.5
	has "$(log_so_far)" 'q-all: killing worker [0-9]*: netlink does not answer'
	lacks "$(cat "$T/owner")" 'tool:'
}

# A vhost device that is not to blame survives that, and so does one that is replaced with it.
test_deaf_among_others() { # 120 s
	local n
	for n in 1 2 3 4 5 6; do
		new_file "v$n" 4M
		expect 0 ctl create "a$n" --file "$FILE" --bus vhost
	done
	deaf_on_vhost q-all status 0.5
	for n in 1 2 3 4 5 6; do
		same "a$n" "$(value a$n '.state')" live
		less "$(value a$n .worker.restarts)" 2 || fail "a$n had its worker replaced more than once"
		delete a$n
	done
}

test_deaf_to_mappings() { # 60 s
	deaf_on_vhost q-iotlb iotlb 0.5
}

test_deaf_to_ring_questions() { # 60 s
	deaf_on_vhost q-state state 0.5
}
