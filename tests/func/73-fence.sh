# SPDX-License-Identifier: BSD-2-Clause
# tests/func/73-fence.sh - the end of a worker's process is not the end of its I/O: somebody who
# reads in /proc/PID at that moment keeps the memory of the process, and the kernel waits for I/O
# only when that is given up. The next worker begins, and a delete is over, when it has.
# shellcheck shell=bash disable=SC2034

restarts() { value "$1" .worker.restarts; }
served() { [ "$(value "$1" '.state, .worker.restarts' | tr '\n' ' ')" = "live $2 " ]; } # name restarts
said() { grep -q -- "$1" <(log_so_far); }
no_state() { [ ! -e "$RUN_DIR/state/$1" ]; }

### Somebody has the memory of a worker, for as long as he likes

pin() { # name: PIN holds the memory of its worker, WORKER_PID
	WORKER_PID=$(worker_pid "$1")
	"$TOOL" pin "$WORKER_PID" >"$T/pin" 2>&1 &
	PIN=$!
	is_held() { grep -q held "$T/pin"; }
	wait_for 10 is_held || fail "it cannot be held: $(cat "$T/pin")"
}

let_go() {
	kill "$PIN"
	wait "$PIN" || :
}

io_waited_for() { [ "$(value one '.state, .step' | tr '\n' ' ')" = "recovering waits for I/O " ]; }

test_next_worker_waits() { # 60 s
	own_vdused --max-deaths 1
	random_file a 4
	create one "$FILE"
	pin one
	kill -KILL "$WORKER_PID"
	wait_for 10 io_waited_for || fail "it does not wait: $(ctl show one)"
	gone "$WORKER_PID" || fail "the process has not ended"
	wait_for 10 said 'one: its worker has ended, but I/O that it began has not' || fail "the log does not say so"
	sleep 3 # many looks, and more than --max-deaths tries would take
	asks_quickly
	io_waited_for || fail "it does not wait: $(ctl show one)"
	lacks "$(log_so_far)" 'fail mode|hand-over|generation 2'
	same "the number of new workers" "$(restarts one)" 0
	let_go
	wait_for 10 served one 1 || fail "it is not served: $(ctl show one)"
	cmp -n $((4 << 20)) "$NODE" "$FILE"
	delete one
	own_stop
}

# A new vdused finds a worker that has ended, and waits as well.
test_next_vdused_waits() { # 60 s
	own_vdused
	random_file a 4
	create one "$FILE"
	pin one
	kill -KILL "$OWN"
	wait "$OWN" || :
	kill -KILL "$WORKER_PID"
	wait_for 10 gone "$WORKER_PID" || fail "the process does not end"
	start_vdused "$RUN_DIR" --worker "$T/worker" --worker-uids "$UID_OWN-$UID_LAST" --log-level debug
	OWN=$VPID
	wait_for 20 io_waited_for || fail "it does not wait: $(ctl show one)"
	let_go
	wait_for 10 served one 1 || fail "it is not served: $(ctl show one)"
	cmp -n $((4 << 20)) "$NODE" "$FILE"
	delete one
	own_stop
}

# The old worker of an upgrade has ended, and its I/O has not: the upgrade waits, which is no death.
test_upgrade_waits() { # 60 s
	local upgrade
	own_vdused --max-deaths 1
	random_file a 4
	create one "$FILE"
	pin one
	ctl upgrade one >"$T/out" 2>&1 &
	upgrade=$!
	wait_for 30 io_waited_for || fail "it does not wait: $(ctl show one), $(cat "$T/out")"
	gone "$WORKER_PID" || fail "the process has not ended"
	sleep 3 # more than the hand-over waits, or --max-deaths tries would take
	asks_quickly
	gone $upgrade && fail "the upgrade has ended: $(cat "$T/out")"
	lacks "$(log_so_far)" 'fail mode|[1-9][0-9]* deaths in a row'
	let_go
	wait $upgrade || fail "upgrade: $(cat "$T/out")"
	same "its state" "$(value one .state)" live
	cmp -n $((4 << 20)) "$NODE" "$FILE"
	delete one
	own_stop
}

# Its state file, its record and its VDUSE device stay as long: nobody gets that name or that file.
test_delete_waits() { # 60 s
	local deleter how
	for how in '' --force; do
		new_file a 4M
		create one "$FILE"
		pin one
		# shellcheck disable=SC2086
		ctl delete one $how >"$T/out" 2>&1 &
		deleter=$!
		waits() { [ "$(value one '.state, .step' | tr '\n' ' ')" = "deleting wait for I/O " ]; }
		wait_for 20 waits || fail "delete $how does not wait: $(ctl show one), $(cat "$T/out")"
		gone "$WORKER_PID" || fail "the process has not ended"
		sleep 1
		asks_quickly
		gone $deleter && fail "delete $how has answered: $(cat "$T/out")"
		no_state one && fail "its state file is gone"
		create_refused 5 two "$FILE" 'already in use'
		let_go
		wait $deleter || fail "delete $how: $(cat "$T/out")"
		no_state one || fail "its state file is there"
	done
}

test_delete_does_not_wait_for_ever() { # 120 s
	new_file a 4M
	create one "$FILE"
	pin one
	expect 5 ctl delete one --force
	has "$ERR" "delete one: wait for I/O: I/O that its worker began has not ended, and may still change $FILE"
	same "the state" "$(value one .state)" failed
	let_go
	delete one
}

# Nobody has anything of it left that would keep the lock but its worker.
test_upgrades_and_deaths_let_go_of_it() { # 60 s
	local i
	new_file a 4M
	create one "$FILE"
	for i in 1 2 3; do
		expect 0 ctl upgrade one
		kill -KILL "$(worker_pid one)"
		wait_for 10 served one $i || fail "no new worker: $(ctl show one)"
	done
	lacks "$(log_so_far)" 'has not ended|has ended, but'
	delete one
}

### I/O that goes on: a disk on which every write takes its time

SLOW_MS=20000 # far more than it takes to replace a worker here
SECTORS=819200 # 400 MiB

lower_make() { # makes /dev/mapper/func on LOOP
	modprobe -a dm-mod dm-delay loop
	new_file lower $((SECTORS / 2))K
	LOOP=$(losetup -f --show "$FILE")
	dmsetup create func --table "0 $SECTORS linear $LOOP 0"
}

lower_table() { # table
	dmsetup suspend func
	dmsetup load func --table "$1"
	dmsetup resume func
}
lower_slow() { lower_table "0 $SECTORS delay $LOOP 0 0 $LOOP 0 $SLOW_MS"; }
lower_slow_reads() { lower_table "0 $SECTORS delay $LOOP 0 $SLOW_MS"; }
# Requests that the disk has and has not begun, reads and writes.
delayed() { dmsetup status func | awk '{ print $4 + $5 }'; }
lower_quick() { lower_table "0 $SECTORS linear $LOOP 0"; }

lower_remove() {
	dmsetup remove func
	losetup -d "$LOOP"
}

# backing TYPE: a block device, or a file on such a file system; in FILE
backing() {
	lower_make
	FILE=/dev/mapper/func
	[ "$1" != block ] || return 0
	"mkfs.$1" -q /dev/mapper/func >/dev/null 2>&1
	mkdir -p "$T/m"
	mount -t "$1" /dev/mapper/func "$T/m"
	FILE=$T/m/image
	: >"$FILE"
	# else its direct I/O goes through the page cache, and is over when io_submit() returns
	[ "$1" != btrfs ] || chattr +C "$FILE"
	head -c 64K /dev/zero >"$FILE"
	truncate -s 4M "$FILE"
	sync -f "$FILE"
}

backing_gone() { # TYPE
	[ "$1" = block ] || umount "$T/m"
	lower_remove
	rm -f "$T/lower"
}

# Everybody looks at its process, and one has its memory when it ends.
readers() { # name
	local file
	pin "$1"
	READERS=()
	for file in cmdline smaps_rollup; do
		"$TOOL" watch "$WORKER_PID" $file &
		READERS+=($!)
	done
}

# One that begins I/O and does not wait for it.
writer_with_readers() { # option...
	use_worker "$FAKE"
	expect 0 ctl create q-aio --file "$FILE" --direct "$@"
	wait_for 20 said 'q-aio: worker: begun' || fail "it has begun nothing"
	said 'q-aio: worker: begun 8 of 8' || fail "it could not begin: $(log_so_far | grep begun)"
	readers q-aio
}

# The process ends at once; whoever has its memory last now waits for its I/O, who is not we.
ends_before_its_io() {
	wait_for 20 gone "$WORKER_PID" || fail "the process does not end"
	kill "$PIN"
}

readers_end() {
	local pid
	wait "$PIN" || :
	for pid in "${READERS[@]}"; do
		wait_for 20 gone "$pid" || fail "a reader does not end"
		wait "$pid" || fail "a reader failed"
	done
}

landed() { # file: pieces that are there
	local i n=0
	for i in 0 1 2 3 4 5 6 7; do
		if cmp -s -n 4096 <(head -c 4096 /dev/zero | tr '\0' "$(printf '\x6'$((i + 1)))") \
			<(dd if="$1" bs=4k skip=$i count=1 iflag=direct status=none); then
			n=$((n + 1))
		fi
	done
	echo $n
}

# The next worker says itself what has landed when it begins.
killed_with_writes_under_way() { # TYPE
	own_vdused
	backing "$1"
	lower_slow
	writer_with_readers
	kill -KILL "$WORKER_PID"
	ends_before_its_io
	wait_for 30 said 'q-aio: worker: landed' || fail "no next worker: $(log_so_far)"
	report "$1: $(log_so_far | grep -o 'q-aio: worker: landed.*')"
	has "$(log_so_far)" 'q-aio: worker: landed 8 of 8'
	wait_for 10 served q-aio 1 || fail "$(ctl show q-aio)"
	# nor was any other tried before, for which the file was in use
	has "$(log_so_far)" 'q-aio: worker [0-9]+ took over \(generation 2\)'
	readers_end
	lower_quick
	delete q-aio
	backing_gone "$1"
	own_stop
}

test_nothing_lands_late_on_a_disk() { # 90 s
	killed_with_writes_under_way block
}
test_nothing_lands_late_on_ext4() { # 90 s
	killed_with_writes_under_way ext4
}
test_nothing_lands_late_on_xfs() { # 90 s
	killed_with_writes_under_way xfs
}
test_nothing_lands_late_on_btrfs() { # 90 s
	killed_with_writes_under_way btrfs
}

# Of a read-only file two workers can have the lock, and what lands late lands in memory. On
# xfs, as ext4 itself reads for a while after mkfs.
test_nothing_is_read_late() { # 90 s
	local left
	own_vdused
	backing xfs
	lower_slow_reads
	writer_with_readers --read-only
	kill -KILL "$WORKER_PID"
	ends_before_its_io
	wait_for 30 served q-aio 1 || fail "$(ctl show q-aio)"
	left=$(delayed)
	same "reads under way when the next one serves" "$left" 0
	readers_end
	lower_quick
	delete q-aio
	backing_gone xfs
	own_stop
}

# What a delete has answered, nothing changes any more.
test_nothing_lands_after_a_delete() { # 120 s
	local type deleter
	for type in block ext4; do
		own_vdused
		backing $type
		lower_slow
		writer_with_readers
		ctl delete q-aio >"$T/out" 2>&1 &
		deleter=$!
		ends_before_its_io
		wait $deleter || fail "delete: $(cat "$T/out")"
		same "what has landed on $type" "$(landed "$([ $type = block ] && echo "$LOOP" || echo "$FILE")")" 8
		readers_end
		lower_quick
		backing_gone $type
		own_stop
	done
}

# The real worker, with writes of the disk's user under way.
test_killed_worker_with_writes_under_way() { # 120 s
	local i
	own_vdused
	backing block
	create one "$FILE" --direct
	lower_slow
	for i in 1 2 3 4 5 6 7 8; do
		head -c 4096 /dev/zero | tr '\0' "$(printf '\x6'$i)" |
			dd of="$NODE" bs=4k count=1 seek=$((i - 1)) iflag=fullblock oflag=direct conv=notrunc status=none &
	done
	under_way() { [ "$(delayed)" -ge 1 ]; }
	wait_for 10 under_way || fail "nothing is written"
	readers one
	kill -KILL "$WORKER_PID"
	ends_before_its_io
	wait_for 60 served one 1 || fail "no next worker: $(ctl show one)"
	# from here on only what the next one writes may arrive, which is the same again
	lower_quick
	readers_end
	for i in $(jobs -p); do
		[ "$i" = "$OWN" ] || wait "$i" || fail "a write failed"
	done
	same "what has landed" "$(landed "$LOOP")" 8
	delete one
	backing_gone block
	own_stop
}
