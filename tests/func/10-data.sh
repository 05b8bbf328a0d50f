# SPDX-License-Identifier: BSD-2-Clause
# tests/func/10-data.sh - issue 2, (3): what a disk is for. Data goes in, comes out, is in the
# backing file.
# shellcheck shell=bash disable=SC2034

TREE=/usr/share/perl # something of 20 MB with directories and small files

# Bytes that tell NAME and offset apart, on stdout: numbers from one that comes of the name.
pattern() { # name MiB
	local first
	first=$(cksum <<<"$1")
	{ seq "${first%% *}" 9999999999 2>/dev/null || :; } | head -c $(($2 * 1024 * 1024))
}

write_pattern() { # name MiB node
	pattern "$1" "$2" | dd of="$3" bs=1M iflag=fullblock oflag=direct conv=fsync status=none
}

holds_pattern() { # name MiB node-or-file: from its start
	pattern "$1" "$2" | cmp -n $(($2 * 1024 * 1024)) - "$3"
}

fio_verify() { # OPTION...: random writes to $NODE, then everything read back
	fio --name=verify --filename="$NODE" --ioengine=libaio --direct=1 --rw=randwrite --bs=4k --verify=crc32c \
		--verify_fatal=1 --do_verify=1 --randseed=1 --output-format=json --output="$T/fio.json" "$@" >"$T/fio.err" 2>&1 || {
		cat "$T/fio.err" "$T/fio.json"
		fail "fio"
	}
	sed -i '/^{/,$!d' "$T/fio.json" # it may begin with notes
	same "fio's errors" "$(jq '[.jobs[].error] | add' "$T/fio.json")" 0
	jq -r '"fio wrote \([.jobs[].write.total_ios] | add), read \([.jobs[].read.total_ios] | add) blocks"' "$T/fio.json"
}

# The queue threads of a worker that have run since the snapshot in T/ran.
snapshot_threads() { # pid
	local t
	: >"$T/ran"
	for t in "/proc/$1/task"/*; do echo "${t##*/} $(cut -d' ' -f1 "$t/schedstat")" >>"$T/ran"; done
}
threads_that_ran() { # pid nanoseconds
	local tid before n=0
	while read -r tid before; do
		[ $(($(cut -d' ' -f1 "/proc/$1/task/$tid/schedstat") - before)) -lt "$2" ] || n=$((n + 1))
	done <"$T/ran"
	echo $n
}

# (3) fio random write with crc32c verify over 4 queues at queue depth 32
test_fio_verify_4_queues_depth_32() { # 90 s
	local pid i
	new_file a 64M
	create one "$FILE" --queues 4
	same "the number of queues in the guest" "$(find "/sys/block/$DISK/mq" -mindepth 1 -maxdepth 1 | wc -l)" 4
	pid=$(worker_pid one)
	snapshot_threads "$pid"
	# each job on a processor, and so a queue, of its own
	fio_verify --iodepth=32 --numjobs=4 --cpus_allowed=0-3 --cpus_allowed_policy=split --size=8m --offset_increment=8m
	same "blocks written" "$(jq '[.jobs[].write.total_ios] | add' "$T/fio.json")" 8192
	same "blocks read back" "$(jq '[.jobs[].read.total_ios] | add' "$T/fio.json")" 8192
	for i in $(threads_that_ran "$pid" 1000000); do
		[ "$i" -ge 4 ] || fail "only $i threads of the worker have worked"
	done
	[ "$(value one .counters.writes)" -ge 8192 ] || fail "writes: $(value one .counters.writes)"
	same "the errors counted" "$(value one .counters.errors)" 0
	delete one
}

# Requests of all sizes, and more segments than a small ring holds.
test_fio_verify_mixed_sizes_small_ring() { # 90 s
	new_file a 64M
	create one "$FILE" --queues 2 --queue-size 16
	fio_verify --iodepth=32 --size=48m --bsrange=512-256k
	same "the errors counted" "$(value one .counters.errors)" 0
	delete one
}

test_fio_verify_one_queue_direct() { # 60 s
	FILE=/var/tmp/func.img
	truncate -s 32M $FILE
	create one $FILE --queues 1 --direct
	fio_verify --iodepth=32 --size=16m
	delete one
	rm $FILE
}

# That the check can fail: a byte that changes behind the disk's back is seen.
test_fio_sees_a_changed_byte() { # 60 s
	new_file a 8M
	create one "$FILE"
	fio_verify --iodepth=8 --size=4m --do_verify=0
	printf X | dd of="$FILE" bs=1 seek=1000000 conv=notrunc status=none
	echo 3 >/proc/sys/vm/drop_caches
	expect_failure fio --name=verify --filename="$NODE" --ioengine=libaio --direct=1 --rw=randwrite --bs=4k \
		--verify=crc32c --verify_fatal=1 --randseed=1 --iodepth=8 --size=4m --verify_only
	delete one
}

filesystem_survives() { # type check-command
	local type=$1 sums=$T/sums
	shift
	new_file a 400M
	create one "$FILE"
	"mkfs.$type" -q "$NODE"
	mkdir "$T/m"
	mount -t "$type" "$NODE" "$T/m"
	cp -a "$TREE" "$T/m/tree"
	(cd $TREE && find . -type f -print0 | sort -z | xargs -0 md5sum) >"$sums"
	[ "$(wc -l <"$sums")" -gt 100 ] || fail "$TREE is not worth copying"
	umount "$T/m"
	"$@" "$NODE" >"$T/check" 2>&1 || fail "$*: $(cat "$T/check")"
	delete one
	create one "$FILE"
	mount -t "$type" "$NODE" "$T/m"
	(cd "$T/m/tree" && md5sum --quiet -c "$sums") || fail "files differ"
	same "the number of files" "$(find "$T/m/tree" -type f | wc -l)" "$(wc -l <"$sums")"
	umount "$T/m"
	"$@" "$NODE" >"$T/check" 2>&1 || fail "$*: $(cat "$T/check")"
	same "the errors counted" "$(value one .counters.errors)" 0
	delete one
}

# (3) mkfs.ext4, mount, copy a tree, fsck clean; across delete and create
test_ext4() { # 90 s
	filesystem_survives ext4 e2fsck -fn
}

# (3) mkfs.xfs, the same with xfs_repair
test_xfs() { # 90 s
	filesystem_survives xfs xfs_repair -n
}

# (3) discard really frees blocks of the backing file
test_blkdiscard_frees_blocks() {
	local before after
	random_file a 64
	before=$(blocks_of "$FILE")
	cp "$FILE" "$T/copy"
	create one "$FILE"
	blkdiscard -o $((16 << 20)) -l $((32 << 20)) "$NODE"
	after=$(blocks_of "$FILE")
	echo "blocks: $before, then $after"
	same "the blocks freed" $((before - after)) $(((32 << 20) / 512))
	cmp -n $((16 << 20)) "$NODE" "$T/copy"
	cmp -n $((16 << 20)) -i $((48 << 20)) "$NODE" "$T/copy"
	[ "$(value one .counters.discards)" -ge 1 ] || fail "no discard was counted"
	delete one
	same "the file's size" "$(stat -c %s "$FILE")" $((64 << 20))
}

# The same the way it is used: a file system on a file on a disk.
test_fstrim_frees_blocks() { # 60 s
	local full after
	FILE=/var/tmp/func.img
	truncate -s 128M $FILE
	create one $FILE
	mkfs.ext4 -q "$NODE"
	mkdir "$T/m"
	mount "$NODE" "$T/m"
	dd if=/dev/urandom of="$T/m/big" bs=1M count=48 conv=fsync status=none
	full=$(blocks_of $FILE)
	rm "$T/m/big"
	sync -f "$T/m"
	expect 0 fstrim -v "$T/m"
	sync $FILE
	after=$(blocks_of $FILE)
	echo "blocks: $full, then $after"
	less $(((40 << 20) / 512)) $((full - after)) || fail "only $((full - after)) blocks were freed"
	umount "$T/m"
	expect 0 e2fsck -fn "$NODE"
	delete one
	rm $FILE
}

# (3) write-zeroes reads back zeros
test_write_zeroes() {
	random_file a 16
	cp "$FILE" "$T/copy"
	create one "$FILE"
	[ "$(cat "/sys/block/$DISK/queue/write_zeroes_max_bytes")" -gt 0 ] || fail "the disk offers no write-zeroes"
	blkdiscard -z -o $((4 << 20)) -l $((8 << 20)) "$NODE"
	[ "$(value one .counters.write_zeroes)" -ge 1 ] || fail "no write-zeroes was counted"
	dd if=/dev/zero bs=1M count=8 status=none | dd of="$T/copy" bs=1M seek=4 conv=notrunc status=none
	cmp "$NODE" "$T/copy"
	cmp "$FILE" "$T/copy"
	# and one that ends within a page of the backing file
	dd if=/dev/zero bs=512 count=3 status=none | dd of="$T/copy" bs=512 seek=1 conv=notrunc status=none
	blkdiscard -z -o 512 -l 1536 "$NODE"
	cmp "$FILE" "$T/copy"
	delete one
}

# (3) a read-only device refuses writes
test_read_only() {
	local pid
	random_file a 8
	cp "$FILE" "$T/copy"
	chmod 444 "$FILE"
	create one "$FILE" --read-only
	same "blockdev --getro" "$(blockdev --getro "$NODE")" 1
	cmp "$NODE" "$T/copy"
	expect_failure dd if=/dev/zero of="$NODE" bs=4k count=1 oflag=direct
	blockdev --setrw "$NODE" || :
	expect_failure dd if=/dev/zero of="$NODE" bs=4k count=1 oflag=direct
	expect_failure blkdiscard "$NODE"
	expect_failure blkdiscard -z "$NODE"
	expect_failure mkfs.ext4 -q -F "$NODE"
	cmp "$FILE" "$T/copy" || fail "the file was written"
	pid=$(worker_pid one)
	same "the access mode of the worker's descriptor" $((0$(fdinfo_flags "$pid" 5) & 3)) 0
	same "what show says" "$(value one .read_only)" true
	delete one
}

test_writable_disk_is_writable() {
	local pid
	new_file a 8M
	create one "$FILE"
	same "blockdev --getro" "$(blockdev --getro "$NODE")" 0
	pid=$(worker_pid one)
	same "the access mode of the worker's descriptor" $((0$(fdinfo_flags "$pid" 5) & 3)) 2
	dd if=/dev/zero of="$NODE" bs=4k count=1 oflag=direct status=none
	delete one
}

# (3) --block-size 4096 shows in lsblk
test_block_size() {
	new_file a 8M
	create one "$FILE" --block-size 4096
	same "LOG-SEC" "$(lsblk -dno LOG-SEC "$NODE" | tr -d ' ')" 4096
	same "blockdev --getss" "$(blockdev --getss "$NODE")" 4096
	same "its size" "$(blockdev --getsize64 "$NODE")" $((8 << 20))
	expect_failure dd if=/dev/zero of="$NODE" bs=512 count=1 oflag=direct
	write_pattern big 8 "$NODE"
	holds_pattern big 8 "$FILE"
	delete one
	create one "$FILE"
	same "LOG-SEC by default" "$(lsblk -dno LOG-SEC "$NODE" | tr -d ' ')" 512
	dd if=/dev/zero of="$NODE" bs=512 count=1 oflag=direct status=none
	delete one
}

# (3) the serial shows in /sys/block
test_serial() {
	new_file a 8M
	create one "$FILE" --serial 'S3r-al_0.12345678901'
	same "the serial" "$(cat "/sys/block/$DISK/serial")" 'S3r-al_0.12345678901'
	same "show's" "$(value one .serial)" 'S3r-al_0.12345678901'
	delete one
	create one-that-has-a-long-name "$FILE"
	same "the serial made from the name" "$(cat "/sys/block/$DISK/serial")" one-that-has-a-long-
	delete one-that-has-a-long-name
}

test_topology_and_limits() {
	local q
	new_file a 8M
	create one "$FILE" --queues 1 --queue-size 128
	q=/sys/block/$DISK/queue
	same "the ring's size" "$(cat "$q/nr_requests")" 128
	same "cache" "$(cat "$q/write_cache")" 'write back'
	[ "$(cat "$q/discard_max_bytes")" -gt 0 ] || fail "no discard"
	[ "$(cat "$q/max_segments")" -ge 60 ] || fail "max_segments: $(cat "$q/max_segments")"
	delete one
}

# (3) eight devices at once, created and deleted in parallel
test_eight_devices_in_parallel() { # 90 s
	local n nodes t0
	t0=$(now_us)
	for n in 1 2 3 4 5 6 7 8; do
		truncate -s 8M "$T/f$n"
		ctl create "d$n" --file "$T/f$n" >"$T/node$n" 2>"$T/err$n" &
	done
	for n in $(jobs -p); do wait "$n" || fail "a create failed: $(cat "$T"/err?)"; done
	echo "created after $(since "$t0") s"
	nodes=$(sort -u "$T"/node? | wc -l)
	same "the number of different nodes" "$nodes" 8
	same "the list" "$(ctl list --json | jq -r 'map(.name + .state) | join(" ")')" \
		"d1live d2live d3live d4live d5live d6live d7live d8live"
	same "the number of different uids" "$(ctl list --json | jq '[.[].worker.uid] | unique | length')" 8
	for n in 1 2 3 4 5 6 7 8; do
		write_pattern "device $n" 8 "$(cat "$T/node$n")" &
	done
	wait
	for n in 1 2 3 4 5 6 7 8; do
		holds_pattern "device $n" 8 "$(cat "$T/node$n")" || fail "device $n"
	done
	t0=$(now_us)
	for n in 1 2 3 4 5 6 7 8; do
		ctl delete "d$n" >"$T/del$n" 2>&1 &
	done
	for n in $(jobs -p); do wait "$n" || fail "a delete failed: $(cat "$T"/del?)"; done
	echo "deleted after $(since "$t0") s"
	for n in 1 2 3 4 5 6 7 8; do
		holds_pattern "device $n" 8 "$T/f$n" || fail "file $n"
	done
	same "the list" "$(ctl list --json | jq length)" 0
}

# More than one page of a list.
test_twenty_devices_in_the_list() { # 90 s
	local n names=
	for n in {01..20}; do
		truncate -s 1M "$T/f$n"
		ctl create "d$n" --file "$T/f$n" --queues 1 --queue-size 16 >/dev/null 2>"$T/err$n" &
		names="$names d$n"
	done
	for n in $(jobs -p); do wait "$n" || fail "a create failed: $(cat "$T"/err*)"; done
	same "the list" " $(ctl list --json | jq -r 'map(.name) | join(" ")')" "$names"
	same "lines of list" "$(ctl list | wc -l)" 21
	delete --all
	same "the list" "$(ctl list --json | jq length)" 0
}

# What was flushed is on the disk below the backend, not only in the page cache; and what is there
# is what was written.
test_flush_reaches_the_disk_below() {
	local before loop stat
	new_file a 8M
	loop=$(losetup -f --show --direct-io=off "$FILE")
	create one "$loop"
	before=$(value one .counters.flushes)
	stat=$(awk '{ print $7 }' "/sys/block/${loop#/dev/}/stat")
	pattern flush 8 | dd of="$NODE" bs=1M iflag=fullblock conv=fsync status=none
	stat=$(($(awk '{ print $7 }' "/sys/block/${loop#/dev/}/stat") - stat))
	[ "$(value one .counters.flushes)" -gt "$before" ] || fail "no flush was counted"
	[ $stat -ge $((8 << 11)) ] || fail "only $stat sectors were written to $loop when the flush was done"
	holds_pattern flush 8 "$FILE"
	delete one
	losetup -d "$loop"
}

test_data_survives_delete_and_create() {
	new_file a 16M
	create one "$FILE"
	write_pattern again 16 "$NODE"
	delete one
	holds_pattern again 16 "$FILE"
	create two "$FILE"
	holds_pattern again 16 "$NODE"
	delete two
}

test_direct_io() {
	local pid
	FILE=/var/tmp/func.img
	truncate -s 16M $FILE
	create one $FILE --direct
	pid=$(worker_pid one)
	[ $((0$(fdinfo_flags "$pid" 5) & 040000)) != 0 ] || fail "no O_DIRECT: $(fdinfo_flags "$pid" 5)"
	same "what show says" "$(value one .direct)" true
	write_pattern direct 16 "$NODE"
	holds_pattern direct 16 $FILE
	holds_pattern direct 16 "$NODE"
	# requests that are not aligned in memory or on the disk
	dd if="$NODE" of="$T/x" bs=512 skip=3 count=5 iflag=direct status=none
	cmp -n 2560 -i 0:1536 "$T/x" $FILE
	delete one
	create one $FILE
	same "what show says" "$(value one .direct)" false
	pid=$(worker_pid one)
	same "O_DIRECT" $((0$(fdinfo_flags "$pid" 5) & 040000)) 0
	delete one
	rm $FILE
}

# (3) a block device as backend
test_block_device_as_backend() {
	local loop pid
	new_file a 32M
	loop=$(losetup -f --show "$FILE")
	create one "$loop"
	same "its size" "$(blockdev --getsize64 "$NODE")" $((32 << 20))
	same "what show says" "$(value one .file)" "$loop"
	write_pattern loop 16 "$NODE"
	holds_pattern loop 16 "$loop"
	blkdiscard -o $((8 << 20)) -l $((8 << 20)) "$NODE"
	less "$(blocks_of "$FILE")" 20000 || fail "discard does not reach the disk below"
	# nobody else may have it meanwhile
	expect 16 "$TOOL" excl "$loop"
	create_refused 5 two "$loop" "$loop" 'already in use by device "one"'
	delete one
	expect 0 "$TOOL" excl "$loop"
	holds_pattern loop 8 "$loop"
	losetup -d "$loop"
}

test_block_device_in_use_is_refused() {
	local loop
	new_file a 32M
	loop=$(losetup -f --show "$FILE")
	mkfs.ext4 -q "$loop"
	mkdir "$T/m"
	mount "$loop" "$T/m"
	create_refused 5 one "$loop" "$loop is in use" 'free it first'
	create_refused 5 one "$loop" "$loop is in use" -- --read-only
	umount "$T/m"
	dmsetup create func --table "0 65536 linear $loop 0"
	create_refused 5 one "$loop" "$loop is in use"
	create one /dev/mapper/func
	write_pattern dm 8 "$NODE"
	holds_pattern dm 8 "$FILE"
	expect_failure dmsetup remove func
	delete one
	dmsetup remove func
	losetup -d "$loop"
}

test_block_device_that_is_read_only() {
	local loop
	random_file a 8
	loop=$(losetup -r -f --show "$FILE")
	expect_failure ctl create one --file "$loop"
	has "$ERR" "$loop" '--read-only'
	create one "$loop" --read-only
	cmp "$NODE" "$FILE"
	delete one
	losetup -d "$loop"
}

test_block_device_with_large_blocks() {
	local loop
	new_file a 8M
	loop=$(losetup -b 4096 -f --show "$FILE")
	create_refused 2 one "$loop" 'blocks of 4096 bytes' '--block-size 4096'
	create one "$loop" --block-size 4096
	write_pattern 4k 8 "$NODE"
	holds_pattern 4k 8 "$loop"
	delete one
	losetup -d "$loop"
}

test_partitions() {
	new_file a 32M
	create one "$FILE"
	printf 'label: gpt\n,8M\n,,\n' | sfdisk -q "$NODE"
	wait_for 3 test -b "${NODE}2" || fail "no ${NODE}2"
	write_pattern second 8 "${NODE}2"
	delete one
	[ ! -e "${NODE}2" ] || fail "${NODE}2 is still there"
	create one "$FILE"
	wait_for 3 test -b "${NODE}2" || fail "no ${NODE}2 after create: is the disk scanned?"
	holds_pattern second 8 "${NODE}2"
	delete one
}

# Beyond 2 TiB, where 32 bits of sectors end.
test_large_sparse_file() {
	new_file a 5T
	create one "$FILE"
	same "its size" "$(blockdev --getsize64 "$NODE")" $((5 << 40))
	pattern far 1 | dd of="$NODE" bs=1M iflag=fullblock oflag=direct seek=$((5 * 1024 * 1024 - 1)) status=none
	pattern far 1 | cmp - <(dd if="$FILE" bs=1M skip=$((5 * 1024 * 1024 - 1)) status=none)
	expect_failure dd if=/dev/zero of="$NODE" bs=1M count=1 oflag=direct seek=$((5 * 1024 * 1024))
	delete one
}

# A backing file that is shorter than it was: errors, for this disk only, and no hang.
test_file_cut_short_under_the_disk() {
	new_file a 8M
	create one "$FILE"
	new_file b 8M
	create two "$FILE"
	truncate -s 4M "$T/a"
	try timeout 10 dd if="$NODE" of=/dev/null bs=1M iflag=direct
	NODE=$(value one .node)
	try timeout 10 dd if="$NODE" of=/dev/null bs=1M iflag=direct
	[ "$STATUS" != 124 ] || fail "reading hangs"
	same "the state" "$(value one .state)" live
	delete one
	delete two
}
