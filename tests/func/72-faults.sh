# SPDX-License-Identifier: BSD-2-Clause
# tests/func/72-faults.sh - backends that fail, are full or shrink: what the application gets, what
# show and the log say, and who else notices. The table "Backend faults" of vdused(8) is what is
# asserted here and in 72-slow.sh. What each fault did is reported in a line "fault: ...".
# shellcheck shell=bash disable=SC2034

# shellcheck source=tests/func/faulty_disk.sh
. "${BASH_SOURCE[0]%/*}/faulty_disk.sh"

REASON_EIO='queue [0-9]+: a request failed: Input/output error'

### Blocks that cannot be read or written

test_bad_block_direct() { # 60 s
	dm_make
	create_watched "$FILE" --direct
	put a $((BAD - 4))
	put b $((BAD + 4))
	dm_bad_block
	eio get $BAD
	fault "EIO on read, block device, --direct" "$REASON_EIO"
	eio get $((BAD - 4)) 3
	eio put x $BAD
	fault "EIO on write, block device, --direct" "$REASON_EIO"
	reads a $((BAD - 4))
	reads b $((BAD + 4))
	put c $((BAD - 4))
	expect 0 flush
	reads c $((BAD - 4))
	delete one
	dm_remove
}

test_bad_block_cached() { # 60 s
	dm_make
	create_watched "$FILE"
	dm_bad_block
	eio get $BAD
	fault "EIO on read, block device, cached" "$REASON_EIO"
	put a $((BAD + 4))
	reads a $((BAD + 4))
	expect 0 flush
	delete one
	dm_remove
}

### Flushes that fail

# The host's cache forgets what it could not write: whoever asks again must not hear that all is
# well.
test_failed_flush_cached() { # 90 s
	dm_make
	create_watched "$FILE"
	put a 0
	put b 64
	expect 0 flush
	dm_fail_writes
	put c 0
	put d 64
	eio flush
	fault "failed flush, block device, cached" "$REASON_EIO"
	has "$(log_so_far)" 'error: one: worker: queue [0-9]+: a flush failed: .*every flush fails until the device is deleted'
	dm_heal
	eio flush
	fault "... a second flush, after the disk was mended" "$REASON_EIO"
	same "how often the log explains it" "$(log_so_far | grep -c 'every flush fails')" 1
	eio put_and_sync e 128
	kill -KILL "$WORKER_PID"
	back() { [ "$(value one '.worker.restarts, .state' | tr '\n' ' ')" = "1 live " ]; }
	wait_for 10 back || fail "no new worker: $(ctl show one)"
	WORKER_PID=$(worker_pid one)
	eio flush
	fault "... by the next worker" "$REASON_EIO"
	delete one
	create one "$FILE"
	put c 0
	expect 0 flush
	reads c 0
	delete one
	dm_remove
}

# On several queues: who flushes second must not be told that all is well because the first was told
# the truth.
test_failed_flush_on_another_queue() { # 90 s
	local cpu
	dm_make
	create_watched "$FILE" --queues 4
	expect 0 flush
	for cpu in 0 1 2 3; do
		taskset -c $cpu true 2>/dev/null || continue
		expect 0 taskset -c $cpu dd if=/dev/zero of="$NODE" bs=4k count=1 seek=$((cpu * 16)) oflag=direct conv=notrunc status=none
	done
	dm_fail_writes
	for cpu in 0 1 2 3; do
		taskset -c $cpu true 2>/dev/null || continue
		eio taskset -c $cpu timeout 60 sync "$NODE"
		fault "failed flush, seen from processor $cpu" "$REASON_EIO"
		[ $cpu != 0 ] || dm_heal
	done
	delete one
	dm_remove
}

# Without a cache of the host in between nothing is forgotten: each flush has the result of its own.
test_failed_flush_direct() { # 60 s
	dm_make
	create_watched "$FILE" --direct
	put a 0
	expect 0 flush
	dm_fail_writes
	eio flush
	fault "failed flush, block device, --direct" "$REASON_EIO"
	eio put b 0
	dm_heal
	expect 0 flush
	reads a 0
	put c 0
	expect 0 flush
	reads c 0
	delete one
	dm_remove
}

# A file on a file system whose disk fails.
file_on_ext4() { # option...
	dm_make
	mkfs.ext4 -q -E nodiscard "$FILE"
	mkdir "$T/m"
	mount -o commit=600 "$FILE" "$T/m" # its own commit while writes fail would end it all
	truncate -s 8M "$T/m/disk"
	create_watched "$T/m/disk" "$@"
	put a 0
	expect 0 flush
}
file_on_ext4_ends() {
	delete one
	umount "$T/m"
	dm_remove
}

test_failed_flush_of_a_file() { # 90 s
	file_on_ext4
	dm_fail_writes
	put b 0
	put c 64
	eio flush
	fault "failed flush, file on ext4, cached" "$REASON_EIO"
	dm_heal
	eio flush
	fault "... a second flush, after the disk was mended" "$REASON_EIO"
	file_on_ext4_ends
}

test_write_error_of_a_file_direct() { # 90 s
	file_on_ext4 --direct
	dm_fail_writes
	eio put b 0
	fault "EIO on write, file on ext4, --direct" "$REASON_EIO"
	dm_heal
	reads a 0
	file_on_ext4_ends
}

### No space left

REASON_ENOSPC='queue [0-9]+: a request failed: No space left on device'

full_disk() { # mount-point-file what option...: 4 MiB of ballast leave no room for a sparse file
	local file=$1 what=$2
	shift 2
	truncate -s 64M "$file"
	create_watched "$file" "$@"
	put a 0
	expect 0 flush
	expect_failure dd if=/dev/zero of="${file%/*}/ballast2" bs=4k status=none
	eio put b 32768
	fault "ENOSPC, $what" "$REASON_ENOSPC"
	put c 0 # its block is there
	reads c 0
	reads '\0' 32768 # was never written
	expect 0 flush
	rm "${file%/*}/ballast" "${file%/*}/ballast2"
	put d 32768
	reads d 32768
	expect 0 flush
	delete one
}

test_no_space_on_tmpfs() { # 60 s
	mkdir "$T/m"
	mount -t tmpfs -o size=8m tmpfs "$T/m"
	head -c 4M /dev/zero >"$T/m/ballast"
	full_disk "$T/m/disk" "file on tmpfs, cached"
	umount "$T/m"
}

test_no_space_on_ext4() { # 90 s
	dm_make
	mkfs.ext4 -q -m 0 "$FILE"
	mkdir "$T/m"
	mount "$FILE" "$T/m"
	head -c 4M /dev/zero >"$T/m/ballast"
	full_disk "$T/m/disk" "file on ext4, cached"
	head -c 4M /dev/zero >"$T/m/ballast"
	rm "$T/m/disk"
	full_disk "$T/m/disk" "file on ext4, --direct" --direct
	umount "$T/m"
	dm_remove
}

# A request that waits for room instead of failing.
test_full_file_system_stops_and_resumes() { # 120 s
	local writer n
	ctl create --help | grep -q -- --on-error || skip "this vduse-ctl has no create --on-error"
	halted() { [ "$(value one '.state, .halted.name' | tr '\n' ' ')" = "stopped ENOSPC " ]; }
	mkdir "$T/m"
	mount -t tmpfs -o size=8m tmpfs "$T/m"
	truncate -s 64M "$T/m/disk"
	create one "$T/m/disk" --on-error stop
	put a 0
	head -c 16M /dev/zero >"$T/m/ballast" 2>/dev/null || :
	put b 32768 &
	writer=$!
	wait_for 10 halted || fail "$(ctl show one)"
	gone $writer && fail "the write ended"
	asks_quickly
	report "fault: ENOSPC, --on-error stop: application: waits; show: $(value one .state), $(value one .halted.name); log: $(log_so_far | grep -E 'one: ' | tail -n 1)"
	# a resume without room stops again
	expect 0 ctl resume one
	wait_for 10 halted || fail "$(ctl show one)"
	# so does the next worker, by itself
	kill -KILL "$(worker_pid one)"
	again() { [ "$(value one .worker.restarts)" = 1 ] && halted; }
	wait_for 10 again || fail "$(ctl show one)"
	gone $writer && fail "the write ended"
	rm "$T/m/ballast"
	expect 0 ctl resume one
	wait_for 10 gone $writer || fail "the write does not end"
	wait $writer || fail "the write failed"
	same "the state" "$(value one .state)" live
	reads b 32768
	reads a 0
	expect 0 flush
	# and one that is deleted meanwhile
	head -c 16M /dev/zero >"$T/m/ballast" 2>/dev/null || :
	put c 40960 2>"$T/err" &
	writer=$!
	wait_for 10 halted || fail "$(ctl show one)"
	n=$(now_us)
	delete one --force
	in_time "the forced delete" "$(since "$n")" 15
	wait_for 5 gone $writer || fail "the writer hangs"
	wait $writer && fail "the write worked"
	has "$(cat "$T/err")" "$EIO"
	umount "$T/m"
}

### A file that shrinks

shrinks() { # what option...
	local what=$1
	shift
	new_file a 16M
	create_watched "$FILE" "$@"
	put a 0
	put b 8192
	put c 12288
	expect 0 flush
	truncate -s 8M "$FILE"
	eio get 12288
	fault "the file shrank, read behind its end, $what" "$REASON_EIO"
	eio get 8188 2 # half of it is there
	reads a 0
	put d 4
	expect 0 flush
	# Its owner took bytes out: he could as well have punched a hole. A write makes it long
	# again.
	put e 12288
	reads e 12288
	reads '\0' 8192
	expect 0 flush
	truncate -s 0 "$FILE"
	eio get 0
	same "the size" "$(stat -c %s "$FILE")" 0
	delete one
}

test_file_that_shrinks() { # 60 s
	shrinks cached
	shrinks --direct --direct
}
