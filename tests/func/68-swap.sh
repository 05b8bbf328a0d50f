# SPDX-License-Identifier: BSD-2-Clause
# tests/func/68-swap.sh - memory is short, and what is swapped out goes to a disk that vdused
# serves: nothing that serves it or replaces its worker may itself be there (vdused(8), "Swap, and
# the disks of the host itself").
# shellcheck shell=bash disable=SC2034

GROUPS_TOP=/sys/fs/cgroup
OURS=$GROUPS_TOP/vdt-ours
HOG=$GROUPS_TOP/vdt-hog

# As much as can be taken from a group, is.
squeeze() { # directory
	local n
	for n in 1 2 3; do timeout 60 bash -c "echo 512M >$1/memory.reclaim" 2>/dev/null || :; done
}

swapped() { # pid: KiB
	awk '/^VmSwap:/ { print $2 }' "/proc/$1/status"
}

# A disk of ours that the host swaps to. Its file is not on a file system that lies in memory.
swap_disk() {
	echo +memory >$GROUPS_TOP/cgroup.subtree_control
	mkdir "$OURS"
	VDT_WRAP=(bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$OURS")
	own_vdused "$@"
	VDT_WRAP=()
	FILE=/var/tmp/vdt.swap
	rm -f "$FILE"
	truncate -s 256M "$FILE"
	create one "$FILE"
	mkswap "$NODE" >/dev/null 2>&1
	swapon "$NODE"
}

swap_disk_ends() {
	swapoff "$NODE"
	delete one
	own_stop
	rmdir "$OURS"
	rm "$FILE"
}

# The kernel takes what it can get of vdused, of the worker, and of what they wrote to /run. The log
# writer may be swapped: nobody waits for it (supervisor/log_that_nobody_reads).
test_nothing_that_serves_is_swapped() { # 60 s
	local pid other
	swap_disk
	# that there is something to be seen: a process of ours in a group of its own
	mkdir "$HOG"
	bash -c 'echo $$ >"$0/cgroup.procs"; a=$(printf "%4000000d" 1); while :; do read -rt 100 _ <>/run/vdt.nap; done' "$HOG" &
	other=$!
	big() { [ "$(awk '/^VmRSS:/ { print $2 }' "/proc/$other/status")" -gt 4000 ]; }
	wait_for 10 big || fail "the other process does not grow"
	squeeze "$HOG"
	[ "$(swapped $other)" -gt 1000 ] || fail "nothing is swapped in this guest: nothing was shown"
	squeeze "$OURS"
	squeeze "$GROUPS_TOP/vdused"
	for pid in "$OWN" "$(worker_pid one)"; do
		same "KiB of $pid, $(cat "/proc/$pid/comm"), that are swapped" "$(swapped "$pid")" 0
	done
	# what is left there is no process's: pages of /run that nobody needs to replace a worker
	report "swapped of vdused's group: $(cat "$OURS/memory.swap.current") bytes"
	kill -KILL $other
	wait $other || :
	rmdir "$HOG"
	swap_disk_ends
}

# Somebody's memory is swapped out and in all the time, to the disk whose workers are killed. Not
# memory.max: once all of that memory is under writeback the kernel finds nothing to take for some
# tenths of a second, and kills instead of waiting for the disk.
test_workers_killed_while_swapping() { # 120 s
	local n round pid hog
	swap_disk --max-deaths 20
	mkdir "$HOG"
	echo 12M >"$HOG/memory.high"
	bash -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$HOG" "$TOOL" rounds 24 >"$T/rounds" &
	hog=$!
	what() { echo "$(tr '\n' ' ' <"$HOG/memory.events")$(grep -E '^(anon|swapcached) ' "$HOG/memory.stat" | tr '\n' ' ')"; }
	rounds() { wc -l <"$T/rounds"; }
	more() { [ "$(rounds)" -gt "$n" ]; }
	for round in 1 2; do
		n=$(rounds)
		wait_for 60 more || fail "round $round: nothing is swapped in and out: $(what)$(jobs -l)"
		pid=$(worker_pid one)
		kill -KILL "$pid"
		squeeze "$OURS"
		asks_quickly
		another() { [ "$(worker_pid one)" != "$pid" ] && [ "$(value one .state)" = live ]; }
		wait_for 20 another || fail "no other worker: $(ctl show one)"
	done
	n=$(rounds)
	wait_for 60 more || fail "swapping does not go on: $(what)$(jobs -l)"
	[ "$(cat "$HOG/memory.swap.current")" -gt 8000000 ] || fail "nothing was swapped: nothing was shown"
	kill -KILL $hog
	wait $hog || :
	lacks "$(cat "$T/rounds")" wrong
	rmdir "$HOG"
	swap_disk_ends
}
