# SPDX-License-Identifier: BSD-2-Clause
# tests/func/74-identity.sh - by what a backing file is known again, when it is let go, and when it
# is tried before it is needed.
# shellcheck shell=bash disable=SC2034

ALICE=(setpriv --reuid 1000 --regid 65534 --clear-groups)
alice() { "${ALICE[@]}" "$CTL" --socket "$SOCK" "$@"; }

state_is() { [ "$(value "$1" .state)" = "$2" ]; }

served() { # option...: alice may connect, too
	chmod 755 "$T"
	own_vdused --socket-group nogroup "$@"
}

# Kills workers of a device until it is in fail mode. For a vdused with few --max-deaths.
fail_mode() { # name
	killed_enough() {
		local pid
		[ "$(value "$1" .step)" != "fail mode" ] || [ "$(worker_pid "$1")" = null ] || return 0
		pid=$(worker_pid "$1")
		state_is "$1" failed || [ "$pid" = null ] || kill -KILL "$pid" 2>/dev/null || :
		return 1
	}
	wait_for 60 killed_enough "$1" || fail "not in fail mode: $(ctl show "$1")"
}

next_vdused() { # option...
	start_vdused "$RUN_DIR" --worker "$T/worker" --worker-uids "$UID_OWN-$UID_LAST" --log-level debug --socket-group nogroup "$@"
	OWN=$VPID
}

# A loop device of alice's over a new file of 16 MiB; LOOP, FILE
loop_of() { # name
	new_file "$1" 16M
	LOOP=$(losetup -f --show "$FILE")
	chown 1000 "$LOOP"
}
detach_loop() { # LOOP
	losetup -d "$1"
	detached() { [ -z "$(losetup -n -O BACK-FILE "$1" 2>/dev/null)" ]; }
	wait_for 30 detached "$1" || fail "$1 is still held: $(losetup -l)"
}
other_loop() { # file: behind the same number
	detach_loop "$LOOP"
	losetup "$LOOP" "$1"
	chown 1000 "$LOOP"
}

pattern() { dd if=/dev/urandom of="$T/data" bs=1M count=1 status=none; }
write_pattern() { dd if="$T/data" of="$NODE" bs=64k oflag=direct conv=fsync status=none; }
same_pattern() { # node
	dd if="$1" bs=64k count=16 iflag=direct status=none | cmp - "$T/data"
}
does_io() { dd if=/dev/zero of="$NODE" bs=64k count=16 seek=64 oflag=direct conv=fsync status=none; }

### Disks and their numbers

# A loop device is given another file while the device is in fail mode: neither that one, nor, as
# nobody can tell, the right one again.
test_other_disk_behind_the_number() { # 150 s
	served --max-deaths 1
	new_file wrong 16M
	loop_of right
	pattern
	expect 0 alice create one --file "$LOOP"
	NODE=$OUT
	write_pattern
	fail_mode one
	other_loop "$T/wrong"
	expect 1 alice recover one
	has "$ERR" "^vduse-ctl: recover one: find file: $LOOP is not the disk it was" 'delete the device and create it anew$'
	expect 1 ctl recover one # nor for root
	state_is one failed || fail "$(ctl show one)"
	expect_failure timeout 20 dd if="$T/data" of="$NODE" bs=64k oflag=direct status=none
	same "what is written of the other disk" "$(blocks_of "$T/wrong")" 0
	# the new disk of that number is nobody's: a device can be made of it
	expect 0 alice create two --file "$LOOP"
	expect 0 alice delete two
	# the right one again: the remedy helps
	other_loop "$T/right"
	expect 1 alice recover one
	has "$ERR" 'is not the disk it was'
	expect 0 alice delete one
	expect 0 alice create one --file "$LOOP"
	NODE=$OUT
	same_pattern "$NODE"
	expect 0 alice delete one
	detach_loop "$LOOP"
	own_stop
}

# A logical volume of alice's is removed, and one of root's gets its number.
test_other_volume_behind_the_number() { # 150 s
	local loop number other
	served --max-deaths 1
	loop_of volumes
	loop=$LOOP
	dmsetup create hers --table "0 16384 linear $loop 0"
	chown 1000 /dev/mapper/hers
	number=$(dmsetup info -c --noheadings -o major,minor hers)
	expect 0 alice create one --file /dev/mapper/hers
	NODE=$OUT
	fail_mode one
	dmsetup remove hers
	dmsetup create secret --table "0 16384 linear $loop 16384"
	chmod 600 /dev/mapper/secret
	same "the number of the other volume" "$(dmsetup info -c --noheadings -o major,minor secret)" "$number"
	expect_failure alice recover one
	has "$ERR" '^vduse-ctl: recover one: find file: '
	# as if her node had stayed behind
	mknod /dev/mapper/hers b "${number%:*}" "${number#*:}"
	chown 1000 /dev/mapper/hers
	expect 1 alice recover one
	has "$ERR" 'hers is not the disk it was' 'create it anew$'
	rm /dev/mapper/hers
	expect_failure timeout 20 dd if=/dev/zero of="$NODE" bs=64k count=1 oflag=direct status=none
	delete one
	dmsetup remove secret
	detach_loop "$loop"
	own_stop
}

# Between two generations: vdused sleeps while the worker dies and the number changes hands.
test_other_disk_for_the_next_worker() { # 180 s
	local pid
	served --max-deaths 1
	new_file wrong 16M
	loop_of right
	expect 0 alice create one --file "$LOOP"
	NODE=$OUT
	pid=$(worker_pid one)
	kill -STOP "$OWN"
	kill -KILL "$pid"
	wait_for 30 gone "$pid"
	other_loop "$T/wrong"
	kill -CONT "$OWN"
	expect_failure timeout 100 dd if=/dev/zero of="$NODE" bs=64k count=1 oflag=direct status=none
	state_is one failed || fail "$(ctl show one)"
	has "$(log_so_far)" "one: starting a new worker: $LOOP is not the disk it was"
	same "what is written of the other disk" "$(blocks_of "$T/wrong")" 0
	delete one
	detach_loop "$LOOP"
	own_stop
}

# The partition is made anew. The kernel may give its number away a moment later only, and then it
# has another one for now.
part_again() { # start length, in sectors
	number_again() {
		delpart "$LOOP" 1
		addpart "$LOOP" 1 "$1" "$2"
		wait_for 5 test -b "$part" && [ "$(stat -c %t:%T "$part")" = "$number" ]
	}
	wait_for 10 number_again "$@" || fail "its number is $(stat -c %t:%T "$part"), not $number"
	chown 1000 "$part"
}

# A partition is made anew elsewhere on the same disk, and has the same number.
test_partition_that_begins_elsewhere() { # 150 s
	local number part
	served --max-deaths 1
	loop_of disk
	addpart "$LOOP" 1 2048 16384
	part=${LOOP}p1
	wait_for 5 test -b "$part"
	number=$(stat -c %t:%T "$part")
	chown 1000 "$part"
	expect 0 alice create one --file "$part"
	NODE=$OUT
	does_io
	kill -KILL "$(worker_pid one)" # the same one is taken again
	back() { [ "$(value one .worker.restarts)" = 1 ]; }
	wait_for 30 back || fail "no new worker: $(ctl show one)"
	does_io
	fail_mode one
	part_again 16384 16384
	expect 1 alice recover one
	has "$ERR" 'is not the disk it was'
	part_again 2048 16384
	expect 0 alice recover one
	does_io
	# with fewer blocks than the device has
	fail_mode one
	part_again 2048 4096
	expect 1 alice recover one
	has "$ERR" 'has 2097152 bytes, less than the device.s 8388608: make it as large as it was'
	delete one
	delpart "$LOOP" 1
	detach_loop "$LOOP"
	own_stop
}

# What a vdused of before wrote: it did not know about sequence numbers of disks.
as_version_1() { # record
	truncate -s 4904 "$1"
	printf '\x01\x00\x00\x00\x28\x13\x00\x00' | dd of="$1" bs=1 seek=8 conv=notrunc status=none
}
test_record_of_the_vdused_before() { # 180 s
	local pid
	served
	new_file file 16M
	create file "$FILE"
	loop_of disk
	expect 0 alice create disk --file "$LOOP"
	NODE=$OUT
	pid=$(worker_pid disk)
	kill -KILL "$OWN"
	wait "$OWN" || :
	as_version_1 "$RUN_DIR/device/file"
	as_version_1 "$RUN_DIR/device/disk"
	next_vdused
	taken() { state_is file live && state_is disk live; }
	wait_for 30 taken || fail "not taken up: $(ctl list)"
	same "its worker" "$(worker_pid disk)" "$pid"
	# its worker had the disk, so which one it is has been learnt
	kill -KILL "$pid"
	back() { [ "$(value disk .worker.restarts)" = 1 ]; }
	wait_for 30 back || fail "no new worker: $(ctl show disk)"
	does_io
	# no worker either: a file is found again, but nobody knows which disk it was
	kill -KILL "$OWN" "$(worker_pid disk)" "$(worker_pid file)"
	wait "$OWN" || :
	as_version_1 "$RUN_DIR/device/file"
	as_version_1 "$RUN_DIR/device/disk"
	next_vdused
	settled() { state_is file live && state_is disk failed; }
	wait_for 30 settled || fail "$(ctl list)"
	expect 1 alice recover disk
	has "$ERR" 'nobody knows whether .* is still the disk it was' 'create it anew$'
	delete --all
	detach_loop "$LOOP"
	own_stop
}

### Fail mode holds nothing, and recover takes what is there

# The file system of the image is unmounted, checked and mounted again.
test_fail_mode_lets_go_of_the_file_system() { # 180 s
	served --max-deaths 1
	new_file fs 64M
	mkfs.ext4 -q -F "$FILE"
	mkdir "$T/m"
	mount -o loop "$FILE" "$T/m"
	truncate -s 16M "$T/m/image"
	create one "$T/m/image"
	pattern
	write_pattern
	fail_mode one
	wait_for 30 umount "$T/m" || fail "busy: $(ls -l "/proc/$OWN/fd")"
	expect 0 e2fsck -fp "$T/fs"
	expect 1 ctl recover one
	has "$ERR" '^vduse-ctl: recover one: find file: .*image: No such file or directory: put it back there'
	state_is one failed || fail "$(ctl show one)"
	mount -o loop "$T/fs" "$T/m"
	create_refused 5 two "$T/m/image" 'in use by device "one"' # it is still that one's
	expect 0 ctl recover one
	state_is one live || fail "$(ctl show one)"
	same_pattern "$NODE"
	delete one
	umount "$T/m"
	own_stop
}

# An image is restored from a backup: by rename, which leaves the old inode without a name.
test_recover_takes_the_restored_image() { # 180 s
	served --max-deaths 1
	new_file image 16M
	chown 1000 "$FILE"
	expect 0 alice create one --file "$FILE"
	NODE=$OUT
	pattern
	write_pattern
	restore() { # from
		install -o 1000 -m 600 "$1" "$T/new"
		mv "$T/new" "$T/image"
	}
	# before it fails: its workers go on with the file that they have
	cp "$T/image" "$T/backup"
	dd if=/dev/zero of="$NODE" bs=1M count=1 oflag=direct conv=fsync status=none
	restore "$T/backup"
	kill -KILL "$(worker_pid one)"
	back() { [ "$(value one .worker.restarts)" = 1 ]; }
	wait_for 30 back || fail "no new worker: $(ctl show one)"
	dd if="$NODE" bs=1M count=1 iflag=direct status=none | cmp -n 1048576 - /dev/zero
	# then somebody says recover, and gets what is there
	fail_mode one
	expect 0 alice recover one
	same_pattern "$NODE"
	has "$(log_so_far)" "one: recover: $T/image is another file than before" "one: out of fail mode: worker [0-9]+ serves $T/image"
	does_io
	cmp -i 4194304 -n 1048576 "$T/image" /dev/zero
	# and that is what the next worker, and the next vdused, go by
	kill -KILL "$OWN" "$(worker_pid one)"
	wait "$OWN" || :
	next_vdused --max-deaths 1
	again() { state_is one live; }
	wait_for 30 again || fail "$(ctl show one)"
	same_pattern "$NODE"
	# restored once more, in fail mode
	fail_mode one
	restore "$T/backup"
	expect 0 alice recover one
	same_pattern "$NODE"
	expect 0 alice delete one
	own_stop
}

# A name of another mount namespace may be another file's here, which recover would take one day.
test_a_name_that_is_another_files() {
	served
	mkdir "$T/here" "$T/there"
	truncate -s 16M "$T/here/image" "$T/there/image"
	elsewhere() { unshare -m --propagation private sh -c "mount --bind '$T/there' '$T/here' && exec \"\$@\"" - "$@"; }
	expect 2 elsewhere "$CTL" --socket "$SOCK" create one --file "$T/here/image"
	has "$ERR" "^vduse-ctl: create one: check file: $T/here/image is another file for vdused"
	rm "$T/here/image" # nothing is found there: like a file without a name
	expect 0 elsewhere "$CTL" --socket "$SOCK" create one --file "$T/here/image"
	delete one
	own_stop
}

# ... but not anything.
test_recover_refuses_what_create_would() { # 180 s
	served --max-deaths 1
	new_file image 16M
	chown 1000 "$FILE"
	expect 0 alice create one --file "$FILE"
	fail_mode one
	mv "$T/image" "$T/kept"
	refused() { # status regex
		expect "$1" alice recover one
		has "$ERR" "^vduse-ctl: recover one: find file: .*$2"
		rm -rf "$T/image"
	}
	refused 1 'No such file or directory: put it back there'
	truncate -s 8M "$T/image"
	chown 1000 "$T/image"
	refused 1 'has 8388608 bytes, less than the device.s 16777216: put the whole of it there, or: truncate -s 16777216'
	truncate -s 16777217 "$T/image"
	chown 1000 "$T/image"
	refused 1 'not a multiple of the block size'
	ln -s "$T/kept" "$T/image"
	refused 1 'symbolic links'
	mkfifo "$T/image"
	refused 1 'is no regular file any more'
	mkdir "$T/image"
	refused 1 'is no regular file any more'
	install -m 600 "$T/kept" "$T/image" # of root's
	refused 6 'may not be opened by the caller itself'
	cp "$T/kept" "$T/image"
	chown 1000 "$T/image"
	expect 0 ctl create two --file "$T/image"
	expect 5 alice recover one
	has "$ERR" 'find file: .*(locked by another program|in use by)'
	state_is one failed || fail "$(ctl show one)"
	delete two
	mv "$T/kept" "$T/image"
	expect 0 alice recover one
	state_is one live || fail "$(ctl show one)"
	delete one
	own_stop
}

### An upgrade looks first

# What its worker has, the next one may not get: then the worker stays.
test_upgrade_tries_the_file_first() { # 180 s
	local pid
	served
	new_file fs 64M
	mkfs.ext4 -q -F "$FILE"
	mkdir "$T/m"
	mount -o loop,errors=remount-ro "$FILE" "$T/m"
	truncate -s 16M "$T/m/image"
	chown 1000 "$T/m" "$T/m/image"
	expect 0 alice create one --file "$T/m/image"
	NODE=$OUT
	pid=$(worker_pid one)
	stays() { # status regex
		expect "$1" ctl upgrade one
		has "$ERR" "^vduse-ctl: upgrade one: find file: $2"
		same "its worker" "$(worker_pid one)" "$pid"
		state_is one live || fail "$(ctl show one)"
		same "its restarts" "$(value one .worker.restarts)" 0
		same "workers" "$(pgrep -c -x vduse-worker -U "$(value one .worker.uid)")" 1
	}
	reads() { dd if="$NODE" of=/dev/null bs=64k count=16 iflag=direct status=none; }
	chattr +i "$T/m/image" # keeps ext4, not tmpfs, from writing what is open, too
	stays 1 '.*/image may not be opened by anybody: take its attributes away'
	reads
	chattr -i "$T/m/image"
	does_io
	chown 0 "$T/m/image"
	chmod 600 "$T/m/image"
	stays 6 '.*/image may not be opened by the caller itself'
	does_io
	chown 1000 "$T/m/image"
	expect 0 alice upgrade one
	[ "$(worker_pid one)" != "$pid" ] || fail "the same worker"
	does_io
	# after an error of its own ext4 does not write any more; that its worker fails as well is
	# no reason to kill it
	pid=$(worker_pid one)
	echo 1 >"/sys/fs/ext4/$(basename "$(findmnt -no SOURCE "$T/m")")/trigger_fs_error"
	stays 1 '.*/image: (Read-only file system|Input/output error): mend its file system or disk'
	delete one
	umount "$T/m"
	new_file image 16M
	create one "$FILE"
	pid=$(worker_pid one)
	chattr +i "$FILE"
	stays 1 "$FILE may not be opened by anybody"
	does_io
	chattr -i "$FILE"
	expect 0 ctl upgrade one
	does_io
	delete one
	own_stop
}

### What recovery cannot do

test_path_that_is_too_long() { # 60 s
	local n name
	name=$(printf 'd%.0s' {1..240})
	mkdir "$T/deep"
	cd "$T/deep" || fail "cannot go there"
	for ((n = 0; n < 17; n++)); do
		mkdir "$name"
		cd "$name" 2>/dev/null || fail "cannot go there"
	done
	truncate -s 4M image
	create_refused 2 one image ': check file: ' 'whole path has more than 4095 bytes' 'move it to a shorter one'
	mv image ../../image
	cd ../.. || fail "cannot go up"
	create one image
	delete one
	cd "$T" || fail "cannot go back"
	rm -rf "$T/deep"
}
