# tests/func/75-kill.sh - workers killed again and again under a checker that knows what the disk must hold: the short form of
# `make torture` (tests/torture). About a hundred kills, among them two at least at each of the twenty points of worker/crash.h.
# shellcheck shell=bash disable=SC2034

# shellcheck source=tests/torture/kill.sh
. "$here/../torture/kill.sh"
DMESG_START=$(dmesg | wc -l)

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
