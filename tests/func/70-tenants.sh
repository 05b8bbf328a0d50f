# SPDX-License-Identifier: BSD-2-Clause
# tests/func/70-tenants.sh - who may do what (P14, P16, C16, C17), as different uids through the
# socket, and the configuration of a running vdused (F15).
# shellcheck shell=bash disable=SC2034

# All but the outsider are in the socket's group, 5000. alice2 is alice by a group.
callers='root admin alice alice2 bob stranger outsider'
declare -A ids=(
	[root]='--reuid 0' [admin]='--reuid 5003 --regid 5003 --groups 5000'
	[alice]='--reuid 5001 --regid 5001 --groups 5000' [alice2]='--reuid 5011 --regid 5011 --groups 5000,6001'
	[bob]='--reuid 5002 --regid 5002 --groups 5000' [stranger]='--reuid 5004 --regid 5004 --groups 5000'
	[outsider]='--reuid 5001 --regid 5001 --clear-groups'
)

as() { # caller command...
	local who=$1
	shift
	# shellcheck disable=SC2086
	setpriv ${ids[$who]} "$@"
}

as_ctl() { # caller argument...
	local who=$1
	shift
	as "$who" "$CTL" --socket "$SOCK" "$@"
}

tenant() { # name users groups devices queues bytes bounce [buses]
	echo "{ name = \"$1\"; users = [ $2 ]; groups = [ $3 ]; prefix = \"$1-\"; devices = $4; queues = $5;"
	echo "  bytes = \"$6\"; bounce = \"$7\"; bus = [ ${8:-\"virtio\", \"vhost\"} ]; }"
}

configure() { # [ALICE [BOB]]: the arguments of tenant
	{
		echo 'socket-group = 5000;'
		echo 'admins = { users = ( 5003, "daemon" ); };'
		echo 'tenants = ('
		# shellcheck disable=SC2086
		tenant ${1:-alice 5001 6001 3 8 64M 192M}
		echo ,
		# shellcheck disable=SC2086
		tenant ${2:-bob 5002 6002 3 8 64M 192M}
		echo ');'
	} >"$T/conf"
	chmod 600 "$T/conf"
}

served() { # own vdused with that configuration
	configure "$@"
	own_vdused --config "$T/conf"
}

file_of() { # uid name size
	new_file "$2" "$3"
	chown "$1:5000" "$FILE"
	chmod 660 "$FILE"
}

names_for() { # caller
	as_ctl "$1" list --json | jq -r '[.[].name] | join(" ")'
}

no_devices_left() { same "the list" "$(names_for root)" ""; }

# SIGHUP, and wait for what comes of it.
reload() {
	local before
	endings() { grep -cE ' served$| can connect is served: root.*$|the old configuration stays$' "$RUN_DIR.log"; }
	before=$(endings)
	ended() { [ "$(endings)" -gt "$before" ]; }
	kill -HUP "$OWN"
	wait_for 10 ended || fail "no end of a reload: $(tail -n 3 "$RUN_DIR.log")"
}

### The matrix

# The disks that the cells are about; made anew where a cell took one away.
stock() {
	local have
	have=" $(names_for root) "
	[[ $have == *" alice-1 "* ]] || expect 0 as_ctl alice create alice-1 --file "$T/alice" --queues 1
	[[ $have == *" bob-1 "* ]] || expect 0 as_ctl bob create bob-1 --file "$T/bob" --queues 1
	[[ $have == *" disk0 "* ]] || expect 0 as_ctl root create disk0 --file "$T/root" --queues 1
}

cell() { # caller status command [name]
	local name=${4-}
	if [ "$3" = create ]; then
		expect "$2" as_ctl "$1" create "$name" --file "$T/new" --queues 1
		[ "$2" != 0 ] || expect 0 as_ctl root delete "$name"
	else
		expect "$2" as_ctl "$1" "$3" ${name:+"$name"}
		[ "$3 $2" != "delete 0" ] || stock
	fi
	[ "$2" != 6 ] || [ "$1" = outsider ] || has "$ERR" 'ask the administrator'
}

test_p14_every_caller_and_command() { # 240 s
	local line name status row n=0
	served
	file_of 5001 alice 4M
	file_of 5002 bob 4M
	file_of 0 root 4M
	file_of 0 new 4M
	stock
	while read -r line; do
		row=${line%%:*}
		read -r -a status <<<"${line#*:}"
		for name in $callers; do
			# shellcheck disable=SC2086
			cell "$name" "${status[0]}" $row
			status=("${status[@]:1}")
			n=$((n + 1))
		done
		same "the rest of the row" "${#status[@]}" 0
	done <<-'EOF'
		version:            0 0 0 0 0 0 0
		list:               0 0 0 0 0 6 6
		show alice-1:       0 0 0 0 6 6 6
		show bob-1:         0 0 6 6 0 6 6
		show disk0:         0 0 6 6 6 6 6
		show alice-none:    3 3 3 3 6 6 6
		show none:          3 3 6 6 6 6 6
		create alice-new:   0 0 0 0 6 6 6
		create bob-new:     0 0 6 6 0 6 6
		create free:        0 0 6 6 6 6 6
		create alice:       0 0 6 6 6 6 6
		delete alice-none:  3 3 3 3 6 6 6
		delete none:        3 3 6 6 6 6 6
		delete bob-1:       0 0 6 6 0 6 6
		delete alice-1:     0 0 0 0 6 6 6
		delete disk0:       0 0 6 6 6 6 6
	EOF
	same "the number of cells" $n $((16 * 7))
	same "root's list" "$(names_for root)" "alice-1 bob-1 disk0"
	same "the administrator's list" "$(names_for admin)" "alice-1 bob-1 disk0"
	same "alice's list" "$(names_for alice)" alice-1
	same "alice2's list" "$(names_for alice2)" alice-1
	same "bob's list" "$(names_for bob)" bob-1
	same "devices that a stranger is told of" "$(as_ctl stranger version --json | jq .supervisor.devices)" 0
	same "devices that alice is told of" "$(as_ctl alice version --json | jq .supervisor.devices)" 1
	# --all is all of his own
	expect 0 as_ctl alice delete --all
	same "root's list" "$(names_for root)" "bob-1 disk0"
	expect 0 as_ctl admin delete --all
	no_devices_left
	own_stop
}

# The same words for a device of somebody else's and for none.
test_c16_another_uids_device() {
	served
	file_of 5002 bob 4M
	expect 0 as_ctl bob create bob-1 --file "$FILE"
	expect 6 as_ctl alice delete bob-1
	local there=${ERR//bob-1/X}
	expect 6 as_ctl alice delete bob-2
	same "what alice hears of a device that is not there" "${ERR//bob-2/X}" "$there"
	lacks "$there" bob
	expect 6 as_ctl alice delete bob-1 --force
	# a file that both may open: the other's device is not named
	file_of 5001 shared 4M
	expect 0 as_ctl alice create alice-1 --file "$FILE"
	expect 5 as_ctl bob create bob-2 --file "$FILE"
	has "$ERR" 'in use by a device of somebody else'
	lacks "$ERR" alice-1
	same "the state" "$(value bob-1 .state)" live
	expect 0 as_ctl admin delete --all
	own_stop
}

# Without tenants and administrators: whoever can connect is served, and deletes what he made.
test_c16_nothing_configured() {
	echo 'socket-group = 5000;' >"$T/conf"
	own_vdused --config "$T/conf"
	file_of 5001 a 4M
	expect 0 as_ctl alice create any --file "$FILE"
	same "bob's list" "$(names_for bob)" any
	expect 6 as_ctl bob delete any
	has "$ERR" 'belongs to another user' 'only its owner and root'
	expect 6 as_ctl outsider list
	expect 0 as_ctl alice delete any
	own_stop
}

# What a caller is called in a user namespace of his own is not believed.
test_c17_caller_in_a_user_namespace() {
	local map
	served
	file_of 0 root 4M
	expect 0 as_ctl root create disk0 --file "$FILE"
	file_of 5001 alice 4M
	expect 0 as_ctl alice create alice-1 --file "$FILE"
	for map in -r --map-user=5003 --map-user=5002 ''; do
		# shellcheck disable=SC2086
		expect 0 as alice unshare -U $map "$RAW" "$SOCK" show disk0 recv delete disk0 recv create free recv \
			show alice-1 recv
		same "answers that deny" "$(grep -c '^error 6' <<<"$OUT")" 3
		has "$(tail -n 1 <<<"$OUT")" '^device|alice-1'
		# shellcheck disable=SC2086
		expect 0 as stranger unshare -U $map "$RAW" "$SOCK" show alice-1 recv delete alice-1 recv
		same "answers that deny" "$(grep -c '^error 6' <<<"$OUT")" 2
	done
	same "root's list" "$(names_for root)" "alice-1 disk0"
	expect 0 as_ctl root delete --all
	own_stop
}

### Quotas

test_p16_quotas() { # 60 s
	served 'alice 5001 6001 2 5 12M 128M'
	file_of 5001 a 4M
	file_of 5001 b 8M
	file_of 5001 c 4M
	expect 0 as_ctl alice create alice-1 --file "$T/a" --queues 4
	expect 7 as_ctl alice create alice-2 --file "$T/b" --queues 2
	has "$ERR" 'tenant "alice" has 4 of 5 queues, and this device takes 2' 'ask the administrator'
	# one by one: what a user of the tenant's has made counts for all of them
	expect 0 as_ctl alice2 create alice-2 --file "$T/b" --queues 1
	expect 7 as_ctl alice create alice-3 --file "$T/c" --queues 1
	has "$ERR" '2 of 2 devices'
	expect 0 as_ctl alice2 delete alice-1
	truncate -s 9M "$T/b2"
	chown 5001 "$T/b2"
	expect 7 as_ctl alice create alice-3 --file "$T/b2" --queues 1
	has "$ERR" 'alice-3: check file: tenant "alice" has 8M of 12M bytes, and this device takes 9M'
	expect 0 as_ctl alice create alice-3 --file "$T/c" --queues 1
	# bob has his own, and root none
	file_of 5002 d 4M
	expect 0 as_ctl bob create bob-1 --file "$FILE" --queues 4
	file_of 0 e 128M
	expect 0 as_ctl root create alice-big --file "$FILE" --queues 16
	expect 0 as_ctl root delete --all
	no_devices_left
	own_stop
}

# Requests that run side by side do not exceed a limit together.
test_p16_parallel_creates() { # 60 s
	local i status won=0
	served 'alice 5001 6001 2 8 64M 192M'
	for i in 1 2 3 4 5; do
		file_of 5001 "f$i" 4M
		as_ctl alice create "alice-$i" --file "$FILE" --queues 1 >"$T/out.$i" 2>&1 &
		eval "pid$i=$!"
	done
	for i in 1 2 3 4 5; do
		status=0
		eval "wait \$pid$i" || status=$?
		case $status in
		0) won=$((won + 1)) ;;
		7) ;;
		*) fail "create ended with $status: $(cat "$T/out.$i")" ;;
		esac
	done
	same "devices that could be made" $won 2
	same "devices that are there" "$(names_for alice | wc -w)" 2
	expect 0 as_ctl alice delete --all
	# bytes are known only in the middle of a create
	configure 'alice 5001 6001 3 8 12M 192M'
	reload
	for i in 1 2 3; do
		truncate -s 8M "$T/f$i"
		as_ctl alice create "alice-$i" --file "$T/f$i" --queues 1 >"$T/out.$i" 2>&1 &
		eval "pid$i=$!"
	done
	won=0
	for i in 1 2 3; do
		status=0
		eval "wait \$pid$i" || status=$?
		case $status in
		0) won=$((won + 1)) ;;
		7) ;;
		*) fail "create ended with $status: $(cat "$T/out.$i")" ;;
		esac
	done
	[ $won -le 1 ] || fail "$won devices of 8M with a limit of 12M"
	# a refused one leaves nothing behind that counts
	expect 0 as_ctl alice delete --all
	expect 0 as_ctl alice create alice-1 --file "$T/f1" --queues 1
	expect 0 as_ctl alice delete --all
	own_stop
}

test_bounce_memory_bus_and_probe() {
	configure 'alice 5001 6001 3 8 64M 5M "virtio"' 'bob 5002 6002 3 8 64M 4M "vhost"'
	echo 'defaults = { bounce-size = "4M"; };' >>"$T/conf"
	own_vdused --config "$T/conf"
	file_of 5001 a 4M
	expect 6 as_ctl alice create alice-1 --file "$FILE" --bus vhost
	has "$ERR" 'give --bus virtio'
	expect 6 as_ctl alice create alice-1 --file "$FILE" --probe
	has "$ERR" 'leave out --probe'
	expect 0 as_ctl alice create alice-1 --file "$FILE" --queues 1
	same "the bounce memory" "$(cat /sys/class/vduse/alice-1/bounce_size)" $((4 << 20))
	dd if=/dev/urandom of="$OUT" bs=1M count=4 oflag=direct status=none
	file_of 5001 b 4M
	expect 7 as_ctl alice create alice-2 --file "$FILE" --queues 1
	has "$ERR" '4M of 5M bytes of bounce memory, and this device takes 4M'
	file_of 5002 c 4M
	expect 6 as_ctl bob create bob-1 --file "$FILE"
	has "$ERR" 'give --bus vhost'
	if modinfo vhost_vdpa >/dev/null 2>&1; then
		modprobe vhost_vdpa
		expect 0 as_ctl bob create bob-1 --file "$FILE" --bus vhost
		same "the node's owner and mode" "$(stat -c '%u %a' "$OUT")" "5002 600"
	fi
	expect 0 as_ctl root delete --all
	own_stop
}

### The configuration

test_f15_mistakes_at_the_start() {
	refused() { # text of the file, mode, regex
		printf '%s' "$1" >"$T/conf"
		chmod "$2" "$T/conf"
		expect 1 timeout 5 "$VDUSED" --runtime-dir "$T/other" --worker "$WORKER" --config "$T/conf"
		has "$ERR" "$T/conf$3"
		[ ! -e "$T/other/control.sock" ] || fail "a socket is there"
	}
	refused $'max-deaths = 1;\nmaxdeaths = 2;\n' 600 ':2: there is no setting "maxdeaths"'
	refused 'max-deaths = 1; }' 600 ':1: syntax error'
	refused 'defaults = { bounce-size = "64X"; };' 600 ':1: bounce-size: must be a size'
	refused $'\nadmins = { users = [ "no-such-user" ]; };' 600 ':2: there is no user "no-such-user"'
	refused 'max-deaths = 1;' 620 ': others than root can write it'
	refused 'max-deaths = 1;' 602 ': others than root can write it'
	truncate -s 10M "$T/conf"
	chmod 600 "$T/conf"
	expect 1 timeout 5 "$VDUSED" --runtime-dir "$T/other" --config "$T/conf"
	has "$ERR" 'at most 65536'
	rm "$T/conf"
	expect 1 timeout 5 "$VDUSED" --runtime-dir "$T/other" --config "$T/conf"
	has "$ERR" "$T/conf: No such file"
	echo 'max-deaths = 1;' >"$T/conf"
	chown 5001 "$T/conf"
	expect 1 timeout 5 "$VDUSED" --runtime-dir "$T/other" --config "$T/conf"
	has "$ERR" 'belongs to uid 5001'
}

test_f15_reload() { # 60 s
	local n
	served
	file_of 5001 a 4M
	expect 0 as_ctl alice create alice-1 --file "$FILE" --queues 1
	# a mistake: everything stays, and the log says where
	echo 'tenant = ( );' >>"$T/conf"
	n=$(wc -l <"$T/conf")
	reload
	has "$(log_so_far | tail -n 1)" "$T/conf:$n: there is no setting \"tenant\" here.*the old configuration stays"
	same "alice's list" "$(names_for alice)" alice-1
	configure # with a user's name, which is looked up
	chmod 660 "$T/conf"
	reload
	has "$(log_so_far | tail -n 1)" 'others than root can write it.*the old configuration stays'
	rm "$T/conf"
	reload
	has "$(log_so_far | tail -n 1)" 'No such file.*the old configuration stays'
	same "alice's list" "$(names_for alice)" alice-1
	# alice is no tenant any more: her device stays, and is an administrator's business
	configure 'carol 5007 6001 3 8 64M 192M'
	reload
	expect 6 as_ctl alice list
	expect 6 as_ctl alice delete alice-1
	same "carol's list" "$(names_for alice2)" ""
	same "the state" "$(value alice-1 .state)" live
	# again, and with a larger limit, and what needs a restart is said
	configure 'alice 5001 6001 5 8 64M 320M'
	sed -i 's/5000/5001/' "$T/conf"
	echo 'defaults = { bounce-size = "8M"; }; worker-uids = "1000-1999"; log-level = "notice";' >>"$T/conf"
	reload
	has "$(log_so_far)" 'socket-group has changed: that takes effect when'
	same "alice's list" "$(names_for alice)" alice-1
	file_of 5001 b 4M
	expect 0 as_ctl alice create alice-2 --file "$FILE" --queues 1
	same "the old bounce memory" "$(cat /sys/class/vduse/alice-1/bounce_size)" $((64 << 20))
	same "the new bounce memory" "$(cat /sys/class/vduse/alice-2/bounce_size)" $((8 << 20))
	expect 0 as_ctl alice delete --all
	own_stop
}

# Signals that come faster than files are read.
test_many_reloads() {
	served
	for _ in {1..50}; do kill -HUP "$OWN"; done
	reload
	file_of 5001 a 4M
	expect 0 as_ctl alice create alice-1 --file "$FILE" --queues 1
	expect 0 as_ctl alice delete alice-1
	own_stop
}
