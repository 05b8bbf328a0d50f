# SPDX-License-Identifier: BSD-2-Clause
# tests/func/50-delete.sh - delete refuses what is in use and says by whom; --force does not hang.
# shellcheck shell=bash disable=SC2034

test_unknown_name() {
	expect 3 ctl delete nothing
	has "$ERR" '^vduse-ctl: delete nothing: there is no such device: see "vduse-ctl list"'
	expect 3 ctl show nothing
	expect 2 ctl delete
	expect 2 ctl delete nothing --all
}

test_refused_while_mounted() {
	new_file a 32M
	create one "$FILE"
	mkfs.ext4 -q "$NODE"
	mkdir "$T/m"
	mount "$NODE" "$T/m"
	echo hello >"$T/m/file"
	expect 5 ctl delete one
	has "$ERR" 'delete one: detach: ' "$NODE is in use" "mounted on $T/m" '--force'
	same "the state" "$(value one .state)" live
	# and nothing has happened to it
	echo more >>"$T/m/file"
	sync -f "$T/m"
	umount "$T/m"
	mount -o ro "$NODE" "$T/m"
	same "the file" "$(cat "$T/m/file")" $'hello\nmore'
	umount "$T/m"
	delete one
}

test_refused_while_a_partition_is_mounted() {
	new_file a 32M
	create one "$FILE"
	printf 'label: dos\n,,\n' | sfdisk -q "$NODE"
	wait_for 3 test -b "${NODE}1" || fail "no ${NODE}1"
	mkfs.ext4 -q "${NODE}1"
	mkdir "$T/m"
	mount "${NODE}1" "$T/m"
	expect 5 ctl delete one
	has "$ERR" "mounted on $T/m"
	umount "$T/m"
	delete one
}

# A file system whose source is not the node's name, and a second mount of it.
test_refused_while_mounted_elsewhere() {
	new_file a 32M
	create one "$FILE"
	mkfs.ext4 -q "$NODE"
	mkdir "$T/m" "$T/bind"
	mount "$NODE" "$T/m"
	mount --bind "$T/m" "$T/bind"
	umount "$T/m"
	expect 5 ctl delete one
	has "$ERR" "mounted on $T/bind"
	umount "$T/bind"
	delete one
}

test_refused_while_swap() {
	new_file a 32M
	create one "$FILE"
	mkswap -q "$NODE" 2>/dev/null || mkswap "$NODE" >/dev/null
	swapon "$NODE"
	expect 5 ctl delete one
	has "$ERR" "swap space $NODE"
	swapoff "$NODE"
	delete one
}

test_refused_while_held_by_device_mapper() {
	new_file a 32M
	create one "$FILE"
	dmsetup create func --table "0 65536 linear $NODE 0"
	expect 5 ctl delete one
	has "$ERR" 'held by dm-[0-9]+'
	dmsetup remove func
	delete one
}

test_refused_while_held_exclusively() {
	new_file a 4M
	create one "$FILE"
	"$TOOL" hold "$NODE" excl >"$T/held" &
	wait_for 3 grep -q held "$T/held"
	expect 5 ctl delete one
	has "$ERR" 'held open exclusively by a process' "process $! \(tool\) has $NODE open"
	kill $!
	wait $! || :
	delete one
}

# Documented: that a process merely has the node open is no reason. It gets errors, and nobody
# hangs.
test_goes_on_while_merely_open() {
	new_file a 4M
	create one "$FILE"
	"$TOOL" hold "$NODE" >"$T/held" &
	wait_for 3 grep -q held "$T/held"
	delete one
	create one "$FILE"
	delete one
	kill $!
	wait $! || :
}

test_force_while_mounted_and_written() { # 60 s
	local t0 took writer
	new_file a 64M
	create one "$FILE"
	mkfs.ext4 -q "$NODE"
	mkdir "$T/m"
	mount "$NODE" "$T/m"
	{
		trap 'exit 0' TERM
		while dd if=/dev/zero of="$T/m/x" bs=64k count=64 conv=fsync status=none 2>/dev/null; do :; done
		echo "the writer got an error" >"$T/writer"
	} &
	writer=$!
	sleep 0.5
	t0=$(now_us)
	delete one --force
	took=$(since "$t0")
	echo "it took $took s"
	in_time it "$took" 5
	wait_for 5 gone $writer || fail "the writer hangs"
	wait $writer
	has "$(cat "$T/writer")" 'got an error'
	expect 0 timeout 5 umount "$T/m"
	[ ! -e "$NODE" ] || fail "$NODE is still there"
	create one "$FILE"
	expect 0 ctl show one
	delete one
}

# Nobody who runs direct I/O on the disk is left hanging.
test_force_under_fio() { # 60 s
	local fio t0 took
	new_file a 32M
	create one "$FILE"
	fio --name=load --filename="$NODE" --ioengine=libaio --direct=1 --rw=randrw --bs=4k --iodepth=32 \
		--time_based --runtime=40 --output="$T/fio" >/dev/null 2>&1 &
	fio=$!
	busy() { [ "$(value one .counters.writes)" -gt 200 ]; }
	wait_for 10 busy || fail "fio does not get going"
	t0=$(now_us)
	delete one --force
	took=$(since "$t0")
	in_time it "$took" 5
	wait_for 10 gone $fio || fail "fio hangs"
	wait $fio || :
	has "$(cat "$T/fio")" 'error|err='
}

test_delete_all_goes_on_after_a_refusal() {
	local n
	for n in 1 2 3; do
		new_file $n 4M
		create d$n "$FILE"
		[ $n != 2 ] || NODE2=$NODE
	done
	"$TOOL" hold "$NODE2" excl >"$T/held" &
	wait_for 3 grep -q held "$T/held"
	expect 5 ctl delete --all
	has "$ERR" 'delete d2: ' 'held'
	same "the list" "$(ctl list --json | jq -r 'map(.name) | join(" ")')" d2
	expect 0 ctl delete --all --force
	same "the list" "$(ctl list --json | jq length)" 0
	expect 0 ctl delete --all
	kill $!
	wait $! || :
}

test_two_deletes_at_a_time() {
	local a b sa=0 sb=0
	new_file a 4M
	create one "$FILE"
	"$CTL" --socket "$SOCK" delete one 2>"$T/a" &
	a=$!
	"$CTL" --socket "$SOCK" delete one 2>"$T/b" &
	b=$!
	wait $a || sa=$?
	wait $b || sb=$?
	echo "$sa: $(cat "$T/a"); $sb: $(cat "$T/b")"
	case $sa.$sb in
	0.3 | 3.0 | 0.5 | 5.0) ;;
	*) fail "they ended with $sa and $sb" ;;
	esac
}

# The client that asked goes away: it is done all the same.
test_client_of_delete_goes_away() {
	new_file a 4M
	create one "$FILE"
	expect 0 "$RAW" "$SOCK" delete one
	none() { [ "$(ctl list --json | jq length)" = 0 ]; }
	wait_for 5 none || fail "$(ctl list)"
}

# Somebody unbinds the device, or takes it off the bus, behind our back.
test_device_taken_away_behind_our_back() {
	new_file a 4M
	create one "$FILE"
	echo one >$BUS/drivers/virtio_vdpa/unbind
	delete one
	create one "$FILE"
	vdpa dev del one
	delete one
	create one "$FILE"
	delete one
}

# What was written and not flushed is written back by delete: here 32 requests of 0.4 s, one after
# the other.
test_writes_back_to_a_slow_disk() { # 90 s
	local loop t0
	modprobe dm-delay 2>/dev/null || skip "this kernel has no dm-delay"
	new_file a 8M
	loop=$(losetup -f --show "$FILE")
	dmsetup create func --table "0 16384 delay $loop 0 0 $loop 0 400"
	create one /dev/mapper/func --direct --queues 1 --queue-size 16
	# who has it open keeps the last close, which would write back, from happening
	"$TOOL" hold "$NODE" >"$T/held" &
	wait_for 3 grep -q held "$T/held"
	echo 4 >"/sys/block/$DISK/queue/max_sectors_kb"
	{ yes 'written and not flushed' || :; } 2>/dev/null | dd of="$NODE" bs=64k count=2 iflag=fullblock conv=notrunc status=none
	t0=$(now_us)
	delete one
	echo "it took $(since "$t0") s"
	kill $!
	wait $! || :
	{ yes 'written and not flushed' || :; } 2>/dev/null | cmp -n $((128 << 10)) - "$FILE" || fail "data was lost by a delete that worked"
	dmsetup remove func
	losetup -d "$loop"
}
