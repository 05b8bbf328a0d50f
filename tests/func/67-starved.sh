# SPDX-License-Identifier: BSD-2-Clause
# tests/func/67-starved.sh - workers that do not answer because the host gives them no processor
# time, or has frozen them: nothing of theirs is wrong, so no disk may end in I/O errors. That one
# that is stopped is replaced: 65-stuck.sh.
# shellcheck shell=bash disable=SC2034

# The group of a device's worker may use 1 ms a second, and other processes of the group use much
# more: from now on none of them runs, while all are runnable.
starve() { # name
	local dir=/sys/fs/cgroup/vdused/dev-$1 n
	SPINNERS=()
	for n in 1 2 3; do
		bash -c 'echo $$ >"$1/cgroup.procs"; while :; do :; done' - "$dir" &
		SPINNERS+=($!)
	done
	inside() { [ "$(grep -cxF -e "${SPINNERS[0]}" -e "${SPINNERS[1]}" -e "${SPINNERS[2]}" "$dir/cgroup.procs")" = 3 ]; }
	wait_for 5 inside || fail "nobody is in $dir"
	echo '1000 1000000' >"$dir/cpu.max"
	sleep 0.2
}

feed() { # name
	kill -KILL "${SPINNERS[@]}"
	echo max >"/sys/fs/cgroup/vdused/dev-$1/cpu.max"
	wait "${SPINNERS[@]}" || :
}

ran() { cut -d' ' -f1 "/proc/$1/task/$1/schedstat"; } # nanoseconds of its main thread

write_something() { timeout 60 dd if=/dev/zero of="$NODE" bs=64k count=16 oflag=direct status=none; }

# Longer than any answer is waited for.
test_starved_worker_is_waited_for() { # 60 s
	local pid before
	own_vdused --max-deaths 1
	new_file a 16M
	create one "$FILE"
	pid=$(worker_pid one)
	starve one
	before=$(ran "$pid")
	write_something &
	sleep 7
	[ $(($(ran "$pid") - before)) -lt 100000000 ] || fail "it was not starved: nothing was shown"
	asks_quickly
	same "the state" "$(value one .state)" live
	feed one
	wait $! || fail "the write failed"
	same "the worker" "$(worker_pid one)" "$pid"
	same "restarts" "$(value one .worker.restarts)" 0
	lacks "$(log_so_far)" 'killing worker'
	delete one
	own_stop
}

# For minutes: it is replaced, as nobody can know; but that is none of the deaths that lead to fail
# mode, and neither is it when the next one does not get through its start.
test_starved_for_long_is_no_death_that_counts() { # 120 s
	own_vdused --max-deaths 1
	new_file a 16M
	create one "$FILE"
	kill -KILL "$(worker_pid one)" # one more that counts, and it is in fail mode
	replaced() { [ "$(value one '.worker.restarts, .state' | tr '\n' ' ')" = "1 live " ]; }
	wait_for 10 replaced || fail "no new worker: $(ctl show one)"
	starve one
	write_something &
	killed() { log_so_far | grep -q "one: killing worker .*: it does not answer, as it gets no processor time"; }
	wait_for 30 killed || fail "it was not killed: $(ctl show one)"
	sleep 20
	feed one
	wait $! || fail "the write failed: $(ctl show one)"
	is_live() { [ "$(value one .state)" = live ]; }
	wait_for 30 is_live || fail "$(ctl show one)"
	same "the errors counted" "$(value one .counters.errors)" 0
	lacks "$(log_so_far)" 'ends in an I/O error'
	delete one
	own_stop
}

# Many busy processes beside some disks in use: nobody is killed, nobody gets an error.
test_busy_host() { # 90 s
	local n writers=() busy=()
	own_vdused --max-deaths 1
	for n in 1 2 3 4; do
		new_file "d$n" 8M
		create "d$n" "$FILE"
		timeout 80 dd if=/dev/zero of="$NODE" bs=4k count=200 oflag=direct status=none &
		writers+=($!)
	done
	for ((n = 0; n < 40; n++)); do
		bash -c 'while :; do :; done' &
		busy+=($!)
	done
	sleep 15
	kill -KILL "${busy[@]}"
	wait "${busy[@]}" || :
	for n in "${writers[@]}"; do
		wait "$n" || fail "a write failed: $(ctl list)"
	done
	for n in 1 2 3 4; do
		same "d$n" "$(value "d$n" '.state, .worker.restarts' | tr '\n' ' ')" "live 0 "
	done
	lacks "$(log_so_far)" 'killing worker'
	delete --all
	own_stop
}

# What is frozen with all that is in it is thawed with all that is in it: to kill it, for one that
# is frozen too, helps nobody.
test_frozen_worker_is_waited_for() { # 60 s
	local pid freeze=/sys/fs/cgroup/vdused/dev-one/cgroup.freeze
	own_vdused --max-deaths 1
	new_file a 16M
	create one "$FILE"
	pid=$(worker_pid one)
	echo 1 >$freeze
	write_something &
	frozen() { log_so_far | grep -q "one: worker $pid does not answer, as its cgroup is frozen"; }
	wait_for 10 frozen || fail "the log does not say so"
	sleep 3
	asks_quickly
	expect 5 ctl delete one
	has "$ERR" 'in a frozen cgroup: write 0 to cgroup.freeze there'
	same "its step" "$(value one .step)" frozen
	echo 0 >$freeze
	wait $! || fail "the write failed"
	same "the worker" "$(worker_pid one)" "$pid"
	lacks "$(log_so_far)" 'killing worker'
	echo 1 >$freeze
	kill -KILL "$pid"
	not_started() { log_so_far | grep -q "one: no new worker is started, as its cgroup is frozen"; }
	wait_for 10 not_started || fail "the log does not say so: $(log_so_far)"
	sleep 3
	same "how often it says so" "$(log_so_far | grep -c 'no new worker is started')" 1
	expect 5 ctl delete one
	has "$ERR" 'its cgroup is frozen: write 0 to cgroup.freeze there'
	echo 0 >$freeze
	back() { [ "$(value one '.worker.restarts, .state' | tr '\n' ' ')" = "1 live " ]; }
	wait_for 20 back || fail "no new worker: $(ctl show one)"
	write_something
	delete one
	own_stop
}
