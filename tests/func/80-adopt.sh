# SPDX-License-Identifier: BSD-2-Clause
# tests/func/80-adopt.sh - a vdused that ends, and the next one that takes up what it left.
# shellcheck shell=bash disable=SC2034

# The state of a device as one word, "none" when it is not there.
state_of() { ctl show "$1" --json 2>/dev/null | "$JGET" .state || echo none; }
is_live() { [ "$(state_of "$1")" = live ]; }
is_failed() { [ "$(state_of "$1")" = failed ]; }
not_there() { [ ! -e "/sys/class/vduse/$1" ]; }

# vdused ends as if hit by the OOM killer.
own_kill() {
	kill -KILL "$OWN"
	wait "$OWN" || :
}

# Its options again, so that the next one is like it.
own_again() {
	start_vdused "$RUN_DIR" --worker "$T/worker" --worker-uids "$UID_OWN-$UID_LAST" --log-level debug "$@"
	OWN=$VPID
}

# I/O that never stops; its output in $T/fio
fio_start() { # node seconds
	fio --name=load --filename="$1" --ioengine=libaio --direct=1 --rw=randwrite --bs=4k --iodepth=16 --size=12m \
		--verify=crc32c --verify_fatal=1 --do_verify=1 --verify_state_save=0 --time_based --runtime="$2" --rate_iops=2000 \
		--output="$T/fio" >"$T/fio.err" 2>&1 &
	FIO=$!
}

fio_end() {
	STATUS=0
	wait "$FIO" || STATUS=$?
	[ "$STATUS" = 0 ] || fail "fio: $STATUS: $(cat "$T/fio.err" "$T/fio")"
	has "$(cat "$T/fio")" 'err= 0'
}

# SIGTERM: everything goes on, and the next vdused has it all: worker, file, counters, owner,
# limits.
test_restart_adopts() { # 60 s
	local pid node before after
	new_file a 16M
	own_vdused
	create one "$FILE" --queues 2 --serial abc
	node=$NODE
	pid=$(worker_pid one)
	dd if=/dev/urandom of="$T/data" bs=1M count=4 status=none
	before=$(ctl show one --json | jq -S 'del(.counters, .driver)')
	own_stop
	has "$(cat "$T/own.log")" 'got signal 15: stopping; devices and workers that go on serving: 1'
	dd if="$T/data" of="$NODE" bs=64k oflag=direct conv=fsync status=none
	cmp -n $((4 << 20)) "$T/data" "$FILE"
	RUN_DIR=$T/own SOCK=$RUN_DIR/control.sock
	own_again
	wait_for 5 is_live one || fail "not adopted: $(ctl show one)"
	after=$(ctl show one --json | jq -S 'del(.counters, .driver)')
	same "what show says" "$after" "$before"
	same "its worker" "$(worker_pid one)" "$pid"
	has "$(log_so_far)" "one: worker $pid goes on serving $NODE"
	# its name, its uid, its file are taken
	create_refused 4 one "$T/a" 'there is already a device of that name'
	create_refused 5 two "$T/a" 'already in use by device "one"'
	new_file b 4M
	create two "$T/b"
	[ "$(value two .worker.uid)" != "$(value one .worker.uid)" ] || fail "two workers with one uid"
	# it is watched as before
	kill -KILL "$pid"
	replaced() { [ "$(value one .worker.restarts)" = 1 ] && is_live one; }
	wait_for 5 replaced || fail "no new worker: $(ctl show one)"
	cmp -n $((4 << 20)) "$T/data" "$T/a"
	dd if="$node" bs=64k count=16 iflag=direct status=none | cmp -n $((1 << 20)) - "$T/data"
	delete one
	delete two
	own_stop
}

# An adopted worker that hangs is noticed, and so is one that is told to stop.
test_adopted_worker_is_watched() { # 60 s
	local pid
	new_file a 16M
	own_vdused
	create one "$FILE"
	pid=$(worker_pid one)
	own_kill
	own_again
	wait_for 5 is_live one || fail "not adopted: $(ctl show one)"
	same "its worker" "$(worker_pid one)" "$pid"
	kill -STOP "$pid"
	replaced() { [ "$(value one .worker.restarts)" = 1 ] && is_live one; }
	wait_for 10 replaced || fail "not replaced: $(ctl show one)"
	own_kill
	own_again
	wait_for 5 is_live one || fail "not adopted again"
	delete one
	own_stop
}

# A renamed file is found all the same: the worker gives it back.
test_renamed_file_is_known_to_its_worker() { # 60 s
	local pid
	new_file a 16M
	own_vdused
	create one "$FILE"
	pid=$(worker_pid one)
	own_kill
	mv "$T/a" "$T/elsewhere"
	own_again
	wait_for 5 is_live one || fail "not adopted: $(ctl show one)"
	kill -KILL "$pid"
	replaced() { [ "$(value one .worker.restarts)" = 1 ] && is_live one; }
	wait_for 5 replaced || fail "no new worker: $(ctl show one)"
	dd if=/dev/zero of="$NODE" bs=64k count=16 oflag=direct conv=fsync status=none
	delete one
	own_stop
}

# Killed again and again while fio writes and checks.
test_killed_under_load() { # 200 s
	local n pid
	new_file a 16M
	own_vdused
	create one "$FILE" --queues 2
	pid=$(worker_pid one)
	fio_start "$NODE" 30
	for ((n = 1; n <= 20; n++)); do
		sleep "0.$((RANDOM % 8 + 1))"
		own_kill
		own_again
		wait_for 5 is_live one || fail "kill $n: not adopted: $(ctl show one)"
		same "its worker" "$(worker_pid one)" "$pid"
	done
	fio_end
	same "restarts" "$(value one .worker.restarts)" 0
	delete one
	own_stop
}

# Both at once, with I/O in flight: the next generation finds the file by its path.
test_both_killed_under_load() { # 120 s
	local n
	new_file a 16M
	own_vdused
	create one "$FILE" --queues 2
	fio_start "$NODE" 10
	for n in 1 2 3 4; do
		sleep "0.$((RANDOM % 8 + 1))"
		kill -KILL "$OWN" "$(worker_pid one)"
		wait "$OWN" || :
		own_again
		replaced() { [ "$(value one .worker.restarts)" = "$n" ] && is_live one; }
		wait_for 5 replaced || fail "kill $n: $(ctl show one)"
	done
	fio_end
	delete one
	own_stop
}

# Both killed, and the file not where it was: I/O errors, not waiting; and back when it is there
# again.
test_both_killed_and_the_file_gone() { # 60 s
	local t0
	new_file a 16M
	own_vdused
	create one "$FILE"
	dd if=/dev/urandom of="$T/data" bs=1M count=1 status=none
	dd if="$T/data" of="$NODE" bs=64k oflag=direct conv=fsync status=none
	kill -KILL "$OWN" "$(worker_pid one)"
	wait "$OWN" || :
	mv "$T/a" "$T/elsewhere"
	cp "$T/elsewhere" "$T/a" # another file of that name is not it
	own_again
	t0=$(now_us)
	expect 1 dd if="$NODE" of=/dev/null bs=4k count=1 iflag=direct
	has "$ERR" 'Input/output error'
	echo "dd ended after $(since "$t0") s"
	wait_for 5 is_failed one || fail "$(ctl show one)"
	has "$(log_so_far)" 'one: .*/a is not the file it was: put that back there' 'vduse-ctl recover one'
	# which nobody takes without being asked to; what recover takes and what not: 74-identity.sh
	rm "$T/a"
	expect 1 ctl recover one
	has "$ERR" 'vduse-ctl: recover one: find file: .*No such file or directory: put it back there'
	is_failed one || fail "not failed any more"
	mv "$T/elsewhere" "$T/a"
	expect 0 ctl recover one
	is_live one || fail "not live: $(ctl show one)"
	dd if="$NODE" bs=64k count=16 iflag=direct status=none | cmp - "$T/data"
	dd if="$T/data" of="$NODE" bs=64k seek=32 oflag=direct conv=fsync status=none
	delete one
	own_stop
}

# What somebody else took away in the meantime is not ours any more.
test_device_removed_meanwhile() { # 60 s
	local pid
	new_file a 16M
	own_vdused
	create one "$FILE"
	pid=$(worker_pid one)
	own_kill
	vdpa dev del one
	kill -KILL "$pid"
	wait_for 5 gone "$pid"
	wait_for 3 "$TOOL" foreign-destroy one
	own_again
	empty() { [ "$(ctl list --json | jq length)" = 0 ]; }
	wait_for 10 empty || fail "still there: $(ctl list)"
	has "$(log_so_far)" 'one: the kernel has no such device any more'
	create one "$T/a"
	delete one
	own_stop
}

# Fail mode outlives vdused, too.
test_fail_mode_is_kept() { # 90 s
	new_file a 16M
	own_vdused --max-deaths 1
	create one "$FILE"
	kill -KILL "$(worker_pid one)"
	replaced() { [ "$(value one .worker.restarts)" = 1 ] && is_live one; }
	wait_for 5 replaced || fail "no new worker"
	kill -KILL "$(worker_pid one)"
	wait_for 10 is_failed one || fail "not in fail mode: $(ctl show one)"
	expect 1 dd if="$NODE" of=/dev/null bs=4k count=1 iflag=direct
	own_kill
	own_again --max-deaths 1
	settled() { [ "$(value one .step)" = "fail mode" ]; }
	wait_for 5 settled || fail "$(ctl show one)"
	expect 1 dd if="$NODE" of=/dev/null bs=4k count=1 iflag=direct
	expect 0 ctl recover one
	dd if=/dev/zero of="$NODE" bs=64k count=16 oflag=direct conv=fsync status=none
	expect 2 ctl recover one
	has "$ERR" 'not in fail mode'
	delete one
	own_stop
}

# A record that cannot be right is left alone, and everything else goes on.
test_bad_records() { # 60 s
	new_file a 4M
	own_vdused
	create one "$FILE"
	new_file b 4M
	create two "$FILE"
	own_kill
	head -c 100 "$T/own/device/one" >"$T/own/device/short"
	cp "$T/own/device/one" "$T/own/device/other-name"
	: >"$T/own/device/empty"
	mkdir "$T/own/device/dir"
	ln -s /etc/passwd "$T/own/device/link"
	own_again
	wait_for 5 is_live one || fail "$(ctl show one)"
	wait_for 5 is_live two || fail "$(ctl show two)"
	same "devices" "$(ctl list --json | jq length)" 2
	has "$(log_so_far)" 'device/short: it is of another version' 'device/other-name: it is not the record of a device of that name'
	rm -r "$T/own/device"/{short,other-name,empty,dir,link}
	delete --all
	own_stop
}

# A delete that is asked for while devices are looked at waits for that.
test_delete_while_adopting() { # 60 s
	local n
	own_vdused
	for n in 1 2 3 4; do
		new_file $n 4M
		create d$n "$FILE"
	done
	own_kill
	own_again
	delete --all
	own_stop
}

# Where the create of $1 has got to, as the kernel shows it.
how_far() {
	if [ -e "/sys/bus/vdpa/devices/$1/driver" ]; then
		echo bound
	elif [ -e "/sys/bus/vdpa/devices/$1" ]; then
		echo attached
	elif pgrep -x vduse-worker -U "$UID_OWN-$UID_LAST" >/dev/null 2>&1 || [ -n "$(ls "$T/own/worker")" ]; then
		echo worker
	elif [ -e "/sys/class/vduse/$1" ]; then
		echo made
	else
		echo nothing
	fi
}

# Kills vdused at a moment of an operation on "one" that gets later from round to round, starts the
# next one, and waits until it is settled: the device serves, or there is none. What happened is
# counted in SEEN.
# In the place of us: a path, and the moment is when it is there, or !path: when it is gone.
there() { if [[ $1 == !* ]]; then [ ! -e "${1#!}" ]; else [ -e "$1" ]; fi; }
kill_in() { # create|delete round us command...
	local op=$1 n=$2 us=$3 far state end
	shift 3
	"$@" >"$T/out" 2>"$T/err" &
	if [[ $us == */* ]]; then
		end=$((SECONDS + 20))
		until there "$us" || [ $SECONDS -gt $end ]; do :; done
		us=0
	else
		us=$((n * us + RANDOM % us))
		sleep "$(printf '0.%06d' $us)"
	fi
	kill -KILL "$OWN"
	wait "$OWN" || :
	wait $! || :
	far=$(how_far one)
	SEEN+=" $far"
	own_again
	settled() { [ "$(state_of one)" = live ] || { [ "$(state_of one)" = none ] && not_there one; }; }
	wait_for 15 settled || fail "killed after $us us ($far): $(ctl show one); $(ctl list)"
	state=$(state_of one)
	echo "$op: killed after $us us: $far: $state"
	[ "$(cat $BUS/drivers_autoprobe)" = 1 ] || fail "drivers_autoprobe"
	[ "$state" = live ] || return 0
	NODE=$(value one .node)
	timeout 30 dd if=/dev/zero of="$NODE" bs=64k count=4 oflag=direct conv=fsync status=none
}

seen_report() { # operation
	report "$1: vdused killed $(wc -w <<<"$SEEN") times, at:$(tr ' ' '\n' <<<"$SEEN" | sort | uniq -c | tr -s ' \n' ' ')"
}

# SIGKILL at every moment of create: what was not finished is undone, what was is served.
test_killed_in_every_step_of_create() { # 500 s
	local n far
	local -A begins=([made]=/sys/class/vduse/one [attached]=$BUS/devices/one [bound]=$BUS/devices/one/driver)
	undone() {
		[ "$(state_of one)" != live ] || delete one
		clean() { [ -z "$(strays)" ]; }
		wait_for 2 clean || fail "left behind: $(strays)"
	}
	SEEN=
	new_file a 16M
	own_vdused
	for ((n = 0; n < 50; n++)); do
		kill_in create $n 8000 ctl create one --file "$FILE"
		undone
	done
	# what lasts a few milliseconds only, and was not met by chance
	for far in made attached bound; do
		for ((n = 0; n < 15; n++)); do
			[[ " $SEEN " != *" $far "* ]] || break
			kill_in create $n "${begins[$far]}" ctl create one --file "$FILE"
			undone
		done
	done
	seen_report create
	for far in made attached bound; do
		has "$SEEN" " $far"
	done
	own_stop
}

# SIGKILL at every moment of delete: it is finished, or the device is served as before.
test_killed_in_every_step_of_delete() { # 400 s
	local n far
	local -A begins=(["bound|attached"]=/sys/class/vduse/one ["worker|made"]=!$BUS/devices/one [nothing]=!/sys/class/vduse/one)
	SEEN=
	new_file a 16M
	own_vdused
	for ((n = 0; n < 30; n++)); do
		[ "$(state_of one)" = live ] || create one "$FILE"
		kill_in delete $n 4000 ctl delete one
	done
	# what was not met by chance
	for far in "${!begins[@]}"; do
		for ((n = 0; n < 15; n++)); do
			[[ ! $SEEN =~ \ ($far) ]] || break
			[ "$(state_of one)" = live ] || create one "$FILE"
			kill_in delete $n "${begins[$far]}" ctl delete one
		done
	done
	seen_report delete
	has "$SEEN" ' (bound|attached)' ' (worker|made)' ' nothing'
	[ "$(state_of one)" != live ] || delete one
	own_stop
}
