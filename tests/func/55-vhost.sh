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
