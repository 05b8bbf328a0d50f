# SPDX-License-Identifier: BSD-2-Clause
# tests/func/52-in-use.sh - in use is a matter of the device's number: whatever its node is called
# in /dev, if there is one, and what sits on it without holding it, as loop devices do.
# shellcheck shell=bash disable=SC2034

# No node of an earlier test that failed lies where the next disk's will be.
disk() { # SIZE
	rm -rf /dev/vd? /dev/vd?1 /dev/renamed* /dev/elsewhere /elsewhere
	mkdir /elsewhere # where nodes work, unlike in $T
	new_file a "$1"
	create one "$FILE"
	DEV=$(cat "/sys/block/$DISK/dev")
}

make_node() { mknod -m 600 "$1" b "${DEV%:*}" "${DEV#*:}"; } # PATH

# A disk with a file system that is mounted on $T/m, from the node given or the disk's.
mounted() { # [NODE]
	mkfs.ext4 -q "${1:-$NODE}"
	mkdir -p "$T/m"
	mount "${1:-$NODE}" "$T/m"
	echo hello >"$T/m/file"
	FROM=${1:-$NODE}
}

# Refused, and nothing has happened to it: it can be written, and read after another mount.
refused_and_intact() { # REGEX...
	expect 5 ctl delete one
	has "$ERR" 'delete one: detach: ' '--force' "$@"
	same "the state" "$(value one .state)" live
	echo more >>"$T/m/file"
	sync -f "$T/m"
	umount "$T/m"
	mount -o ro "${AGAIN:-$FROM}" "$T/m"
	same "the file" "$(cat "$T/m/file")" $'hello\nmore'
}

test_mounted_and_its_node_renamed() {
	disk 32M
	mounted
	mv "$NODE" /dev/renamed
	AGAIN=/dev/renamed refused_and_intact "mounted on $T/m"
	umount "$T/m"
	delete one # it is found under its other name
	rm /dev/renamed
}

test_mounted_and_a_regular_file_in_its_place() {
	disk 32M
	mounted
	mkdir /dev/elsewhere
	mv "$NODE" /dev/elsewhere/disk
	echo "no disk" >"$NODE"
	AGAIN=/dev/elsewhere/disk refused_and_intact "mounted on $T/m"
	umount "$T/m"
	delete one
	rm -r /dev/elsewhere "$NODE"
}

test_mounted_and_another_disk_in_its_place() {
	local loop
	new_file b 8M
	loop=$(losetup -f --show "$FILE")
	disk 32M
	mounted
	mv "$NODE" /dev/renamed
	cp -a "$loop" "$NODE"
	AGAIN=/dev/renamed refused_and_intact "mounted on $T/m"
	umount "$T/m"
	delete one
	rm /dev/renamed "$NODE"
	losetup -d "$loop"
}

test_mounted_and_its_node_removed() {
	disk 32M
	mounted
	rm "$NODE"
	make_node "/elsewhere/node"
	AGAIN=/elsewhere/node refused_and_intact "mounted on $T/m"
	umount "$T/m"
	# without a node nobody knows, and what to do is said
	expect 5 ctl delete one
	has "$ERR" 'cannot be told' "mknod -m 600 $NODE b ${DEV%:*} ${DEV#*:}" '--force'
	same "the state" "$(value one .state)" live
	make_node "$NODE"
	delete one
	rm -f "/elsewhere/node" "$NODE"
}

test_removed_by_force_without_a_node() {
	disk 8M
	rm "$NODE"
	delete one --force
}

test_partition_mounted_and_nodes_renamed() {
	disk 32M
	printf 'label: dos\n,,\n' | sfdisk -q "$NODE"
	wait_for 3 test -b "${NODE}1" || fail "no ${NODE}1"
	mounted "${NODE}1"
	mv "$NODE" /dev/renamed
	mv "${NODE}1" /dev/renamed1
	AGAIN=/dev/renamed1 refused_and_intact "mounted on $T/m"
	umount "$T/m"
	delete one
	rm -f /dev/renamed /dev/renamed1
}

test_swap_and_its_node_renamed() {
	disk 32M
	mkswap "$NODE" >/dev/null 2>&1
	swapon "$NODE"
	mv "$NODE" /dev/renamed
	expect 5 ctl delete one
	has "$ERR" 'swap space /dev/renamed'
	swapoff /dev/renamed
	delete one
	rm /dev/renamed
}

test_held_by_device_mapper_and_its_node_removed() {
	disk 32M
	dmsetup create func --table "0 65536 linear $NODE 0"
	rm "$NODE"
	expect 5 ctl delete one
	has "$ERR" 'held by dm-[0-9]+'
	dmsetup remove func
	make_node "$NODE"
	delete one
	rm -f "$NODE"
}

# Loop does not hold its file exclusively.
test_loop_on_the_disk_is_mounted() {
	local loop
	disk 32M
	loop=$(losetup -f --show "$NODE")
	mounted "$loop"
	refused_and_intact "${loop#/dev/} sits on it" "mounted on $T/m" 'losetup -d'
	umount "$T/m"
	expect 5 ctl delete one # it may be used at any moment
	has "$ERR" "${loop#/dev/} sits on it"
	losetup -d "$loop"
	delete one
}

test_loop_on_a_partition_is_mounted() {
	local loop
	disk 32M
	printf 'label: dos\n,,\n' | sfdisk -q "$NODE"
	wait_for 3 test -b "${NODE}1" || fail "no ${NODE}1"
	loop=$(losetup -f --show "${NODE}1")
	mounted "$loop"
	refused_and_intact "${loop#/dev/} sits on it" "mounted on $T/m"
	umount "$T/m"
	losetup -d "$loop"
	delete one
}

test_loop_on_the_disk_is_swap() {
	local loop
	disk 32M
	loop=$(losetup -f --show "$NODE")
	mkswap "$loop" >/dev/null 2>&1
	swapon "$loop"
	expect 5 ctl delete one
	has "$ERR" "${loop#/dev/} sits on it" "swap space $loop"
	swapoff "$loop"
	losetup -d "$loop"
	delete one
}

# A loop device on a node that lies elsewhere and is gone, another on that one, the node of the
# first renamed, and a volume on top.
test_loops_on_loops_on_a_node_elsewhere() {
	local first second
	disk 32M
	make_node /elsewhere/x
	first=$(losetup -f --show /elsewhere/x)
	second=$(losetup -f --show "$first")
	dmsetup create func --table "0 65536 linear $second 0"
	rm /elsewhere/x
	mv "$first" /dev/renamed
	expect 5 ctl delete one
	has "$ERR" "${first#/dev/} sits on it" "${second#/dev/} sits on it" 'held by dm-[0-9]+'
	mv /dev/renamed "$first"
	dmsetup remove func
	losetup -d "$second"
	losetup -d "$first"
	delete one
}

# Whoever has it open is found by the number as well, and so is where it is mounted for others.
test_openers_and_mounts_of_others_are_named() {
	local holder elsewhere
	disk 32M
	mkfs.ext4 -q "$NODE"
	mkdir "$T/m"
	unshare -m --propagation private sh -c "mount $NODE $T/m && touch $T/mounted && exec sleep 1000" &
	elsewhere=$!
	wait_for 5 test -e "$T/mounted"
	mv "$NODE" /dev/renamed
	expect 5 ctl delete one
	has "$ERR" 'another mount namespace' "process $elsewhere \(sleep\) has it mounted on $T/m"
	kill $elsewhere
	wait $elsewhere || :
	"$TOOL" hold /dev/renamed excl >"$T/held" &
	holder=$!
	wait_for 3 grep -q held "$T/held"
	expect 5 ctl delete one
	has "$ERR" "process $holder \(tool\) has $NODE open"
	kill $holder
	wait $holder || :
	delete one
	rm /dev/renamed
}

# A worker's jail begins as a copy of all mounts. Here the step that makes one stops in the middle,
# and what was mounted is unmounted meanwhile: nobody uses that disk any more.
stop_the_next_spawn() {
	strace -f -qq -o "$T/strace" -e trace=pivot_root -e inject=pivot_root:signal=SIGSTOP -p "$OWN" &
	TRACER=$!
	traced() { grep -q '^TracerPid:.[1-9]' "/proc/$OWN/status"; }
	wait_for 10 traced || fail "strace does not trace"
	new_file b 4M
	"$CTL" --socket "$SOCK" create two --file "$FILE" >"$T/two" 2>&1 &
	CREATOR=$!
	wait_for 10 grep -q 'stopped by SIGSTOP' "$T/strace" || fail "the spawn step does not stop: $(cat "$T/strace")"
	SPAWNER=$(awk '/stopped by SIGSTOP/ { print $1 }' "$T/strace")
}

# On a machine so slow that the step was killed meanwhile, the other create has failed. That does
# not matter here.
let_it_go_on() {
	kill -CONT "$SPAWNER" 2>/dev/null || :
	wait $CREATOR || :
	kill $TRACER
	wait $TRACER || :
	expect 0 ctl delete --all
}

test_unmounted_while_a_worker_is_being_made() { # 60 s
	own_vdused
	disk 32M
	mounted
	stop_the_next_spawn
	umount "$T/m"
	"$CTL" --socket "$SOCK" delete one >"$T/delete" 2>&1 &
	local deleter=$!
	deleting() { gone $deleter || [ "$(value one .step)" = detach ]; }
	wait_for 5 deleting || fail "$(cat "$T/delete")"
	kill -CONT "$SPAWNER" 2>/dev/null || :
	wait $deleter || fail "$(cat "$T/delete")"
	let_it_go_on
	own_stop
}

# Where mounts are shared, as systemd has them, the copies go at once, whatever the step does.
test_shared_mount_unmounted_while_a_worker_is_being_made() { # 60 s
	mkdir "$T/shared"
	mount -t tmpfs shared "$T/shared"
	mount --make-shared "$T/shared"
	own_vdused
	disk 32M
	mkfs.ext4 -q "$NODE"
	mkdir "$T/shared/m"
	mount "$NODE" "$T/shared/m"
	stop_the_next_spawn
	umount "$T/shared/m"
	expect 0 "$TOOL" excl "$NODE"
	delete one
	let_it_go_on
	umount "$T/shared"
	own_stop
}
