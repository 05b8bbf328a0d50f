# SPDX-License-Identifier: BSD-2-Clause
# tests/func/75-kill.sh - workers killed again and again under a checker that knows what the disk
# must hold: the short form of `make torture` (tests/torture). About a hundred kills, among them two
# at least at each of the twenty points of worker/crash.h.
# shellcheck shell=bash disable=SC2034

# shellcheck source=tests/torture/kill.sh
. "$here/../torture/kill.sh"
DMESG_START=$(dmesg | wc -l)
RECOVERIES=/dev/null

test_killed_at_every_point() { # 240 s
	crash_vdused
	new_file a $DISK_SIZE
	kill_at_points one "$FILE" 48 --queues 4
	points_reached 2 1 2 3 4 5 6 7 8 9 13 14 15 16 17 18 19 20
	no_io_errors
	print_recoveries "$RECOVERIES"
	own_stop
}

test_killed_at_any_moment() { # 240 s
	crash_vdused
	new_file a $DISK_SIZE
	kill_at_random one "$FILE" 20 --queues 4
	no_io_errors
	print_recoveries "$RECOVERIES"
	own_stop
}

test_killed_while_it_has_a_message() { # 240 s
	crash_vdused
	random_file a 8
	kill_at_messages "$FILE"
	points_reached 2 10 11 12
	no_io_errors
	own_stop
}

test_killed_under_sqlite() { # 120 s
	crash_vdused
	new_file a 64M
	kill_under_sqlite "$FILE" 12 --queues 2
	no_io_errors
	own_stop
}

# All of this would be worth nothing if the checker believed everything.
test_checker_notices_a_changed_file() {
	new_file a $DISK_SIZE
	load_disk one "$FILE" plain
	sleep 2
	cp "$FILE" "$T/old"
	sleep 2
	unload_disk one "$FILE"
	dd if="$T/old" of="$FILE" bs=512 count=8192 conv=notrunc status=none
	expect 1 "$CHECKER" verify "$FILE" --model "$T/one.model"
	has "$ERR" 'checker: stale: block [0-9]+: acknowledged [0-9]+' 'found (version [0-9]+ of block|zeros)'
}
