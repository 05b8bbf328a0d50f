# SPDX-License-Identifier: BSD-2-Clause
# tests/func/66-neighbour.sh - what a tenant who does his worst with his own device does to
# another's: its data stay right. How much slower it gets depends on the machine's processors and
# disks, which vdused does not share out unless told to (cpu-max in vdused.conf(5)): printed, never
# judged.
# shellcheck shell=bash disable=SC2034

# Writes and reads back for six seconds at least; 99th percentiles in milliseconds to P99.
verified_load() { # name
	STATUS=0
	fio --name="$1" --filename="$NODE" --ioengine=libaio --direct=1 --rw=randwrite --bs=4k --iodepth=4 --size=16m \
		--verify=crc32c --verify_fatal=1 --do_verify=1 --randseed=3 --rate_iops=500 --output-format=json \
		--output="$T/$1" >"$T/$1.err" 2>&1 || STATUS=$?
	[ "$STATUS" = 0 ] || fail "fio --verify: $STATUS: $(cat "$T/$1.err" "$T/$1")"
	same "fio's errors" "$(jq -r '.jobs[0].error' "$T/$1")" 0
	P99=$(jq -r '.jobs[0] | [.write, .read] | map(.clat_ns.percentile."99.000000" / 1e6 * 100 | round / 100 | tostring) |
		"write " + .[0] + " ms, read " + .[1] + " ms"' "$T/$1")
}

test_neighbour_of_a_hostile_worker() { # 120 s
	local before t0
	new_file good 16M
	create good "$FILE" --queues 2
	verified_load alone
	before=$P99
	use_worker "$FAKE"
	t0=$(now_us)
	new_file bad 16M
	expect 0 ctl create q-flood --file "$FILE"
	use_worker "$WORKER"
	floods() { log_so_far | grep -q 'q-flood: worker: flood'; }
	wait_for 10 floods || fail "it does not get going"
	verified_load beside
	report "neighbour: p99 alone: $before; beside a hostile worker: $P99"
	same "the hostile device" "$(value q-flood .state)" live
	same "restarts of the good one" "$(value good .worker.restarts)" 0
	# twenty lines a second, as worker_chan.c relays them
	less "$(log_so_far | grep -c 'worker: flood')" "$(awk -v t="$(since "$t0")" 'BEGIN { print t * 20 + 40 }')" || fail "a worker can flood the log"
	delete q-flood --force
	delete good
}

test_neighbour_of_a_hostile_driver() { # 120 s
	local before load
	new_file good 16M
	create good "$FILE" --queues 2
	verified_load alone
	before=$P99
	new_file bad 64M
	expect 0 ctl create bad --file "$FILE" --queues 4 --queue-size 1024
	fio --name=bad --filename="$OUT" --ioengine=libaio --direct=1 --rw=randrw --bsrange=512-64k --iodepth=256 --numjobs=4 \
		--time_based --runtime=600 --output="$T/bad.fio" >/dev/null 2>&1 &
	load=$!
	busy() { [ "$(value bad .counters.writes)" -gt 200 ]; }
	wait_for 20 busy || fail "fio does not get going"
	verified_load beside
	report "neighbour: p99 alone: $before; beside a driver at full load: $P99"
	same "restarts of the good one" "$(value good .worker.restarts)" 0
	kill $load
	wait $load || :
	delete bad --force
	delete good
}
