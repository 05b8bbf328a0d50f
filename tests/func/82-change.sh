# SPDX-License-Identifier: BSD-2-Clause
# tests/func/82-change.sh - a device that is changed while it is used: worker binary, size, on from
# a halt.
# shellcheck shell=bash disable=SC2034

is_live() { [ "$(value "$1" .state)" = live ]; }
is_stopped() { [ "$(value "$1" .state)" = stopped ]; }

# Upgrades while fio writes and checks: no error, the pause printed.
test_upgrade_under_load() { # 200 s
	local n t0 fio pid last times=()
	new_file a 16M
	create one "$FILE" --queues 2
	fio --name=load --filename="$NODE" --ioengine=libaio --direct=1 --rw=randwrite --bs=4k --iodepth=16 --size=12m \
		--verify=crc32c --verify_fatal=1 --do_verify=1 --time_based --runtime=60 --rate_iops=2000 \
		--output-format=json --output="$T/fio" >"$T/fio.err" 2>&1 &
	fio=$!
	last=$(worker_pid one)
	for ((n = 0; n < ${UPGRADES:-100}; n++)); do
		t0=$(now_us)
		ctl upgrade one || fail "upgrade $n"
		times+=($(($(now_us) - t0)))
		pid=$(worker_pid one)
		[ "$pid" != "$last" ] || fail "upgrade $n: still worker $pid"
		last=$pid
	done
	kill -INT $fio 2>/dev/null || :
	STATUS=0
	wait $fio || STATUS=$?
	# 128: the upgrades were done before its time: it was told to end, and its report counts
	[ "$STATUS" = 0 ] || [ "$STATUS" = 128 ] || fail "fio: $STATUS: $(cat "$T/fio.err" "$T/fio")"
	sed -i -n '/^{/,$p' "$T/fio" # it says first that it was told to end
	same "errors that fio saw" "$(jq '.jobs[0].error' "$T/fio")" 0
	same "errors counted" "$(value one .counters.errors)" 0
	same "restarts" "$(value one .worker.restarts)" 0
	report "$(printf '%s\n' "${times[@]}" | sort -n | awk '{ t[NR] = $1 } END {
		printf "upgrade: %d, command median %.0f ms, max %.0f ms", NR, t[int((NR + 1) / 2)] / 1000, t[NR] / 1000 }')"
	report "$(jq -r '.jobs[0].write.clat_ns |
		"upgrade: write latency median \(.percentile["50.000000"] / 1e6 | floor) ms, 99.99 % \(.percentile["99.990000"] / 1e6 | floor) ms, max \(.max / 1e6 | floor) ms"' "$T/fio")"
	delete one
}

test_upgrade_all() { # 60 s
	local n before
	for n in 1 2 3; do
		new_file $n 4M
		# 16 queues: the most tasks a worker has
		create d$n "$FILE" --queues $((n * 8 - 8 > 0 ? n * 8 - 8 : 1))
	done
	before=$(ctl list --json | jq -c '[.[].worker.pid]')
	expect 0 ctl upgrade --all
	[ "$(ctl list --json | jq -c "[.[].worker.pid] - $before | length")" = 3 ] || fail "not all are new: $before"
	delete --all
}

# A binary that cannot serve: the old worker stays, nothing is lost.
test_upgrade_to_a_bad_binary() { # 60 s
	local pid
	new_file a 16M
	own_vdused
	create one "$FILE"
	pid=$(worker_pid one)
	dd if=/dev/urandom of="$T/data" bs=1M count=1 status=none
	dd if="$T/data" of="$NODE" bs=64k oflag=direct conv=fsync status=none
	use_worker /bin/false
	expect 1 ctl upgrade one
	has "$ERR" '^vduse-ctl: upgrade one: .*worker'
	use_worker "$T/not-there"
	expect 1 ctl upgrade one
	has "$ERR" 'worker binary .*/worker: No such file or directory: install it'
	use_worker "$WORKER"
	rmdir "$RUN_DIR/empty" # what vdused does not find is not a device that is gone
	expect 1 ctl upgrade one
	has "$ERR" "^vduse-ctl: upgrade one: making an empty root over $RUN_DIR/empty: No such file"
	expect 1 ctl upgrade --all
	mkdir -m 700 "$RUN_DIR/empty"
	same "its worker" "$(worker_pid one)" "$pid"
	is_live one || fail "$(ctl show one)"
	dd if="$NODE" bs=64k count=16 iflag=direct status=none | cmp - "$T/data"
	expect 0 ctl upgrade one
	[ "$(worker_pid one)" != "$pid" ] || fail "the same worker"
	dd if="$NODE" bs=64k count=16 iflag=direct status=none | cmp - "$T/data"
	delete one
	own_stop
}

# Another layout of the state file is refused, never guessed.
test_upgrade_to_another_layout() { # 60 s
	local pid
	new_file a 16M
	own_vdused
	create layout "$FILE"
	pid=$(worker_pid layout)
	use_worker "$FAKE"
	expect 1 ctl upgrade layout
	has "$ERR" 'layout 99 of the state file, and the device has layout 1' 'install'
	same "its worker" "$(worker_pid layout)" "$pid"
	dd if=/dev/zero of="$NODE" bs=64k count=16 oflag=direct conv=fsync status=none
	use_worker "$WORKER"
	delete layout
	own_stop
}

# What a worker says of a request that failed can cross the order to go on.
test_halted_crosses_resume() { # 60 s
	local pid
	new_file a 16M
	own_vdused
	use_worker "$FAKE"
	expect 0 ctl create q-halt --file "$FILE" --bus vhost --on-error stop
	pid=$(worker_pid q-halt)
	wait_for 10 is_stopped q-halt || fail "not stopped: $(ctl show q-halt)"
	expect 0 ctl resume q-halt
	wait_for 10 is_live q-halt || fail "still stopped: $(ctl show q-halt)"
	same "its worker" "$(worker_pid q-halt)" "$pid"
	use_worker "$WORKER"
	delete q-halt
	own_stop
}

# The worker dies while its successor is being made ready, and the other way round.
test_upgrade_and_deaths() { # 90 s
	local n pid
	new_file a 16M
	own_vdused --max-deaths 20 # six within a minute are no reason here
	create one "$FILE"
	for n in 1 2 3 4 5 6; do
		pid=$(worker_pid one)
		ctl upgrade one >"$T/out" 2>&1 &
		sleep "0.0$((n * 15))"
		kill -KILL "$pid" 2>/dev/null || :
		wait $! || cat "$T/out"
		wait_for 10 is_live one || fail "$(ctl show one)"
		timeout 20 dd if=/dev/zero of="$NODE" bs=64k count=16 oflag=direct conv=fsync status=none
	done
	delete one
	own_stop
}

# The supervisor is killed in the middle of an upgrade.
test_upgrade_and_a_dead_supervisor() { # 120 s
	local n
	new_file a 16M
	own_vdused
	create one "$FILE"
	for n in 0 1 2 3 4 5 6 7; do
		ctl upgrade one >"$T/out" 2>&1 &
		sleep "0.$((n * 3 + 1))"
		kill -KILL "$OWN"
		wait "$OWN" || :
		wait $! || :
		start_vdused "$RUN_DIR" --worker "$T/worker" --worker-uids "$UID_OWN-$UID_LAST" --log-level debug
		OWN=$VPID
		wait_for 10 is_live one || fail "$n: $(ctl show one)"
		timeout 20 dd if=/dev/zero of="$NODE" bs=64k count=16 oflag=direct conv=fsync status=none
		same "workers" "$(pgrep -c -x vduse-worker -U "$(value one .worker.uid)")" 1
	done
	delete one
	own_stop
}

# Under a mounted file system.
test_resize() { # 90 s
	local disk
	new_file a 32M
	create one "$FILE"
	disk=$DISK
	mkfs.ext4 -q "$NODE"
	mkdir "$T/m"
	mount "$NODE" "$T/m"
	dd if=/dev/urandom of="$T/m/file" bs=1M count=8 conv=fsync status=none
	sha256sum "$T/m/file" >"$T/sum"
	expect 0 ctl resize one 64M
	same "what it prints" "$OUT" "67108864 (64M)"
	grown() { [ "$(blockdev --getsize64 "$NODE")" = "$1" ]; }
	wait_for 5 grown $((64 << 20)) || fail "the disk has $(blockdev --getsize64 "$NODE") bytes"
	same "the file" "$(stat -c %s "$FILE")" $((64 << 20))
	expect 0 resize2fs "$NODE"
	dd if=/dev/urandom of="$T/m/more" bs=1M count=40 conv=fsync status=none
	sha256sum "$T/m/more" >>"$T/sum"
	# a new worker, and a new vdused, know the new size
	kill -KILL "$(worker_pid one)"
	wait_for 5 is_live one || fail "$(ctl show one)"
	# without a size: what the file has
	truncate -s 96M "$FILE"
	expect 0 ctl resize one --json
	same "what it prints" "$(jq .size <<<"$OUT")" $((96 << 20))
	wait_for 5 grown $((96 << 20)) || fail "the disk has $(blockdev --getsize64 "$NODE") bytes"
	expect 0 resize2fs "$NODE"
	same "show" "$(value one .size)" $((96 << 20))
	# refused: less, what is no multiple, a size that is there already is fine
	expect 2 ctl resize one 32M
	has "$ERR" 'less than the device' 'cannot shrink'
	expect 2 ctl resize one 100663297
	has "$ERR" 'not a multiple of the block size 512'
	expect 0 ctl resize one 96M
	same "the file" "$(stat -c %s "$FILE")" $((96 << 20))
	umount "$T/m"
	mount -o ro "$NODE" "$T/m"
	sha256sum -c --quiet "$T/sum"
	umount "$T/m"
	expect 0 e2fsck -fn "$NODE"
	delete one
	same "the file" "$(stat -c %s "$FILE")" $((96 << 20))
}

# A file that has shrunk is no reason to shrink the device.
test_resize_of_a_shrunk_file() { # 30 s
	new_file a 16M
	create one "$FILE"
	truncate -s 8M "$FILE"
	expect 2 ctl resize one
	has "$ERR" 'less than the device'
	same "show" "$(value one .size)" $((16 << 20))
	truncate -s 16M "$FILE"
	delete one
	create one "$FILE" --read-only
	expect 2 ctl resize one 32M
	has "$ERR" 'the device is read-only: grow it first'
	truncate -s 32M "$FILE"
	expect 0 ctl resize one
	same "show" "$(value one .size)" $((32 << 20))
	delete one
}

# Death between the record and the announcement, and of vdused: the next worker tells the driver.
test_resize_and_deaths() { # 120 s
	local n size=16
	new_file a 16M
	own_vdused
	create one "$FILE"
	for n in 0 1 2 3 4 5 6 7; do
		size=$((size + 8))
		ctl resize one ${size}M >"$T/out" 2>&1 &
		sleep "0.0$((n * 12))"
		if [ $((n % 2)) = 0 ]; then
			kill -KILL "$(worker_pid one)" 2>/dev/null || :
		else
			kill -KILL "$OWN"
			wait "$OWN" || :
			start_vdused "$RUN_DIR" --worker "$T/worker" --worker-uids "$UID_OWN-$UID_LAST"
			OWN=$VPID
		fi
		wait $! || cat "$T/out"
		wait_for 10 is_live one || fail "$(ctl show one)"
		agree() { [ "$(blockdev --getsize64 "$NODE")" = "$(value one .size)" ]; }
		wait_for 5 agree || fail "$n: the disk has $(blockdev --getsize64 "$NODE"): $(ctl show one)"
		expect 0 ctl resize one ${size}M
		wait_for 5 agree || fail "$n: the disk has $(blockdev --getsize64 "$NODE"): $(ctl show one)"
		dd if=/dev/zero of="$NODE" bs=1M seek=$((size - 1)) count=1 oflag=direct conv=fsync status=none
	done
	delete one
	own_stop
}

# A full file system: nothing fails, everything waits, and goes on.
test_stop_and_resume() { # 90 s
	local pid
	mkdir "$T/small"
	mount -t tmpfs -o size=8m tmpfs "$T/small"
	truncate -s 16M "$T/small/a"
	create one "$T/small/a" --on-error stop
	same "show" "$(value one .on_error)" stop
	dd if=/dev/urandom of="$T/data" bs=1M count=12 status=none
	dd if="$T/data" of="$NODE" bs=1M oflag=direct conv=fsync status=none &
	wait_for 10 is_stopped one || fail "not stopped: $(ctl show one)"
	same "why" "$(value one .halted.name)" ENOSPC
	has "$(log_so_far)" 'one: queue [0-9]+: a request failed \(No space left on device\) and waits' 'vduse-ctl resume one'
	# the same after the death of the worker
	pid=$(worker_pid one)
	kill -KILL "$pid"
	again() { is_stopped one && [ "$(worker_pid one)" != "$pid" ]; }
	wait_for 10 again || fail "not stopped again: $(ctl show one)"
	# without room it stops again
	expect 0 ctl resume one
	sleep 0.3
	wait_for 10 is_stopped one || fail "not stopped again: $(ctl show one)"
	mount -o remount,size=32m "$T/small"
	expect 0 ctl resume one
	wait $! || fail "dd failed"
	is_live one || fail "$(ctl show one)"
	same "errors counted" "$(value one .counters.errors)" 0
	cmp -n $((12 << 20)) "$T/data" "$NODE"
	expect 2 ctl resume one
	has "$ERR" 'not stopped'
	delete one
	umount "$T/small"
}

# A stop outlives vdused, too; and a forced delete ends it.
test_stop_adopted_and_deleted() { # 120 s
	local t0 dd
	mkdir "$T/small"
	mount -t tmpfs -o size=4m tmpfs "$T/small"
	truncate -s 16M "$T/small/a"
	own_vdused
	create one "$T/small/a" --on-error stop
	dd if=/dev/zero of="$NODE" bs=1M count=8 oflag=direct status=none 2>"$T/dd" &
	dd=$!
	wait_for 10 is_stopped one || fail "not stopped: $(ctl show one)"
	kill -KILL "$OWN"
	wait "$OWN" || :
	start_vdused "$RUN_DIR" --worker "$T/worker" --worker-uids "$UID_OWN-$UID_LAST"
	OWN=$VPID
	wait_for 10 is_stopped one || fail "not stopped any more: $(ctl show one)"
	same "why" "$(value one .halted.name)" ENOSPC
	t0=$(now_us)
	expect 0 ctl delete one --force
	echo "delete --force took $(since "$t0") s"
	STATUS=0
	wait $dd || STATUS=$?
	same "the status of dd" "$STATUS" 1
	own_stop
	umount "$T/small"
}

# Who may change what: the owner, and root.
test_changes_by_another_user() { # 30 s
	local c
	chmod 0777 "$T"
	new_file a 4M
	own_vdused
	chmod 0666 "$SOCK"
	create one "$FILE"
	for c in upgrade recover resume resize; do
		expect 6 setpriv --reuid 1000 --regid 1000 --clear-groups "$CTL" --socket "$SOCK" $c one
		has "$ERR" 'only its owner and root may change it'
	done
	expect 3 ctl upgrade two
	delete one
	own_stop
}
