# SPDX-License-Identifier: BSD-2-Clause
# tests/func/70-recover.sh - a worker that is killed is replaced; the disk's user sees a pause.
# shellcheck shell=bash disable=SC2034

has_restarts() { [ "$(value "$1" '.worker.restarts, .state' | tr '\n' ' ')" = "$2 live " ]; }

test_worker_killed_while_idle() {
	local pid uid
	new_file a 16M
	create one "$FILE"
	dd if=/dev/urandom of="$T/data" bs=1M count=2 status=none
	dd if="$T/data" of="$NODE" bs=64k oflag=direct status=none
	pid=$(worker_pid one)
	uid=$(value one .worker.uid)
	kill -KILL "$pid"
	wait_for 5 has_restarts one 1 || fail "no new worker: $(ctl show one)"
	[ "$(worker_pid one)" != "$pid" ] || fail "the same pid"
	same "its uid" "$(value one .worker.uid)" "$uid"
	cmp -n $((2 << 20)) "$T/data" "$NODE"
	timeout 10 dd if=/dev/zero of="$NODE" bs=64k count=16 seek=64 oflag=direct conv=fsync status=none
	same "the seccomp of its tasks" "$(cat "/proc/$(worker_pid one)/task"/*/status | grep -c '^Seccomp:.2')" \
		"$(find "/proc/$(worker_pid one)/task" -mindepth 1 -maxdepth 1 | wc -l)"
	same "the errors counted" "$(value one .counters.errors)" 0
	delete one
}

# Again and again while fio writes and checks: no error, nothing lost.
test_worker_killed_under_fio_verify() { # 120 s
	local n fio
	new_file a 64M
	create one "$FILE" --queues 4
	fio --name=verify --filename="$NODE" --ioengine=libaio --direct=1 --rw=randwrite --bs=4k --iodepth=32 --numjobs=4 \
		--size=12m --offset_increment=12m --verify=crc32c --verify_fatal=1 --do_verify=1 --randseed=7 --rate_iops=1000 \
		--output="$T/fio" >"$T/fio.err" 2>&1 &
	fio=$!
	busy() { [ "$(value one .counters.writes)" -gt $((n * 1000)) ]; }
	for n in 1 2 3; do
		wait_for 30 busy || fail "fio does not go on: $(ctl show one)"
		kill -KILL "$(worker_pid one)"
		wait_for 10 has_restarts one $n || fail "no new worker: $(ctl show one)"
	done
	STATUS=0
	wait $fio || STATUS=$?
	[ "$STATUS" = 0 ] || fail "fio: $STATUS: $(cat "$T/fio.err" "$T/fio")"
	has "$(cat "$T/fio")" 'err= 0'
	same "restarts" "$(value one .worker.restarts)" 3
	same "the errors counted" "$(value one .counters.errors)" 0
	delete one
}

test_worker_killed_under_a_file_system() { # 60 s
	new_file a 64M
	create one "$FILE"
	mkfs.ext4 -q "$NODE"
	mkdir "$T/m"
	mount "$NODE" "$T/m"
	cp -a /usr/share/zoneinfo "$T/m/" &
	sleep 0.3
	kill -KILL "$(worker_pid one)"
	wait $! || fail "cp failed"
	sync -f "$T/m"
	wait_for 5 has_restarts one 1 || fail "no new worker"
	umount "$T/m"
	mount -o ro "$NODE" "$T/m"
	diff -r /usr/share/zoneinfo "$T/m/zoneinfo" || fail "files differ"
	umount "$T/m"
	expect 0 e2fsck -fn "$NODE"
	delete one
}

# A worker that stops answering is replaced by the watchdog.
test_worker_that_stops_is_replaced() { # 60 s
	local pid
	new_file a 16M
	create one "$FILE"
	pid=$(worker_pid one)
	kill -STOP "$pid"
	dd if=/dev/zero of="$NODE" bs=64k count=16 oflag=direct status=none &
	wait_for 15 has_restarts one 1 || fail "not replaced: $(ctl show one)"
	wait $! || fail "the write failed"
	gone "$pid" || fail "the old worker is still there"
	delete one
}

test_worker_killed_then_deleted_at_once() {
	new_file a 16M
	create one "$FILE"
	kill -KILL "$(worker_pid one)"
	delete one
	create one "$FILE"
	kill -STOP "$(worker_pid one)"
	delete one
}

# No worker stays alive: I/O ends in errors (fail mode; without any worker at all it waits), and
# delete works.
test_device_whose_workers_keep_dying() { # 90 s
	local n
	own_vdused --max-deaths 2
	new_file a 16M
	create one "$FILE"
	for n in 1 2; do
		kill -KILL "$(worker_pid one)"
		wait_for 10 has_restarts one $n || fail "no new worker: $(ctl show one)"
	done
	kill -KILL "$(worker_pid one)"
	failed() { [ "$(value one .state)" = failed ] && [ "$(value one .worker.pid)" != null ]; }
	wait_for 10 failed || fail "$(ctl show one)"
	expect_failure timeout 10 dd if=/dev/zero of="$NODE" bs=64k count=1 oflag=direct
	[ "$STATUS" != 124 ] || fail "the write hangs"
	has "$ERR" 'Input/output error'
	same "the data in the file" "$(blocks_of "$FILE")" 0
	has "$(log_so_far)" 'ends in an I/O error from now on'
	expect_failure timeout 10 dd if="$NODE" of=/dev/null bs=64k count=1 iflag=direct
	asks_quickly
	delete one
	create one "$FILE"
	delete one
	own_stop
}

# Not even a worker in fail mode can be started.
test_device_without_a_worker() { # 90 s
	local dd
	own_vdused --max-deaths 1
	new_file a 16M
	create one "$FILE"
	use_worker "$T/missing"
	kill -KILL "$(worker_pid one)"
	timeout 60 dd if=/dev/zero of="$NODE" bs=64k count=1 oflag=direct status=none 2>"$T/dd" &
	dd=$!
	failed() { [ "$(value one .state)" = failed ]; }
	wait_for 40 failed || fail "$(ctl show one)"
	no_worker() { [ "$(value one .step)" = "no worker" ]; }
	wait_for 40 no_worker || fail "$(ctl show one)"
	asks_quickly
	expect 2 ctl resume one
	has "$ERR" 'it has no worker: "vduse-ctl recover one" first'
	expect 2 ctl resize one 32M
	has "$ERR" 'it has no worker: "vduse-ctl recover one" first'
	use_worker "$WORKER"
	delete one
	wait_for 5 gone $dd || fail "a process hangs on a disk that was deleted"
	wait $dd || :
	own_stop
}

# A device in fail mode that the kernel gives up, as nobody answers it, says so. vdused is stopped
# lest it replace the worker.
test_device_in_fail_mode_that_breaks() { # 60 s
	own_vdused --max-deaths 1
	new_file a 16M
	expect 0 ctl create one --file "$FILE" --bus vhost
	NODE=$OUT
	kill -KILL "$(worker_pid one)"
	wait_for 10 has_restarts one 1 || fail "no new worker: $(ctl show one)"
	kill -KILL "$(worker_pid one)"
	failing() { [ "$(value one .step)" = "fail mode" ] && [ "$(value one .worker.pid)" != null ]; }
	wait_for 10 failing || fail "$(ctl show one)"
	expect 2 ctl resume one
	has "$ERR" 'it is in fail mode: "vduse-ctl recover one" first'
	local worker
	worker=$(worker_pid one)
	kill -STOP "$OWN" "$worker"
	echo 1 >/sys/class/vduse/one/msg_timeout
	expect_failure "$TOOL" vhost "$NODE" status # whose message is not answered in time
	kill -KILL "$worker"
	kill -CONT "$OWN"
	broken() { [ "$(value one '.state + " " + .step')" = "failed broken" ]; }
	wait_for 10 broken || fail "$(ctl show one)"
	expect 1 ctl resume one
	has "$ERR" 'the kernel gave the device up'
	delete one
	own_stop
}

# One device's trouble is not another's.
test_others_go_on_while_a_worker_is_replaced() {
	local t0 took
	new_file a 16M
	create one "$FILE"
	new_file b 16M
	create two "$FILE"
	kill -STOP "$(worker_pid one)"
	t0=$(now_us)
	timeout 10 dd if=/dev/zero of="$NODE" bs=64k count=64 oflag=direct status=none
	echo "a write of 4 MiB took $(since "$t0") s"
	asks_quickly
	new_file c 4M
	create three "$FILE"
	delete three
	took=$(since "$t0")
	echo "others took $took s"
	in_time "what others did" "$took" 5
	wait_for 15 has_restarts one 1 || fail "not replaced: $(ctl show one)"
	delete --all
}
