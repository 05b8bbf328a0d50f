# SPDX-License-Identifier: BSD-2-Clause
# tests/func/15-backends.sh - issue 9, (5) and (16): what backends ask of buffers, and what they can
# give back. Each is a real one of the guest's kernel: loop, device-mapper (thin, linear), null_blk,
# and the file systems.
# shellcheck shell=bash disable=SC2034

GRANULE=65536 # of the thin pool

# Files on a real file system, for loop devices: tmpfs has no direct I/O to speak of.
disk_file() { # name size
	FILE=/var/tmp/func.$1
	rm -f "$FILE"
	truncate -s "$2" "$FILE"
}

all_odd() { # FILE SKEW SIZE COUNT
	expect 0 "$TOOL" odd "$@"
	same "how it went with buffers at page + $2" "$OUT" "$4 written, $4 read"
}

# Requests as virtio and Linux allow them, small ones and some larger than a worker has room for.
all_odd_sizes() { # FILE
	all_odd "$1" 512 4096 64
	all_odd "$1" 3584 16384 32
	all_odd "$1" 512 $((1 << 20)) 8
}

queue_limit() { cat "/sys/block/$DISK/queue/$1"; }

### --direct

# (5) 4 KiB at page + 512 on blocks of 4096 bytes: on the disk itself 64 of 64 work, so they do on
# ours
test_direct_buffers_that_are_not_aligned() { # 60 s
	local loop
	disk_file a 32M
	loop=$(losetup -b 4096 -f --show "$FILE")
	all_odd_sizes "$loop"
	create one "$loop" --direct --block-size 4096
	all_odd_sizes "$NODE"
	same "the errors counted" "$(value one .counters.errors)" 0
	# what is aligned goes the short way, beside it
	dd if=/dev/urandom of="$T/x" bs=1M count=4 status=none
	dd if="$T/x" of="$NODE" bs=1M oflag=direct status=none
	all_odd "$NODE" 512 4096 64
	dd if="$NODE" of="$T/y" bs=1M count=4 iflag=direct status=none
	cmp -i 262144 "$T/x" "$T/y"
	delete one
	losetup -d "$loop"
	rm "$FILE"
}

# (5) the same on files: ext4 on a disk of such blocks, which says what it wants; btrfs and tmpfs do
# not say
test_direct_on_file_systems() { # 120 s
	local loop type
	for type in ext4 xfs btrfs tmpfs; do
		disk_file fs 400M
		loop=$(losetup -b 4096 -f --show "$FILE")
		mkdir -p "$T/m"
		if [ $type = tmpfs ]; then
			mount -t tmpfs none "$T/m"
		else
			"mkfs.$type" -q "$loop" >/dev/null 2>&1
			mount -t $type "$loop" "$T/m"
		fi
		truncate -s 16M "$T/m/image"
		case $type in ext4 | xfs)
			create_refused 2 one "$T/m/image" 'needs blocks of 4096 bytes' '--block-size 4096' -- --direct
			;;
		esac
		create one "$T/m/image" --direct --block-size 4096
		all_odd_sizes "$NODE"
		same "the errors counted on $type" "$(value one .counters.errors)" 0
		delete one
		umount "$T/m"
		losetup -d "$loop"
		rm "$FILE"
	done
}

delayed() { # device of dm-delay, how many reads and writes at least
	local status
	read -ra status < <(dmsetup status "$1")
	[ $((status[3] + status[4])) -ge "$2" ]
}

# One queue has many requests at the disk at once, and a flush waits for none of them. The disk is
# one whose writes take long.
test_direct_is_many_requests_at_once() { # 60 s
	local loop job
	modprobe dm-delay 2>/dev/null || skip "this kernel has no dm-delay"
	disk_file deep 64M
	loop=$(losetup -f --show "$FILE")
	dmsetup create deep --table "0 131072 delay $loop 0 0 $loop 0 20000 $loop 0 0"
	create one /dev/mapper/deep --direct --queues 1
	same "how its I/O is done" "$(value one '.io.how, .io.refused' | tr '\n' ' ')" 'asynchronous null '
	fio --name=deep --filename="$NODE" --ioengine=libaio --direct=1 --rw=randwrite --bs=4k --iodepth=32 \
		--number_ios=32 >"$T/fio" 2>&1 &
	job=$!
	wait_for 30 delayed deep 32
	expect 0 dd if="$NODE" of=/dev/null bs=4k count=64 iflag=direct
	expect 0 sync -d "$NODE"
	delayed deep 32 || fail "the writes have ended before the flush"
	dmsetup suspend deep # which ends the delay
	dmsetup resume deep
	wait $job || fail "fio: $(cat "$T/fio")"
	same "the errors counted" "$(value one .counters.errors)" 0
	delete one
	dmsetup remove deep
	losetup -d "$loop"
	rm "$FILE"
}

deep_table() { # table
	dmsetup suspend deep # which ends the delay
	dmsetup load deep --table "$1"
	dmsetup resume deep
}

# Without --direct what is not in the page cache is read by threads, many reads at once; what is
# in it, and a flush, waits for none of them. The disk is one whose reads take long.
test_buffered_is_many_reads_at_once() { # 60 s
	local loop job
	modprobe dm-delay 2>/dev/null || skip "this kernel has no dm-delay"
	disk_file deep 64M
	loop=$(losetup -f --show "$FILE")
	dmsetup create deep --table "0 131072 linear $loop 0"
	create one /dev/mapper/deep --queues 1
	same "how its I/O is done" "$(value one '.io.how, .io.refused' | tr '\n' ' ')" 'threads null '
	expect 0 dd if="$NODE" of=/dev/null bs=4k count=1 iflag=direct
	deep_table "0 131072 delay $loop 0 60000 $loop 0 0"
	fio --name=deep --filename="$NODE" --ioengine=libaio --direct=1 --rw=randread --bs=4k --iodepth=16 \
		--offset=16M --number_ios=16 >"$T/fio" 2>&1 &
	job=$!
	wait_for 30 delayed deep 8
	expect 0 dd if="$NODE" of=/dev/null bs=4k count=1 iflag=direct
	expect 0 dd if=/dev/zero of="$NODE" bs=4k count=64 oflag=direct
	expect 0 sync -d "$NODE"
	delayed deep 8 || fail "the reads have ended before the flush"
	deep_table "0 131072 linear $loop 0"
	wait $job || fail "fio: $(cat "$T/fio")"
	same "the errors counted" "$(value one .counters.errors)" 0
	delete one
	dmsetup remove deep
	losetup -d "$loop"
	rm "$FILE"
}

# The same device holds what was written, whatever of it is cached, on each of the file systems.
test_buffered_on_file_systems() { # 120 s
	local loop type
	for type in ext4 xfs btrfs; do
		disk_file fs 400M
		loop=$(losetup -f --show "$FILE")
		mkdir -p "$T/m"
		"mkfs.$type" -q "$loop" >/dev/null 2>&1
		mount -t $type "$loop" "$T/m"
		truncate -s 32M "$T/m/image"
		create one "$T/m/image" --queues 2
		same "how its I/O is done on $type" "$(value one .io.how)" threads
		fio --name=verify --filename="$NODE" --ioengine=libaio --direct=1 --rw=randwrite --bsrange=512-64k \
			--iodepth=32 --verify=crc32c --verify_backlog=64 --size=1m --fsync=32 >"$T/fio" 2>&1 ||
			fail "fio on $type: $(cat "$T/fio")"
		dd if="$NODE" of="$T/x" bs=64k count=16 iflag=direct status=none
		echo 3 >/proc/sys/vm/drop_caches
		dd if="$NODE" of="$T/y" bs=64k count=16 iflag=direct status=none
		cmp "$T/x" "$T/y"
		same "the errors counted on $type" "$(value one .counters.errors)" 0
		delete one
		umount "$T/m"
		losetup -d "$loop"
		rm "$FILE"
	done
}

# The host has no asynchronous I/O left: served all the same, one request at a time, and the log
# says so.
test_direct_where_the_host_has_no_aio_left() {
	local loop max
	disk_file none 16M
	loop=$(losetup -f --show "$FILE")
	max=$(</proc/sys/fs/aio-max-nr)
	echo 0 >/proc/sys/fs/aio-max-nr
	create one "$loop" --direct
	echo "$max" >/proc/sys/fs/aio-max-nr
	same "how its I/O is done" "$(value one '.io.how, .io.refused.name' | tr '\n' ' ')" 'inline EAGAIN '
	has "$(ctl show one)" 'io: +inline \(no more at once: Resource temporarily unavailable \(EAGAIN\)\)'
	has "$(log_so_far)" 'one request at a time: asynchronous I/O: .*: raise fs.aio-max-nr'
	dd if=/dev/urandom of="$T/x" bs=1M count=8 status=none
	dd if="$T/x" of="$NODE" bs=1M oflag=direct status=none
	dd if="$NODE" of="$T/y" bs=1M count=8 iflag=direct status=none
	cmp "$T/x" "$T/y"
	delete one
	losetup -d "$loop"
	rm "$FILE"
}

# On a tmpfs nothing is taken of what the host has few of, nor by the next vdused's workers.
test_direct_on_tmpfs_takes_no_aio() {
	local taken
	own_vdused
	taken=$(</proc/sys/fs/aio-nr)
	new_file a 4M
	create one "$FILE" --direct --queues 2
	quiet() {
		same "requests that the host has room for, taken" "$(</proc/sys/fs/aio-nr)" "$taken"
		same "its threads" "$(awk '/^Threads/ { print $2 }' "/proc/$(worker_pid one)/status")" 3
		same "how its I/O is done" "$(value one .io.how)" inline
	}
	quiet
	kill -KILL "$OWN"
	wait "$OWN" || :
	start_vdused "$RUN_DIR" --worker "$T/worker" --worker-uids "$UID_OWN-$UID_LAST" --log-level debug
	OWN=$VPID
	adopted() { [ "$(value one .state)" = live ]; }
	wait_for 20 adopted || fail "it is not adopted: $(ctl show one)"
	expect 0 ctl upgrade one
	quiet
	delete one
	own_stop
}

# (5) what a create says to blocks that its own are smaller than, direct or not
test_direct_blocks_smaller_than_the_disks() {
	local loop
	disk_file a 8M
	loop=$(losetup -b 4096 -f --show "$FILE")
	create_refused 2 one "$loop" 'blocks of 4096 bytes' '--block-size 4096' -- --direct
	create_refused 2 one "$loop" 'blocks of 4096 bytes' '--block-size 4096'
	losetup -d "$loop"
	rm "$FILE"
}

### discard and zeroes

# A thin volume of 64 MiB at /dev/mapper/thin; POOL_DISKS must be detached.
thin_begin() {
	modprobe dm_thin_pool 2>/dev/null || skip "this kernel has no dm-thin-pool"
	disk_file pool 128M
	local data meta
	data=$(losetup -f --show "$FILE")
	disk_file meta 4M
	meta=$(losetup -f --show "$FILE")
	POOL_DISKS="$data $meta"
	dmsetup create pool --table "0 262144 thin-pool $meta $data $((GRANULE / 512)) 0"
	dmsetup message pool 0 "create_thin 0"
	dmsetup create thin --table "0 131072 thin /dev/mapper/pool 0"
}
thin_end() {
	dmsetup remove thin
	dmsetup remove pool
	# shellcheck disable=SC2086
	losetup -d $POOL_DISKS
	rm /var/tmp/func.pool /var/tmp/func.meta
}
pool_used() { # in blocks of the pool
	dmsetup status pool | awk '{ sub("/.*", "", $6); print $6 }'
}

# (16) a discard frees the pool's blocks
test_thin_discard_frees_the_pools_blocks() { # 60 s
	local direct
	thin_begin
	for direct in '' --direct; do
		# shellcheck disable=SC2086
		create one /dev/mapper/thin $direct
		dd if=/dev/urandom of="$NODE" bs=1M count=32 oflag=direct conv=fsync status=none
		same "the blocks taken" "$(pool_used)" 512
		expect 0 blkdiscard -o $((8 << 20)) -l $((16 << 20)) "$NODE"
		same "the blocks left" "$(pool_used)" 256
		expect 0 blkdiscard "$NODE"
		same "the blocks left" "$(pool_used)" 0
		same "the granularity" "$(queue_limit discard_granularity)" $GRANULE
		same "what is over of the largest" $(($(queue_limit discard_max_bytes) % GRANULE)) 0
		delete one
	done
	thin_end
}

# (16) as it is used
test_thin_fstrim_frees_the_pools_blocks() { # 60 s
	local full
	thin_begin
	create one /dev/mapper/thin
	mkfs.ext4 -q "$NODE"
	mkdir "$T/m"
	mount "$NODE" "$T/m"
	dd if=/dev/urandom of="$T/m/big" bs=1M count=32 conv=fsync status=none
	full=$(pool_used)
	rm "$T/m/big"
	sync -f "$T/m"
	expect 0 fstrim "$T/m"
	echo "blocks: $full, then $(pool_used)"
	[ $((full - $(pool_used))) -ge 400 ] || fail "only $((full - $(pool_used))) blocks were freed"
	umount "$T/m"
	expect 0 e2fsck -fn "$NODE"
	delete one
	thin_end
}

# Zeroes where they were written over, both kinds of request, and nowhere else.
zeroes_hold() { # what-it-is: of 8 MiB at least; how many errors there were before
	dd if=/dev/urandom of="$T/x" bs=1M count=8 status=none
	dd if="$T/x" of="$NODE" bs=1M oflag=direct conv=fsync status=none
	expect 0 blkdiscard -z -o $((1 << 20)) -l $((2 << 20)) "$NODE"
	expect 0 fallocate -p -o $((4 << 20)) -l $((2 << 20)) "$NODE" # may unmap
	dd if=/dev/zero of="$T/x" bs=1M count=2 seek=1 conv=notrunc status=none
	dd if=/dev/zero of="$T/x" bs=1M count=2 seek=4 conv=notrunc status=none
	dd if="$NODE" of="$T/y" bs=1M count=8 iflag=direct status=none
	cmp "$T/x" "$T/y" || fail "zeroes on $1"
	[ "$(value one .counters.write_zeroes)" -ge 2 ] || fail "no write-zeroes were counted on $1"
	same "the errors counted on $1" "$(value one .counters.errors)" "${2:-0}"
}

# (16) write-zeroes on a volume that cannot make them itself
test_thin_write_zeroes() { # 60 s
	thin_begin
	create one /dev/mapper/thin
	zeroes_hold "a thin volume"
	delete one
	create one /dev/mapper/thin --direct
	zeroes_hold "a thin volume, direct"
	delete one
	thin_end
}

# A disk without discard and without write-zeroes.
null_begin() { # OPTION...
	modprobe null_blk nr_devices=1 memory_backed=1 gb=1 "$@" 2>/dev/null || skip "this kernel has no null_blk"
	wait_for 3 test -b /dev/nullb0
}

# (16) where the disk below has no discard, none is offered; zeroes are true all the same
test_no_discard_where_there_is_none() { # 60 s
	null_begin
	create one /dev/nullb0
	same "the largest discard" "$(queue_limit discard_max_bytes)" 0
	expect_failure blkdiscard "$NODE"
	has "$ERR" 'not supported'
	mkfs.ext4 -q "$NODE" 64M
	mkdir "$T/m"
	mount "$NODE" "$T/m"
	expect_failure fstrim "$T/m"
	umount "$T/m"
	zeroes_hold "a disk without zeroes"
	delete one
	modprobe -r null_blk
}

# The driver has heard it, and logged it; its blkdiscard passes it over (blk_ioctl_discard() of
# 6.12).
discard_is_refused() { # how many errors are counted then
	try blkdiscard -o 0 -l 1M "$NODE"
	same "the errors counted" "$(value one .counters.errors)" "$1"
	same "the state" "$(value one .state)" live
	dmesg | tail -n 5 | grep -q "operation not supported error, dev $DISK" || fail "the driver has heard nothing"
	has "$(log_so_far)" 'a request failed: Operation not supported'
}

# (16) a disk that had discards and lost them: the driver is told, nobody waits, and the next worker
# offers what this one did
test_discard_that_was_lost_meanwhile() { # 60 s
	local loop pid
	disk_file a 32M
	loop=$(losetup -f --show "$FILE")
	null_begin
	dmsetup create func --table "0 65536 linear $loop 0"
	create one /dev/mapper/func --on-error stop
	expect 0 blkdiscard -o 0 -l 1M "$NODE"
	dmsetup suspend func
	dmsetup load func --table "0 65536 linear /dev/nullb0 0"
	dmsetup resume func
	dd if=/dev/urandom of="$T/x" bs=1M count=2 status=none
	dd if="$T/x" of="$NODE" bs=1M oflag=direct conv=fsync status=none
	discard_is_refused 1
	cmp -n $((2 << 20)) "$NODE" "$T/x"
	pid=$(worker_pid one)
	kill -KILL "$pid"
	replaced() { [ "$(value one .state)" = live ] && [ "$(worker_pid one)" != "$pid" ]; }
	wait_for 10 replaced || fail "state $(value one .state)"
	discard_is_refused 2
	same "the state" "$(value one .state)" live
	zeroes_hold "the disk below now" 2
	delete one
	dmsetup remove func
	losetup -d "$loop"
	modprobe -r null_blk
	rm "$FILE"
}

# (16) files: holes are made and zeroes are true on each file system
test_discard_and_zeroes_on_file_systems() { # 120 s
	local loop type before
	for type in ext4 xfs btrfs tmpfs; do
		disk_file fs 400M
		loop=$(losetup -f --show "$FILE")
		mkdir -p "$T/m"
		if [ $type = tmpfs ]; then
			mount -t tmpfs none "$T/m"
		else
			"mkfs.$type" -q "$loop" >/dev/null 2>&1
			mount -t $type "$loop" "$T/m"
		fi
		dd if=/dev/urandom of="$T/m/image" bs=1M count=16 conv=fsync status=none
		create one "$T/m/image"
		zeroes_hold "a file on $type"
		before=$(blocks_of "$T/m/image")
		expect 0 blkdiscard -o $((8 << 20)) -l $((4 << 20)) "$NODE"
		sync -f "$T/m"
		same "the blocks freed on $type" $((before - $(blocks_of "$T/m/image"))) $(((4 << 20) / 512))
		delete one
		umount "$T/m"
		losetup -d "$loop"
		rm "$FILE"
	done
}

# A partition has no limits of its own.
test_discard_of_a_partition() { # 60 s
	local loop before
	disk_file a 64M
	dd if=/dev/urandom of="$FILE" bs=1M count=64 status=none
	printf 'label: gpt\n,32M\n' | sfdisk -q "$FILE"
	loop=$(losetup -P -f --show "$FILE")
	wait_for 3 test -b "${loop}p1" || fail "no ${loop}p1"
	before=$(blocks_of "$FILE")
	create one "${loop}p1"
	expect 0 blkdiscard "$NODE"
	same "the blocks freed" $((before - $(blocks_of "$FILE"))) $(((32 << 20) / 512))
	zeroes_hold "a partition"
	delete one
	losetup -d "$loop"
	rm "$FILE"
}
