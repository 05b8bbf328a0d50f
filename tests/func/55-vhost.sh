# SPDX-License-Identifier: BSD-2-Clause
# tests/func/55-vhost.sh - a device for a virtual machine instead of a disk.
# shellcheck shell=bash disable=SC2034

create_vhost() { # name file OPTION...
	local name=$1 file=$2
	shift 2
	expect 0 ctl create "$name" --file "$file" --bus vhost "$@"
	NODE=$OUT
	has "$NODE" '^/dev/vhost-vdpa-[0-9]+$'
	[ -c "$NODE" ] || fail "$NODE is no character device"
}

test_node_belongs_to_the_caller() {
	new_file a 4M
	create_vhost one "$FILE"
	same "the node" "$(stat -c '%a %u' "$NODE")" "600 0"
	same "what show says" "$(value one '.bus + " " + .state')" "vhost live"
	# what QEMU lets guests choose (tests/guest); a disk of the host has 256
	same "its ring size" "$(value one .queue_size)" 1024
	same "disks" "$(find /sys/block -name 'vd*' | wc -l)" 0
	delete one
	[ ! -e "$NODE" ] || fail "$NODE is still there"
	chmod 755 "$T"
	own_vdused --socket-group nogroup
	chown 65534:65534 "$FILE"
	expect 0 setpriv --reuid 65534 --regid 65534 --clear-groups "$CTL" --socket "$SOCK" create one --file "$FILE" --bus vhost
	same "the node" "$(stat -c '%a %u' "$OUT")" "600 65534"
	delete one
	own_stop
}

# A virtual machine that has it open cannot be cut off.
test_delete_is_refused_while_open() {
	new_file a 4M
	create_vhost one "$FILE"
	"$TOOL" hold-rw "$NODE" >"$T/held" &
	wait_for 3 grep -q held "$T/held"
	expect 5 ctl delete one
	has "$ERR" "$NODE"
	expect 5 ctl delete one --force
	asks_quickly
	kill $!
	wait $! || :
	delete one
}

test_module_vhost_vdpa_missing() {
	new_file a 4M
	modprobe -r vhost_vdpa
	create_refused 1 one "$FILE" ': attach: ' 'vhost_vdpa is not there' 'modprobe vhost_vdpa' -- --bus vhost
	modprobe vhost_vdpa
}

# Unbinding would wait for the virtual machine, and all of vDPA with it.
test_delete_is_refused_while_open_under_another_name() {
	local dev
	new_file a 4M
	create_vhost one "$FILE"
	dev=$(cat /sys/bus/vdpa/devices/one/vhost-vdpa-*/dev)
	"$TOOL" hold-rw "$NODE" >"$T/held" &
	wait_for 3 grep -q held "$T/held"
	mv "$NODE" /dev/renamed
	expect 5 ctl delete one --force
	has "$ERR" '/dev/renamed is open'
	rm /dev/renamed
	expect 5 ctl delete one --force
	has "$ERR" 'cannot be told' "mknod -m 600 $NODE c ${dev%:*} ${dev#*:}"
	same "the state" "$(value one .state)" live
	kill $!
	wait $! || :
	mknod -m 600 "$NODE" c "${dev%:*}" "${dev#*:}"
	delete one
	rm -f "$NODE"
}

# A delete looks whether it is open when nobody can open it any more: the node is root's for a
# moment, in which vdused and its helper are killed here. It is its owner's again when that delete
# was refused after all.
test_node_is_given_back_after_a_kill_in_between() { # 60 s
	local holder tracer deleter
	chmod 755 "$T"
	own_vdused --socket-group nogroup
	new_file a 4M
	chown 65534:65534 "$FILE"
	expect 0 setpriv --reuid 65534 --regid 65534 --clear-groups "$CTL" --socket "$SOCK" create one --file "$FILE" --bus vhost
	NODE=$OUT
	setpriv --reuid 65534 --regid 65534 --clear-groups "$TOOL" hold-rw "$NODE" >"$T/held" &
	holder=$!
	wait_for 3 grep -q held "$T/held"
	strace -f -qq -o "$T/strace" -e trace=clock_nanosleep -e inject=clock_nanosleep:signal=SIGSTOP -p "$OWN" &
	tracer=$!
	traced() { grep -q '^TracerPid:.[1-9]' "/proc/$OWN/status"; }
	wait_for 10 traced || fail "strace does not trace"
	"$CTL" --socket "$SOCK" delete one >/dev/null 2>&1 &
	deleter=$!
	wait_for 10 grep -q 'stopped by SIGSTOP' "$T/strace" || fail "the helper does not stop"
	same "the node's owner meanwhile" "$(stat -c %u "$NODE")" 0
	kill -KILL "$OWN"
	wait "$OWN" $deleter $tracer || :
	same "the node's owner after the kill" "$(stat -c %u "$NODE")" 0
	own_vdused --socket-group nogroup
	refused() { [ "$(value one .state)" = live ]; }
	wait_for 10 refused || fail "$(ctl show one)"
	same "the node" "$(stat -c '%a %u %g' "$NODE")" "600 65534 65534"
	kill $holder
	wait $holder || :
	delete one
	own_stop
}
