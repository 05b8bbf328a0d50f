# SPDX-License-Identifier: BSD-2-Clause
# tests/func/60-supervisor.sh - starting and stopping vdused, and what the tools print for people
# and programs.
# shellcheck shell=bash disable=SC2034

test_second_instance_refuses() {
	expect 1 timeout 5 "$VDUSED" --runtime-dir $SHARED
	has "$ERR" "another vdused runs on $SHARED" 'stop it first, or give this one its own --runtime-dir'
	expect 1 timeout 5 "$VDUSED" --runtime-dir "$T/other" --socket "$SOCK"
	has "$ERR" "another vdused answers on $SOCK" 'choose another --socket'
	[ -S "$SOCK" ] || fail "the socket of the first is gone"
	expect 0 ctl list
}

test_not_root() {
	expect 1 setpriv --reuid 65534 --regid 65534 --clear-groups timeout 5 "$VDUSED" --runtime-dir "$T/other"
	has "$ERR" 'must be started by root'
}

test_missing_capability() {
	expect 1 setpriv --bounding-set=-net_admin,-kill --inh-caps=-net_admin,-kill timeout 5 "$VDUSED" --runtime-dir "$T/other"
	has "$ERR" 'missing capabilities: .*cap_net_admin' 'cap_kill' 'run vdused as root'
}

test_bad_options() {
	expect 2 "$VDUSED" --runtime-dir relative
	has "$ERR" 'must be an absolute path'
	expect 2 "$VDUSED" --worker-uids 0-10
	expect 2 "$VDUSED" --worker-uids 10-1
	expect 2 "$VDUSED" --log-level loud
	expect 2 "$VDUSED" --socket-group nosuchgroup
	has "$ERR" 'no such group'
	expect 2 "$VDUSED" --nonsense
	expect 2 "$VDUSED" nonsense
	expect 2 "$CTL"
	expect 2 ctl nonsense
	has "$ERR" 'unknown command' 'create, list, show, delete, recover'
	expect 2 ctl list --nonsense
}

test_runtime_dir_that_others_can_write() {
	mkdir -m 777 "$T/other"
	expect 1 timeout 5 "$VDUSED" --runtime-dir "$T/other"
	has "$ERR" 'nobody else can write'
	ln -s /tmp "$T/link"
	expect 1 timeout 5 "$VDUSED" --runtime-dir "$T/link"
}

test_help_and_version() {
	local program
	for program in "$VDUSED" "$CTL" "$WORKER"; do
		expect 0 "$program" --help
		has "$OUT" '[Uu]sage: (vdused|vduse-ctl|vduse-worker) '
		same "what it says on stderr" "$ERR" ""
		expect 0 "$program" --version
		has "$OUT" '^(vdused|vduse-ctl|vduse-worker) [0-9]+\.[0-9]+\.[0-9]+$'
	done
	for program in create list show delete check version; do
		expect 0 ctl $program --help
		has "$OUT" "^usage: vduse-ctl $program"
		[ "$(wc -l <<<"$OUT")" -le 24 ] || fail "the help of $program does not fit a screen"
	done
	expect 0 ctl version
	has "$OUT" '^vduse-ctl [0-9.]+$' "^vdused +[0-9.]+ \(pid $(cat $SHARED.pid), 0 devices\)$"
}

# The worker is started by vdused, not by hand.
test_worker_by_hand() {
	expect 2 timeout 5 "$WORKER"
	expect 2 timeout 5 "$WORKER" --nonsense
}

test_sighup_without_a_configuration() {
	new_file a 4M
	create one "$FILE"
	kill -HUP "$(cat $SHARED.pid)"
	said() { log_so_far | grep -q 'vdused.conf: there is none; tenants: 0; whoever can connect is served'; }
	wait_for 3 said || fail "the log says: $(log_so_far)"
	same "the state" "$(value one .state)" live
	delete one
}

# What vdused was about to do with drivers_autoprobe, the next one mends.
test_sigkill_with_autoprobe_off() { # 60 s
	own_vdused
	kill -KILL "$OWN"
	wait "$OWN" || :
	echo 0 >$BUS/drivers_autoprobe
	echo 1 >"$T/own/autoprobe"
	own_vdused
	same drivers_autoprobe "$(cat $BUS/drivers_autoprobe)" 1
	[ ! -e "$T/own/autoprobe" ] || fail "the file is still there"
	own_stop
}

# A create that is under way is undone before vdused ends.
test_sigterm_in_the_middle_of_create() {
	new_file a 4M
	own_vdused
	use_worker "$FAKE"
	"$CTL" --socket "$SOCK" create s-late --file "$FILE" 2>"$T/err" >"$T/out" &
	wait_for 5 test -e /sys/class/vduse/s-late || fail "no VDUSE device"
	kill -TERM "$OWN"
	STATUS=0
	wait $! || STATUS=$?
	echo "create: $STATUS, $(cat "$T/err")"
	[ "$STATUS" != 0 ] || fail "create worked"
	wait_for 20 gone "$OWN" || fail "vdused does not end"
	STATUS=0
	wait "$OWN" || STATUS=$?
	same "the exit status of vdused" "$STATUS" 0
	RUN_DIR=$SHARED
}

test_check() {
	expect 0 ctl check
	has "$OUT" '^ok +kernel' '^ok +module vduse' '^ok +module virtio_vdpa' '^ok +/dev/vduse/control' '^ok +netlink' \
		'^ok +seccomp' '^ok +privileges' "^ok +vdused +answers: .*pid $(cat $SHARED.pid)"
	lacks "$OUT" '^missing'
	expect 1 "$CTL" --socket "$T/none" check
	has "$OUT" '^missing +vdused .*is vdused running'
	same "the number of things missing" "$(grep -c ^missing <<<"$OUT")" 1
}

test_check_without_modules() {
	modprobe -r virtio_vdpa
	try ctl check
	modprobe virtio_vdpa
	same "the exit status" "$STATUS" 1
	has "$OUT" '^missing +module virtio_vdpa .*remedy: modprobe virtio_vdpa'
	modprobe -r vduse
	try ctl check
	modprobe vduse
	same "the exit status" "$STATUS" 1
	has "$OUT" '^missing +module vduse .*remedy: modprobe vduse' '^missing +/dev/vduse/control' 'management device vduse'
	expect 0 ctl check
}

test_check_as_anybody() {
	chmod 755 "$T"
	try setpriv --reuid 65534 --regid 65534 --clear-groups "$CTL" --socket "$SOCK" check
	same "the exit status" "$STATUS" 0 # who may not ask does not know that something is missing
	has "$OUT" '^warning +privileges .*you are uid 65534' '^warning +vdused .*permission denied'
}

keys() { # JSON: its members, sorted
	jq -r 'keys | join(" ")' <<<"$1"
}

test_json() { # 60 s
	local device names
	new_file a 4M
	expect 0 ctl create one --file "$FILE" --json --serial abc --queues 2
	has "$(keys "$OUT")" 'name' 'node'
	same "name" "$("$JGET" .name <<<"$OUT")" one
	[ -b "$("$JGET" .node <<<"$OUT")" ] || fail "no node: $OUT"
	dd if=/dev/zero of="$("$JGET" .node <<<"$OUT")" bs=4k count=4 oflag=direct status=none
	expect 0 ctl show one --json
	device=$OUT
	names=" $(keys "$device") "
	for key in name state step node file size read_only direct serial queues queue_size block_size owner_uid created worker \
		driver counters; do
		has "$names" " $key "
	done
	has "$(jq -r '.worker | keys | join(" ")' <<<"$device")" 'pid restarts uid'
	has "$(jq -r '.driver | keys | join(" ")' <<<"$device")" 'features status'
	has "$(jq -r '.counters | keys | join(" ")' <<<"$device")" \
		'discards errors flushes read_bytes reads write_bytes write_zeroes writes'
	same "values" "$(jq -c '[.name, .state, .step, .size, .read_only, .direct, .serial, .queues, .queue_size, .block_size,
		.owner_uid, .worker.restarts, .driver.status, .counters.write_bytes, .counters.errors]' <<<"$device")" \
		'["one","live",null,4194304,false,false,"abc",2,256,512,0,0,15,16384,0]'
	same "file" "$("$JGET" .file <<<"$device")" "$FILE"
	less "$(($(date +%s) - $("$JGET" .created <<<"$device")))" 600 || fail "created: $device"
	expect 0 ctl list --json
	same "list" "$(jq -c '.[0] | del(.counters)' <<<"$OUT")" "$(jq -c 'del(.counters)' <<<"$device")"
	expect 0 ctl version --json
	has "$(keys "$OUT")" 'protocol supervisor supervisor_error version'
	same "devices" "$(jq .supervisor.devices <<<"$OUT")" 1
	expect 0 "$CTL" --socket "$T/none" version --json
	same "supervisor" "$(jq .supervisor <<<"$OUT")" null
	has "$(jq -r .supervisor_error <<<"$OUT")" 'is vdused running'
	expect 0 ctl check --json
	same "check" "$(jq -r '[.[] | keys | join(" ")] | unique | join(",")' <<<"$OUT")" 'detail item remedy status'
	delete one
	expect 0 ctl list --json
	same "the empty list" "$(jq -c . <<<"$OUT")" '[]'
}

# A failure with --json prints nothing on stdout.
test_json_of_a_failure() {
	expect 3 ctl show nothing --json
	same "stdout" "$OUT" ""
	expect 8 "$CTL" --socket "$T/none" list --json
	same "stdout" "$OUT" ""
}

test_list_and_show_for_people() {
	new_file a 4M
	expect 0 ctl list
	same "the empty list" "$(tr -s ' ' <<<"$OUT")" 'NAME STATE NODE SIZE FILE'
	create one "$FILE" --read-only --serial xyz
	expect 0 ctl list
	same "the second line" "$(sed -n 2p <<<"$OUT" | tr -s ' ')" "one live $NODE 4M $FILE"
	expect 0 ctl show one
	has "$OUT" '^name: +one$' '^state: +live$' "^node: +$NODE$" "^file: +$FILE$" '^size: +4194304 \(4M\)$' \
		'^access: +read-only$' '^cache: +buffered$' '^serial: +xyz$' '^driver-status: +0xf \(ACKNOWLEDGE DRIVER FEATURES_OK DRIVER_OK\)$'
	VDUSED_SOCKET=$SOCK expect 0 "$CTL" list
	has "$OUT" '^one '
	expect 1 sh -c "\"$CTL\" --socket \"$SOCK\" list >/dev/full"
	has "$ERR" 'standard output'
	delete one
}

# Standard error of the test's own vdused is a pipe, which a process writes to $RUN_DIR.log until it
# is stopped.
vdused_behind_a_pipe() {
	mkfifo "$T/pipe"
	exec 7<>"$T/pipe"
	printf '#!/bin/bash\nexec "$@" 2>%s 7>&-\n' "$T/pipe" >"$T/wrap"
	VDT_WRAP=(bash "$T/wrap")
	mkdir -p "$T"
	cat <"$T/pipe" >>"$T/own.log" 7>&- &
	READER=$!
	own_vdused
}

# Whoever reads the log stops reading: disks do not notice, and what is lost is counted.
test_log_that_nobody_reads() { # 90 s
	local old wmem i t0
	read -r wmem </proc/sys/net/core/wmem_default
	echo 8192 >/proc/sys/net/core/wmem_default # few lines wait
	vdused_behind_a_pipe
	echo "$wmem" >/proc/sys/net/core/wmem_default
	new_file a 4M
	create one "$FILE"
	old=$(worker_pid one)
	kill -STOP $READER
	dd if=/dev/zero of="$T/pipe" bs=4096 oflag=nonblock status=none 2>/dev/null && fail "the pipe is not full"
	kill -KILL "$old"
	replaced() { [ "$(timeout 5 "$CTL" --socket "$SOCK" show one --json | "$JGET" '.state, .worker.restarts' | tr '\n' ' ')" = "live 1 " ]; }
	wait_for 10 replaced || fail "no new worker: $(timeout 5 "$CTL" --socket "$SOCK" list)"
	dd if=/dev/zero of="$NODE" bs=4k count=4 oflag=direct status=none
	new_file none 0
	for i in $(seq 20); do
		expect_failure ctl create "t-$i" --file "$FILE"
	done
	asks_quickly
	kill -CONT $READER
	told() { tr -d '\0' <"$T/own.log" | grep -q 'lines of this log lost here, as they were not taken in time: [1-9]'; }
	wait_for 5 told || fail "the log does not say what was lost: $(tr -d '\0' <"$T/own.log" | tail)"
	delete one
	log_so_far | tr -d '\0' | grep -q 'one: deleted' || fail "the log does not go on"
	# stuck again at the end: vdused does not stay for it
	kill -STOP $READER
	dd if=/dev/zero of="$T/pipe" bs=4096 oflag=nonblock status=none 2>/dev/null && fail "the pipe is not full"
	t0=$(now_us)
	own_stop
	in_time "the end" "$(since "$t0")" 5
	kill -KILL $READER
	exec 7>&-
	wait $READER || :
}

# Its log writer is a process that can be killed like any other.
test_log_writer_killed() {
	local writer
	own_vdused
	writer=$(pgrep -x vdused-log -P "$OWN")
	kill -KILL "$writer"
	wait_for 5 gone "$writer" || fail "it lives"
	new_file none 0
	expect_failure ctl create one --file "$FILE"
	expect_failure ctl create two --file "$FILE"
	has "$(log_so_far)" 'two: create: check file' 'lost here, as they were not taken in time: 1$'
	[ "$(pgrep -x vdused-log -P "$OWN")" != "$writer" ] || fail "no new one"
	own_stop
}

# Limits of whoever starts vdused are no limits of workers, nor of what vdused does for them.
test_limits_of_the_shell_that_starts_it() { # 60 s
	local pid
	printf '#!/bin/bash\nulimit -v 60000 -f 1024 -d 40000 -s 256 -l 64 -n 20\nexec "$@"\n' >"$T/wrap"
	VDT_WRAP=(bash "$T/wrap")
	own_vdused
	has "$(log_so_far)" 'the limit of 20 descriptors is too low for the devices that there are: raised to [0-9]+'
	random_file a 48
	create one "$FILE" --queues 2
	pid=$(worker_pid one)
	has "$(cat "/proc/$pid/limits")" 'Max address space +unlimited +unlimited' 'Max stack size +8388608 +8388608' \
		'Max data size +67108864 +67108864' 'Max file size +50331648 +50331648' 'Max cpu time +unlimited +unlimited'
	dd if=/dev/zero of="$NODE" bs=1M oflag=direct count=48 status=none
	cmp -n 50331648 "$NODE" /dev/zero
	same "the errors counted" "$(value one .counters.errors)" 0
	kill -KILL "$pid"
	again() { [ "$(value one .worker.restarts)" = 1 ]; }
	wait_for 5 again || fail "no new worker"
	cmp -n 50331648 "$NODE" /dev/zero
	has "$(cat "/proc/$(worker_pid one)/limits")" 'Max address space +unlimited +unlimited'
	delete one
	own_stop
}

# pause_and_go_on WHAT COMMAND-THAT-TAKES COMMAND-THAT-GIVES: a worker dies while its replacement
# cannot be started.
pause_and_go_on() {
	local take=$2 give=$3 reader
	new_file a 4M
	create one "$FILE"
	$take
	kill -KILL "$(worker_pid_of_log)"
	dd if="$NODE" of=/dev/null bs=4k count=1 iflag=direct status=none &
	reader=$!
	tried() { [ "$(log_so_far | grep -c 'one: starting a new worker: ')" -ge 7 ] || log_so_far | grep -q 'no worker can serve it'; }
	wait_for 20 tried || fail "it is not tried: $(log_so_far)"
	lacks "$(log_so_far)" 'no worker can serve it|no worker stays alive'
	gone $reader && fail "$1: a read ended"
	$give
	wait $reader || fail "$1: a read failed"
	again() { [ "$(value one '.state, .worker.restarts' | tr '\n' ' ')" = "live 1 " ]; }
	wait_for 10 again || fail "$1: no new worker"
	delete one
}
worker_pid_of_log() { log_so_far | sed -n 's/.*one: live as .*(worker \([0-9]*\),.*/\1/p'; }

test_worker_dies_without_descriptors() { # 90 s
	own_vdused
	few() { prlimit --pid "$OWN" --nofile=3:8192; }
	many() { prlimit --pid "$OWN" --nofile=8192:8192; }
	pause_and_go_on "no descriptors" few many
	# a create leaves what a replacement needs
	prlimit --pid "$OWN" --nofile=100:8192
	new_file b 4M
	create_refused 1 two "$FILE" 'can open only [0-9]+ more descriptors, and a create must leave 96' 'LimitNOFILE='
	expect 0 ctl list
	many
	create two "$FILE"
	delete two
	own_stop
}

test_worker_dies_while_fork_is_refused() { # 90 s
	local g=/sys/fs/cgroup/forks
	own_vdused
	echo +pids >/sys/fs/cgroup/cgroup.subtree_control
	mkdir $g
	echo "$OWN" >$g/cgroup.procs
	refuse() { echo 1 >$g/pids.max; }
	allow() { echo max >$g/pids.max; }
	pause_and_go_on "no processes" refuse allow
	refuse
	new_file b 4M
	create_refused 1 two "$FILE" 'cannot start the check file helper: Resource temporarily unavailable'
	allow
	create two "$FILE"
	delete two
	own_stop
	rmdir $g
}
