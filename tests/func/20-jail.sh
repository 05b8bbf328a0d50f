# SPDX-License-Identifier: BSD-2-Clause
# tests/func/20-jail.sh - issue 2, (4): the jail of a worker as it is seen from outside, and what
# vdused holds itself. Compared with the manuals vduse-worker(8) and vdused(8).
# shellcheck shell=bash disable=SC2034

status_of() { # file field
	sed -n "s/^$2:[[:space:]]*//p" "$1" | tr '\t' ' ' | sed 's/ *$//'
}

# Every task: filter, no_new_privs, no capability, its own uid. In TASKS how many there are.
check_tasks() { # pid uid
	local task lines line key wanted
	local -A want=([Uid]="$2 $2 $2 $2" [Gid]="$2 $2 $2 $2" [Groups]="" [NoNewPrivs]=1 [Seccomp]=2
		[CapInh]=0000000000000000 [CapPrm]=0000000000000000 [CapEff]=0000000000000000 [CapBnd]=0000000000000000
		[CapAmb]=0000000000000000)
	TASKS=0
	for task in "/proc/$1/task"/*/status; do
		wanted=0
		mapfile -t lines <"$task" # at once: it changes
		for line in "${lines[@]}"; do
			key=${line%%:*}
			[ -n "$key" ] && [ -n "${want[$key]+x}" ] || continue
			# shellcheck disable=SC2086
			set -- "$1" "$2" ${line#*:}
			same "$key" "${*:3}" "${want[$key]}"
			wanted=$((wanted + 1))
		done
		same "the number of fields looked at" $wanted ${#want[@]}
		TASKS=$((TASKS + 1))
	done
}

# "number target" of each descriptor, in order of number.
descriptors() { # pid
	find "/proc/$1/fd" -type l -printf '%f %l\n' | sed 's/ socket:.*/ socket:/' | sort -n
}

documented_descriptors() { # name file queues
	local n
	printf '%s\n' '0 /dev/null' '1 /dev/null' '2 /dev/null' '3 socket:' "4 /dev/vduse/$1" "5 $2"
	for ((n = 7; n <= 7 + $3; n++)); do
		echo "$n anon_inode:[eventfd]"
	done
	echo '24 socket:'
}

# (4) seccomp 2, no_new_privs 1, capabilities zero, a uid no other worker has
test_tasks_at_rest() {
	local n pid uid
	for n in 1 2 3; do
		new_file $n 4M
		create d$n "$FILE" --queues $n
		pid=$(worker_pid d$n)
		uid=$(value d$n .worker.uid)
		[ "$uid" -ge $UID_FIRST ] && [ "$uid" -lt $UID_OWN ] || fail "uid $uid is not in the range"
		check_tasks "$pid" "$uid"
		same "its threads" "$TASKS" $((1 + n))
	done
	same "the number of different uids" "$(ctl list --json | jq '[.[].worker.uid] | unique | length')" 3
	delete --all
}

# The same while all its threads work
test_tasks_under_load() { # 60 s
	local pid uid n fio
	new_file a 32M
	create one "$FILE" --queues 4
	pid=$(worker_pid one)
	uid=$(value one .worker.uid)
	fio --name=load --filename="$NODE" --ioengine=libaio --direct=1 --rw=randrw --bs=4k --iodepth=32 --numjobs=4 \
		--time_based --runtime=60 --output="$T/fio" &
	fio=$!
	busy() { [ "$(value one .counters.reads)" -gt 500 ]; }
	wait_for 15 busy || fail "fio does not get going"
	for n in 1 2 3; do
		check_tasks "$pid" "$uid"
		same "its threads" "$TASKS" 5
		descriptors "$pid" | grep -v '^6 ' >"$T/fds"
		diff <(documented_descriptors one "$FILE" 4) "$T/fds" || fail "other descriptors than documented"
	done
	kill -INT $fio || fail "fio ended too early"
	wait $fio || :
	delete one
}

# (4) at rest its /proc/PID/fd is exactly the documented list
test_descriptors_at_rest() {
	local pid
	new_file a 4M
	create one "$FILE" --queues 3
	dd if=/dev/zero of="$NODE" bs=4k count=16 oflag=direct status=none
	pid=$(worker_pid one)
	diff <(documented_descriptors one "$FILE" 3) <(descriptors "$pid") || fail "other descriptors than documented"
	same "the mode of the backing file" $((0$(fdinfo_flags "$pid" 5) & 3)) 2
	# a description of its own: close-on-exec, as all of them
	for fd in 3 4 5 7 8 9 10; do
		[ $((0$(fdinfo_flags "$pid" $fd) & 02000000)) != 0 ] || [ $fd = 3 ] || fail "descriptor $fd is not close-on-exec"
	done
	delete one
}

# A block device is opened by nobody else; its worker has it in place of the file.
test_descriptors_of_a_block_device() {
	local pid loop
	new_file a 4M
	loop=$(losetup -f --show "$FILE")
	create one "$loop" --queues 1
	pid=$(worker_pid one)
	diff <(documented_descriptors one "$loop" 1) <(descriptors "$pid") || fail "other descriptors than documented"
	delete one
	losetup -d "$loop"
}

# (4) its root is empty
test_root_is_empty_and_read_only() {
	local pid
	new_file a 4M
	create one "$FILE"
	pid=$(worker_pid one)
	same "the files in its root" "$(ls -A "/proc/$pid/root/")" ""
	same "its working directory" "$(ls -A "/proc/$pid/cwd/")" ""
	same "its mounts" "$(wc -l <"/proc/$pid/mountinfo")" 1
	has "$(cat "/proc/$pid/mountinfo")" ' / / ro,nosuid,nodev,noexec' ' - tmpfs .* ro,'
	expect_failure touch "/proc/$pid/root/x"
	has "$ERR" 'Read-only'
	delete one
}

# Namespaces: neither vdused's nor those of another worker
test_namespaces() {
	local ns a b v
	new_file a 4M
	create one "$FILE"
	new_file b 4M
	create two "$FILE"
	a=$(worker_pid one)
	b=$(worker_pid two)
	v=$(cat $SHARED.pid)
	for ns in mnt pid net ipc uts cgroup; do
		same "different $ns namespaces of vdused and two workers" \
			"$(readlink "/proc/$a/ns/$ns" "/proc/$b/ns/$ns" "/proc/$v/ns/$ns" | sort -u | wc -l)" 3
	done
	same "its pid inside" "$(status_of "/proc/$a/status" NSpid)" "$a 1"
	# no interface but lo, and that is down
	same "its network interfaces" "$(awk -F: 'NR > 2 { print $1 }' "/proc/$a/net/dev" | tr -d ' ')" lo
	delete --all
}

test_not_dumpable_limits_and_memory() {
	local pid
	new_file a 4M
	create one "$FILE"
	pid=$(worker_pid one)
	# proc(5): files of a process that is not dumpable belong to root
	same "the owner of /proc/PID/mem" "$(stat -c %u "/proc/$pid/mem")" 0
	same "its environment" "$(tr -d '\0' <"/proc/$pid/environ")" ""
	# anybody may read them, and has its memory meanwhile: tests/func/73-fence.sh
	same "its arguments" "$(tr '\0' ' ' <"/proc/$pid/cmdline")" ""
	same "its name" "$(cat "/proc/$pid/comm")" vduse-worker
	has "$(cat "/proc/$pid/limits")" 'Max core file size +0 +0' 'Max open files +64 +64' 'Max processes +64 +64' \
		'Max realtime priority +0 +0'
	lacks "$(cat "/proc/$pid/maps")" '^[0-9a-f-]+ .wx'
	# nothing of the driver's memory or of the state file is executable
	lacks "$(cat "/proc/$pid/maps")" '^[0-9a-f-]+ ..xs'
	delete one
}

# Another process of the same uid, without capabilities, as a worker that was taken over would be.
test_workers_cannot_reach_each_other() {
	local a uid
	new_file a 4M
	create one "$FILE"
	a=$(worker_pid one)
	uid=$(value one .worker.uid)
	expect_failure setpriv --reuid $((uid + 1)) --regid $((uid + 1)) --clear-groups --no-new-privs \
		--bounding-set=-all --inh-caps=-all kill -0 "$a"
	has "$ERR" 'not permitted'
	expect_failure setpriv --reuid "$uid" --regid "$uid" --clear-groups --no-new-privs --bounding-set=-all \
		--inh-caps=-all cat "/proc/$a/maps"
	has "$ERR" 'Permission denied'
	expect_failure setpriv --reuid "$uid" --regid "$uid" --clear-groups --no-new-privs --bounding-set=-all \
		--inh-caps=-all ls "/proc/$a/fd/"
	delete one
}

# SIGTERM does not end a worker: only vdused and SIGKILL do.
test_worker_ignores_sigterm() {
	local pid
	new_file a 4M
	create one "$FILE"
	pid=$(worker_pid one)
	kill -TERM "$pid"
	dd if="$NODE" of=/dev/null bs=4k count=1 iflag=direct status=none
	same "its pid" "$(worker_pid one)" "$pid"
	delete one
}

# (4) vdused holds no fd of any /dev/vduse/NAME, nor the backing file but for O_PATH
test_supervisor_holds_no_device() { # 60 s
	local v fd link
	v=$(cat $SHARED.pid)
	new_file a 16M
	create one "$FILE"
	fio --name=load --filename="$NODE" --ioengine=libaio --direct=1 --rw=randrw --bs=4k --iodepth=8 \
		--time_based --runtime=60 --output="$T/fio" &
	sleep 0.5
	for fd in "/proc/$v/fd"/*; do
		link=$(readlink "$fd") || continue
		lacks "$link" '^/dev/vduse/'
		if [ "$link" = "$FILE" ]; then
			[ $((0$(fdinfo_flags "$v" "${fd##*/}") & 010000000)) != 0 ] || fail "vdused has $FILE open: $(cat "/proc/$v/fdinfo/${fd##*/}")"
			echo "O_PATH of $link"
		fi
	done
	# three for each device, says the manual
	same "descriptors of vdused" "$(fds_of "$v")" $(($(cat $SHARED.base) + 3))
	lacks "$(cat "/proc/$v/maps")" 'vduse/|\[vduse'
	kill -INT $!
	wait $! || :
	delete one
}

# What the manual says is kept.
documented_capabilities() {
	sed -n '/^\.Ss Capabilities/,/^\.S[sh] [^C]/s/^\.It Dv//p' "$MAN/vdused.8" | tr 'A-Z,' 'a-z ' | xargs -n 1 | sort
}
capabilities() { # status-file field
	capsh --decode="$(status_of "$1" "$2")" | cut -d= -f2 | tr ',' '\n' | sort
}

# (4) ... and no more capabilities than the manual lists
test_supervisor_capabilities() {
	local v
	v=/proc/$(cat $SHARED.pid)/status
	[ "$(documented_capabilities | wc -l)" -ge 8 ] || fail "the manual lists: $(documented_capabilities)"
	same CapPrm "$(capabilities "$v" CapPrm)" "$(documented_capabilities)"
	same CapBnd "$(capabilities "$v" CapBnd)" "$(documented_capabilities)"
	same CapEff "$(capabilities "$v" CapEff)" cap_kill
	same CapInh "$(status_of "$v" CapInh)" 0000000000000000
	same CapAmb "$(status_of "$v" CapAmb)" 0000000000000000
	same NoNewPrivs "$(status_of "$v" NoNewPrivs)" 1
	same Seccomp "$(status_of "$v" Seccomp)" 2
}

# Its descriptors at rest: standard ones, of which stderr is a socket to the log writer, lock,
# socket, the event loop's.
test_supervisor_descriptors_at_rest() {
	same "what it has open" "$(descriptors "$(cat $SHARED.pid)" | cut -d' ' -f2 | sed 's/^pipe:.*/pipe:/' | LC_ALL=C sort | uniq -c |
		awk '{ printf "%s %s, ", $2, $1 }')" \
		"/dev/null 1, $SHARED.log 2, $SHARED/lock 1, anon_inode:[eventpoll] 1, pipe: 2, socket: 2, "
}

test_modes_of_files() {
	same "the socket" "$(stat -c '%a %u %g' "$SOCK")" "600 0 0"
	same "the runtime directory" "$(stat -c '%a %u' $SHARED)" "755 0"
	same "the state directory" "$(stat -c '%a %u' $SHARED/state)" "700 0"
	same "the empty directory" "$(stat -c '%a %u' $SHARED/empty)" "700 0"
	new_file a 4M
	create one "$FILE"
	same "the state file" "$(stat -c '%a %u %g' $SHARED/state/one)" "600 0 0"
	delete one
}
