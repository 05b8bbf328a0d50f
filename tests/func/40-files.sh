# SPDX-License-Identifier: BSD-2-Clause
# tests/func/40-files.sh - which backing files are refused, by whom they may be opened, and who else
# is kept off them.
# shellcheck shell=bash disable=SC2034

NOBODY=(setpriv --reuid 65534 --regid 65534 --clear-groups)

### What is no disk

test_kinds_of_files() {
	mkdir "$T/dir"
	mkfifo "$T/fifo"
	new_file a 4M
	create_refused 2 one "$T/dir" "$T/dir is a directory" 'regular file or a block device'
	create_refused 2 one "$T/fifo" 'is a FIFO'
	create_refused 2 one /dev/null 'is a character device'
	create_refused 2 one "$SOCK" 'is a socket'
	create_refused 1 one "$T/missing" "$T/missing does not exist" 'truncate -s'
	ln -s "$FILE" "$T/link"
	create one "$T/link"
	same "the file that is shown" "$(value one .file)" "$FILE"
	delete one
}

# vdused looks itself: it takes no client's word. (Decided by fstat() on the descriptor in a
# helper.)
test_kinds_of_descriptors() {
	mkdir "$T/dir"
	mkfifo "$T/fifo"
	new_file a 4M
	for what in "ro $T/dir" "rw $T/fifo" "rw /dev/null" "rw /dev/zero" "rw $TOOL_SOCK"; do
		# shellcheck disable=SC2086
		expect 0 timeout 15 "$RAW" "$SOCK" open $what create one recv file recv
		has "$OUT" '^error 2 check file: .*(neither a regular file nor|not open for reading and writing)'
	done
	expect 0 "$RAW" "$SOCK" open path "$FILE" create one recv file recv
	has "$OUT" '^error 2 check file: .*O_PATH'
	expect 0 "$RAW" "$SOCK" open path "$FILE" create-ro one recv file recv
	has "$OUT" '^error 2 check file: .*O_PATH'
	expect 0 "$RAW" "$SOCK" open ro "$FILE" create one recv file recv
	has "$OUT" '^error 2 check file: .*not open for reading and writing.*O_RDWR.*--read-only'
	expect 0 "$RAW" "$SOCK" open wo "$FILE" create one recv file recv
	has "$OUT" '^error 2 check file: .*not open for reading and writing'
	expect 0 "$RAW" "$SOCK" open wo "$FILE" create-ro one recv file recv
	has "$OUT" '^error 2 check file: .*for writing only'
	# proc and sysfs have regular files that are none
	expect 0 "$RAW" "$SOCK" open ro /proc/version create-ro one recv file recv
	has "$OUT" '^error 2 check file: .*(does not serve from|is empty)'
	expect 0 "$RAW" "$SOCK" open ro /sys/kernel/uevent_seqnum create-ro one recv file recv
	has "$OUT" '^error 2 check file: .*does not serve from'
}
TOOL_SOCK=/dev/tty0

test_sizes() {
	new_file a 0
	create_refused 2 one "$FILE" ': check file: ' "$FILE is empty" 'truncate -s'
	new_file a 1000
	create_refused 2 one "$FILE" '1000 bytes, not a multiple of the block size 512' 'make it 1024 bytes long'
	new_file a 512
	create one "$FILE"
	same "its size" "$(blockdev --getsize64 "$NODE")" 512
	delete one
	new_file a 5120
	create_refused 2 one "$FILE" 'not a multiple of the block size 4096' 'make it 8192 bytes' -- --block-size 4096
	new_file a 4096
	create one "$FILE" --block-size 4096
	delete one
	# a file cannot be larger on most file systems, a sum of ours must not overflow
	truncate -s 7E "$T/b" || return 0
	try ctl create one --file "$T/b"
	[ "$STATUS" != 0 ] || delete one
}

test_odd_paths() {
	mkdir "$T/with space"
	truncate -s 1M "$T/with space/"$'line\nbreak'
	create one "$T/with space/"$'line\nbreak'
	same "lines of list" "$(ctl list | wc -l)" 2
	same "the file" "$(value one .file)" "$T/with space/line?break"
	delete one
	new_file a 4M
	(cd "$T" && expect 0 ctl create one --file a && delete one)
}

### The same file twice

test_same_file_twice() {
	new_file a 4M
	create one "$FILE"
	create_refused 5 two "$FILE" ': check file: ' "$FILE is already in use by device \"one\"" 'use another file, or delete'
	create_refused 5 two "$FILE" 'in use by device "one"' -- --read-only
	ln "$FILE" "$T/hard"
	create_refused 5 two "$T/hard" 'in use by device "one"'
	delete one
	create two "$FILE"
	delete two
}

test_same_file_twice_read_only() {
	new_file a 4M
	create one "$FILE" --read-only
	create two "$FILE" --read-only
	cmp "$(value one .node)" "$(value two .node)"
	create_refused 5 three "$FILE" 'in use by device "(one|two)"'
	delete one
	delete two
	create three "$FILE"
	delete three
}

# Two vduseds do not know of each other: here it is the lock that says no.
test_same_file_in_two_supervisors() {
	new_file a 4M
	create one "$FILE"
	own_vdused
	create_refused 5 two "$FILE" ': start worker: ' "$FILE is locked by another program" 'stop that first'
	create_refused 5 two "$FILE" 'is locked by another program' -- --read-only
	own_stop
	delete one
	create one "$FILE" --read-only
	own_vdused
	create two "$FILE" --read-only
	create_refused 5 three "$FILE" 'in use by device "two"'
	delete two
	create_refused 5 three "$FILE" 'locked by another program'
	own_stop
	delete one
}

### QEMU

qemu_holds() { # file OPTION...
	local file=$1
	shift
	qemu-nbd -t -f raw -k "$T/nbd" --cache=writeback "$@" "$file" 2>"$T/qemu" &
	QEMU=$!
	wait_for 10 test -S "$T/nbd" || fail "qemu-nbd: $(cat "$T/qemu")"
}
qemu_ends() {
	kill $QEMU
	wait $QEMU || :
	rm -f "$T/nbd"
}

test_file_that_qemu_writes() {
	new_file a 4M
	qemu_holds "$FILE"
	create_refused 5 one "$FILE" ': start worker: ' "$FILE is locked by another program \(QEMU"
	qemu_ends
	create one "$FILE"
	delete one
}

# It may change under a reader who believes that it does not.
test_file_that_qemu_writes_read_only() {
	new_file a 4M
	qemu_holds "$FILE"
	try ctl create one --file "$FILE" --read-only
	qemu_ends
	if [ "$STATUS" = 0 ]; then
		delete one
		fail "QEMU writes it, and a read-only device is made of it"
	fi
	same "the exit status" "$STATUS" 5
	has "$ERR" 'locked by another program'
}

test_file_that_qemu_reads() {
	new_file a 4M
	qemu_holds "$FILE" -r
	create_refused 5 one "$FILE" "$FILE is locked by another program"
	create one "$FILE" --read-only
	delete one
	qemu_ends
}

test_qemu_is_kept_off() {
	new_file a 4M
	create one "$FILE"
	expect_failure qemu-io -f raw -c 'write 0 512' "$FILE"
	has "$OUT$ERR" 'lock'
	expect_failure qemu-io -r -f raw -c 'read 0 512' "$FILE"
	has "$OUT$ERR" 'lock'
	delete one
	create one "$FILE" --read-only
	expect_failure qemu-io -f raw -c 'write 0 512' "$FILE"
	has "$OUT$ERR" 'lock'
	expect 0 qemu-io -r -f raw -c 'read 0 512' "$FILE"
	delete one
	expect 0 qemu-io -f raw -c 'write 0 512' "$FILE"
}

# The lock must outlive a worker.
test_lock_survives_a_worker() {
	new_file a 4M
	create one "$FILE"
	kill -KILL "$(worker_pid one)"
	back() { [ "$(value one .worker.restarts)" = 1 ]; }
	wait_for 10 back || fail "no new worker"
	expect_failure qemu-io -f raw -c 'write 0 512' "$FILE"
	delete one
}

### File systems of a tenant's own

fuse_file() { # a file of 4 MiB that a process of ours serves; FILE, FUSE_PID
	new_file behind 4M
	new_file front 4M
	qemu-storage-daemon --blockdev driver=file,filename="$T/behind",node-name=d \
		--export type=fuse,id=e,node-name=d,mountpoint="$T/front",writable=on 2>"$T/fuse" &
	FUSE_PID=$!
	is_fuse() { [ "$(stat -f -c %t "$T/front")" = 65735546 ]; }
	wait_for 5 is_fuse || skip "qemu-storage-daemon makes no FUSE export: $(cat "$T/fuse")"
}
fuse_ends() {
	kill -KILL $FUSE_PID
	wait $FUSE_PID || :
	umount -l "$T/front"
}

test_file_on_fuse() {
	fuse_file
	create_refused 2 one "$T/front" ': check file: ' 'is on a file system that vdused does not serve from' 'ext4, xfs'
	fuse_ends
}

# ... whose server stops answering when it is our turn.
test_file_on_fuse_that_hangs() { # 60 s
	local t0 took
	fuse_file
	local raw
	"$RAW" "$SOCK" open rw "$T/front" print opened sleep 1000 create one recv file recv >"$T/out" 2>&1 &
	raw=$!
	wait_for 5 grep -q opened "$T/out" || fail "cannot open it: $(cat "$T/out")"
	kill -STOP $FUSE_PID
	wait_for 5 grep -q send-file "$T/out" || fail "$(cat "$T/out")"
	t0=$(now_us)
	asks_quickly
	new_file other 4M
	create other "$FILE"
	delete other
	wait_for 15 grep -q error "$T/out" || fail "no answer: $(cat "$T/out")"
	took=$(since "$t0")
	echo "answered after $took s: $(tail -n 1 "$T/out")"
	in_time it "$took" 12
	kill -CONT $FUSE_PID # or the client cannot even end
	wait $raw || :
	fuse_ends
}

### Whose file it is

test_file_of_another_user() {
	chmod 755 "$T"
	own_vdused --socket-group nogroup
	same "the socket" "$(stat -c '%a %G' "$SOCK")" "660 nogroup"
	new_file secret 4M
	chmod 600 "$FILE"
	expect 6 "${NOBODY[@]}" "$CTL" --socket "$SOCK" create one --file "$FILE"
	has "$ERR" 'you \(uid 65534\) may not open it for reading and writing' '--read-only'
	expect 6 "${NOBODY[@]}" "$CTL" --socket "$SOCK" create one --file "$FILE" --read-only
	chmod 644 "$FILE"
	expect 6 "${NOBODY[@]}" "$CTL" --socket "$SOCK" create one --file "$FILE"
	expect 0 "${NOBODY[@]}" "$CTL" --socket "$SOCK" create one --file "$FILE" --read-only
	same "its owner" "$(value one .owner_uid)" 65534
	same "the mode of the worker's descriptor" $((0$(fdinfo_flags "$(worker_pid one)" 5) & 3)) 0
	delete one
	# his own
	new_file his 4M
	chown 65534:65534 "$FILE"
	chmod 600 "$FILE"
	expect 0 "${NOBODY[@]}" "$CTL" --socket "$SOCK" create one --file "$FILE"
	NODE=$OUT
	dd if=/dev/zero of="$NODE" bs=4k count=1 oflag=direct status=none
	# and again by its next worker
	kill -KILL "$(worker_pid one)"
	back() { [ "$(value one .worker.restarts)" = 1 ]; }
	wait_for 10 back || fail "no new worker"
	dd if=/dev/zero of="$NODE" bs=4k count=1 oflag=direct status=none
	expect 0 "${NOBODY[@]}" "$CTL" --socket "$SOCK" delete one
	own_stop
}

# An open descriptor that somebody with more rights left to him does not do: he could not open the
# file himself.
test_descriptor_that_leaked() {
	chmod 755 "$T"
	own_vdused --socket-group nogroup
	new_file secret 4M
	chmod 600 "$FILE"
	expect 0 "${NOBODY[@]}" "$RAW" "$SOCK" open fd 9 create one recv file recv 9<>"$FILE"
	has "$OUT" '^error [0-9] start worker: .*may not be opened by the caller itself'
	expect 0 "${NOBODY[@]}" "$RAW" "$SOCK" open fd 9 create-ro one recv file recv 9<"$FILE"
	has "$OUT" '^error [0-9] start worker: .*may not be opened by the caller itself'
	chmod 644 "$FILE"
	expect 0 "${NOBODY[@]}" "$RAW" "$SOCK" open fd 9 create one recv file recv 9<>"$FILE"
	has "$OUT" '^error [0-9] start worker: .*may not be opened by the caller itself'
	own_stop
}

test_who_may_connect_and_delete() {
	chmod 755 "$T"
	new_file a 4M
	create one "$FILE"
	expect 6 "${NOBODY[@]}" "$CTL" --socket "$SOCK" list
	has "$ERR" 'permission denied' 'socket-group'
	delete one
	own_vdused --socket-group nogroup
	create one "$FILE"
	expect 0 "${NOBODY[@]}" "$CTL" --socket "$SOCK" list
	expect 6 "${NOBODY[@]}" "$CTL" --socket "$SOCK" delete one
	has "$ERR" 'belongs to another user: only its owner and root'
	expect 6 "${NOBODY[@]}" "$CTL" --socket "$SOCK" delete one --force
	expect 6 "${NOBODY[@]}" "$CTL" --socket "$SOCK" delete --all
	same "the state" "$(value one .state)" live
	delete one
	own_stop
}

# The file on a file system without O_DIRECT, and a name that was replaced after it was opened.
test_file_that_is_unlinked_or_replaced() {
	new_file a 4M
	create one "$FILE"
	rm "$FILE"
	dd if=/dev/zero of="$NODE" bs=4k count=1 oflag=direct status=none
	truncate -s 4M "$FILE"
	kill -KILL "$(worker_pid one)"
	# whatever it does now: it is not the other file, and delete works
	sleep 1
	same "blocks of the other file" "$(blocks_of "$FILE")" 0
	try timeout 5 dd if=/dev/zero of="$NODE" bs=4k count=1 oflag=direct
	same "blocks of the other file" "$(blocks_of "$FILE")" 0
	delete one
}
