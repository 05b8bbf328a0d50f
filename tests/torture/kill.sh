# SPDX-License-Identifier: BSD-2-Clause
# tests/torture/kill.sh - a disk under load whose workers are killed. Sourced, after
# tests/func/lib.sh, by tests/func/75-kill.sh (short) and by in-vm (long). Everything here runs in
# the guest.
# shellcheck shell=bash disable=SC2034

TORTURE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
CHECKER=$BUILD/tests/checker
KILLER=$BUILD/tests/killer
REMAP=$BUILD/tests/remap
MIB=$((1 << 20))
REGION=$((16 * MIB)) # the checker's; fio has the four MiB behind it
DISK_SIZE=24M
SERIAL=0

# A vdused that never gives a device up nor waits before it starts the next worker, and workers that
# can be told where to die.
crash_vdused() {
	VDUSED=$BUILD/crash/vdused WORKER=$BUILD/crash/vduse-worker
	own_vdused --max-deaths 1000000
	RECOVERIES=$T/recoveries
	: >"$RECOVERIES"
}

# fio writes its region and reads it back, again and again, until $T/NAME.stop is there; prints how
# often.
fio_loop() { # name node
	local n=0
	until [ -e "$T/$1.stop" ]; do
		timeout 300 fio --name=verify --filename="$2" --offset=$REGION --size=4m --ioengine=libaio --direct=1 --rw=randwrite \
			--bsrange=4k-64k --iodepth=8 --verify=crc32c --verify_fatal=1 --do_verify=1 --randseed=$n --rate_iops=400 \
			--output="$T/$1.fio" >"$T/$1.fio-said" 2>&1 || return 1
		grep -q 'err= 0' "$T/$1.fio" || return 1
		n=$((n + 1))
	done
	echo $n >"$T/$1.fio-rounds"
}

# load_disk NAME FILE SERIAL OPTION...: the disk, the checker on it and fio beside it. NODE;
# CHECKER_PID, FIO_PID.
load_disk() {
	local name=$1 file=$2 serial=$3
	shift 3
	create "$name" "$file" --serial "$serial" "$@"
	SERIAL=$((SERIAL + 1))
	"$CHECKER" run "$NODE" --size $REGION --threads 16 --device $SERIAL --seed $((SERIAL + RANDOM)) --hang 120 \
		--model "$T/$name.model" --deaths "$T/$name.deaths" --recoveries "$RECOVERIES" >"$T/$name.checker" 2>&1 &
	CHECKER_PID=$!
	: >"$T/$name.deaths"
	fio_loop "$name" "$NODE" &
	FIO_PID=$!
}

# Ends the load of NAME and looks at everything: what the disk holds, what fio and vdused say, what
# the file holds.
unload_disk() { # name file
	local name=$1 status=0
	touch "$T/$name.stop"
	kill -TERM "$CHECKER_PID"
	wait "$CHECKER_PID" || status=$?
	cat "$T/$name.checker"
	[ "$status" = 0 ] || fail "$name: the checker ended with $status"
	wait "$FIO_PID" || fail "$name: fio: $(cat "$T/$name.fio-said" "$T/$name.fio")"
	echo "fio: $(cat "$T/$name.fio-rounds") rounds of 4 MiB written and verified"
	same "the errors counted" "$(value "$name" .counters.errors)" 0
	delete "$name"
	expect 0 "$CHECKER" verify "$2" --model "$T/$name.model"
}

# kill_disk NAME FILE SERIAL DEATHS MIN-MS MAX-MS OPTION...: one disk from its creation to its end.
kill_disk() {
	local name=$1 file=$2 serial=$3 deaths=$4 min=$5 max=$6
	shift 6
	load_disk "$name" "$file" "$serial" "$@"
	"$KILLER" "/sys/fs/cgroup/vdused/dev-$name/cgroup.procs" "$T/$name.deaths" "$deaths" "$min" "$max" ||
		fail "$name: $(ctl show "$name"); $(tail -n 20 "$T/$name.checker")"
	wait_for 20 serves "$name" || fail "$name: $(ctl show "$name")"
	sleep 0.5 # until something has been completed by the last one
	unload_disk "$name" "$file"
}

serves() { [ "$(value "$1" .state)" = live ] && [ "$(value "$1" .worker.pid)" != null ]; }

# At chosen points: each generation at the next one, up to DEATHS. The times are only a way out.
kill_at_points() { # name file deaths option...
	local name=$1 file=$2 deaths=$3
	shift 3
	kill_disk "$name" "$file" "KXX.020.$(printf %03d "$deaths")" "$deaths" 30000 30001 "$@"
}

# At any moment.
kill_at_random() { # name file deaths option...
	local name=$1 file=$2 deaths=$3
	shift 3
	kill_disk "$name" "$file" random "$deaths" 20 900 "$@"
}

# deaths_at POINT: how many workers died there so far.
deaths_at() { grep -c "the worker exited with status $((64 + $1)) " "$RUN_DIR.log" || :; }

# points_reached MIN POINT...: each of them that often.
points_reached() {
	local min=$1 p line=
	shift
	for p; do
		line="$line K$p:$(deaths_at "$p")"
	done
	echo "deaths at points:$line"
	for p; do
		[ "$(deaths_at "$p")" -ge "$min" ] || fail "only $(deaths_at "$p") deaths at K$p:$line"
	done
}

# What must hold of the whole machine.
no_io_errors() {
	local bad
	bad=$(dmesg | tail -n +$((DMESG_START + 1)) | grep -Ei 'I/O error|critical (medium|target|nexus)|timed out|reset' || :)
	[ -z "$bad" ] || fail "the kernel says: $bad"
}

# Printed, never asserted: an emulated machine says little of a real one.
print_recoveries() { # file
	echo "from a death to the first completion after it: $(awk '$1 == 1 { print $2 }' "$1" | sort -n | awk -f "$TORTURE/quantiles.awk")"
	echo "... where workers died again meanwhile: $(awk '$1 > 1 { print $2 }' "$1" | sort -n | awk -f "$TORTURE/quantiles.awk")"
}

# Messages: K10 and K12 are passed while a device is bound and unbound, K11 when a driver in
# userspace changes its memory.
kill_at_messages() { # file
	local pass
	for pass in 1 2 3 4 5 6; do
		create one "$1" --serial "K10.00$pass.001" --queues 2
		timeout 20 dd if=/dev/urandom of="$NODE" bs=64k count=4 oflag=direct conv=fsync status=none
		delete one
		create one "$1" --serial "K12.00$pass.002" --queues 2
		timeout 20 dd if="$NODE" of="$T/back" bs=64k count=4 iflag=direct status=none
		cmp -n $((4 << 16)) "$T/back" "$1"
		delete one
	done
	for pass in 1 2 3 4; do
		expect 0 ctl create one --file "$1" --serial "K11.00$pass.003" --queues 1 --bus vhost
		expect 0 timeout 60 "$REMAP" "$OUT" "$1"
		delete one
	done
}

### sqlite

# Transactions until $T/stop is there; each one that was committed is counted outside of the disk.
sqlite_load() { # directory
	local n=0 answer in out pid
	coproc SQL { stdbuf -oL sqlite3 -batch -bail "$1/db" 2>&1; }
	in=${SQL[0]} out=${SQL[1]} pid=$SQL_PID
	echo "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=50; CREATE TABLE t(n INTEGER PRIMARY KEY, x TEXT);" >&"$out"
	read -r answer <&"$in"
	[ "$answer" = wal ] || { echo "sqlite: $answer"; return 1; }
	until [ -e "$T/stop" ]; do
		n=$((n + 1))
		echo "BEGIN; INSERT INTO t VALUES($n, hex(randomblob(1000))); UPDATE t SET x = hex(randomblob(1000)) WHERE n = 1 + $n / 2; COMMIT; SELECT 'row', $n;" >&"$out"
		read -r answer <&"$in"
		while [ "$answer" = 50 ]; do read -r answer <&"$in"; done # the pragma's own answer
		[ "$answer" = "row|$n" ] || { echo "sqlite: $answer"; return 1; }
		echo $n >"$T/committed"
	done
	eval "exec $out>&-"
	wait "$pid" # until it has written and closed everything: then the disk can be unmounted
}

kill_under_sqlite() { # file deaths option...
	local file=$1 deaths=$2 load status=0
	shift 2
	create sql "$file" "$@"
	mkfs.ext4 -q "$NODE"
	mkdir -p "$T/m"
	mount "$NODE" "$T/m"
	sqlite_load "$T/m" >"$T/sqlite" 2>&1 &
	load=$!
	wait_for 20 test -s "$T/committed" || fail "sqlite: $(cat "$T/sqlite")"
	"$KILLER" /sys/fs/cgroup/vdused/dev-sql/cgroup.procs "$T/sql.deaths" "$deaths" 20 900 || fail "$(ctl show sql)"
	touch "$T/stop"
	wait $load || status=$?
	[ "$status" = 0 ] || fail "sqlite: $status: $(cat "$T/sqlite")"
	umount "$T/m"
	mount "$NODE" "$T/m"
	same "integrity_check" "$(sqlite3 "$T/m/db" 'PRAGMA integrity_check')" ok
	same "the committed rows" "$(sqlite3 "$T/m/db" 'SELECT count(*), max(n) FROM t')" "$(cat "$T/committed")|$(cat "$T/committed")"
	echo "sqlite: $(cat "$T/committed") transactions under $deaths kills, all there"
	umount "$T/m"
	expect 0 e2fsck -fn "$NODE"
	delete sql
	rm -f "$T/stop" "$T/committed"
}
