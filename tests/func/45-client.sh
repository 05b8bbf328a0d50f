# SPDX-License-Identifier: BSD-2-Clause
# tests/func/45-client.sh - clients that do not keep to the protocol get an error, and nobody else
# notices.
# shellcheck shell=bash disable=SC2034

# CTL_* of proto/ctl_msg.h
VERSION=1 FILE_MSG=3 LIST=4 DELETE=6

# Afterwards: the same process, as many descriptors as before, and it answers at once.
unimpressed() {
	local v
	v=$(cat $SHARED.pid)
	expect 0 ctl version --json
	same "the pid of vdused" "$(jq .supervisor.pid <<<"$OUT")" "$v"
	base() { [ "$(fds_of "$v")" = "$(cat $SHARED.base)" ]; }
	wait_for 3 base || fail "vdused has $(fds_of "$v") descriptors instead of $(cat $SHARED.base)"
	asks_quickly
}

test_malformed_messages() {
	local op
	for op in "plain 0" "plain 99" "plain 65535" "plain 100" "size $LIST 8" "size $LIST 100" "size $VERSION 9" \
		"size $VERSION 60000" "size 2 7" "size 2 4" "lie $VERSION 8 9" "lie $VERSION 8 4294967295" \
		"lie $LIST 48 8" "version $VERSION 0" "version $VERSION 2" "version $VERSION 65535" "create-bad one"; do
		# shellcheck disable=SC2086
		expect 0 "$RAW" "$SOCK" $op recv plain $VERSION recv
		has "$OUT" '^error 8 : .*message'
		# the connection can still be used
		has "$OUT" '^version pid'
	done
	unimpressed
}

test_message_that_is_not_allowed_now() {
	# CTL_FILE without CTL_CREATE
	expect 0 "$RAW" "$SOCK" plain $FILE_MSG recv plain $VERSION recv
	has "$OUT" '^error 8' '^version pid'
	unimpressed
}

# Who brings descriptors where none belong is dropped: vdused does not even take them.
test_descriptors_nobody_asked_for() {
	local n
	new_file a 4M
	for n in 1 2 3 4; do
		expect 0 "$RAW" "$SOCK" open rw "$FILE" files $n recv
		has "$OUT" '^(closed|error 8)'
	done
	expect 0 "$RAW" "$SOCK" open rw "$FILE" plain $VERSION files 1 files 2 files 3 recv recv
	unimpressed
}

test_create_with_the_wrong_second_message() {
	local op
	new_file a 4M
	for op in "files 2" "files 4" "plain $FILE_MSG" "plain $VERSION" "size $FILE_MSG 9" "create one" "version $FILE_MSG 7"; do
		# shellcheck disable=SC2086
		expect 0 "$RAW" "$SOCK" open rw "$FILE" create one recv $op recv
		has "$OUT" '^send-file' '^error 8 check file: instead of the backing file the client sent a message'
	done
	unimpressed
}

# No second message: bounded. Others are not held up.
test_create_without_a_file() {
	local t0 took
	t0=$(now_us)
	"$RAW" "$SOCK" create one recv recv >"$T/out" &
	wait_for 5 grep -q send-file "$T/out" || fail "$(cat "$T/out")"
	asks_quickly
	wait $!
	took=$(since "$t0")
	echo "$took s: $(cat "$T/out")"
	has "$(cat "$T/out")" '^error [0-9] check file: .*did not send the backing file'
	in_time it "$took" 8
	unimpressed
}

# The client ends between the messages, and before the answer: cancelled, nothing left (see
# run-one).
test_disconnect_in_the_middle_of_create() {
	new_file a 4M
	none() { [ "$(ctl list --json | jq length)" = 0 ]; }
	expect 0 "$RAW" "$SOCK" create one
	wait_for 8 none || fail "$(ctl list)"
	expect 0 "$RAW" "$SOCK" create one recv
	wait_for 8 none || fail "$(ctl list)"
	expect 0 "$RAW" "$SOCK" open rw "$FILE" create one recv file
	wait_for 8 none || fail "$(ctl list)"
	has "$(log_so_far)" 'create: .*the client (went away|did not send)'
	unimpressed
}

# A second request while the first is being worked on
test_request_before_the_answer() {
	new_file a 4M
	expect 0 "$RAW" "$SOCK" open rw "$FILE" create one recv file plain $VERSION recv recv
	has "$OUT" '^send-file'
	try ctl delete one
	none() { [ "$(ctl list --json | jq length)" = 0 ]; }
	wait_for 10 none || fail "$(ctl list)"
	unimpressed
}

# Answers that are not read: the client is dropped when its socket is full.
test_client_that_does_not_read() {
	expect 0 "$RAW" "$SOCK" flood $LIST 100000 sleep 500 flood $LIST 100000 sleep 300 print done
	has "$OUT" '^done'
	asks_quickly
	"$RAW" "$SOCK" flood $LIST 100000 sleep 200 flood $LIST 100000 sleep 200 flood $LIST 100000 hold >"$T/out" &
	wait_for 10 grep -q ready "$T/out" || fail "$(cat "$T/out")"
	asks_quickly
	kill $!
	wait $! || :
	unimpressed
}

# The last close of a descriptor can take as long as its sender likes, and a record of no bytes
# looks like the end of file: what lies unread behind it must not be closed by vdused's main
# process. (A process that exits does not wait for a TCP socket, so that no helper hangs here; how
# many there may be: tests/unit/test_control_helper.c.)
test_descriptors_that_linger() {
	local n raw=()
	chmod 755 "$T"
	own_vdused --socket-group nogroup
	# stopped until they have let go: the last close is then where the records are dropped
	kill -STOP "$OWN"
	for n in {1..30}; do
		setpriv --reuid 65534 --regid 65534 --clear-groups "$RAW" "$SOCK" lingers empty file drop close hold >"$T/out.$n" &
		raw+=($!)
	done
	all_ready() { [ "$(cat "$T"/out.* | grep -c '^ready')" = 30 ]; }
	wait_for 30 all_ready || fail "$(cat "$T"/out.*)"
	kill -CONT "$OWN"
	sleep 1
	asks_quickly
	kill "${raw[@]}"
	wait "${raw[@]}" || :
	own_stop
}

test_100_connections() {
	"$RAW" "$SOCK" many 99 hold >"$T/out" &
	wait_for 10 grep -q ready "$T/out" || fail "$(cat "$T/out")"
	kill $!
	wait $! || :
	unimpressed
}

# A member of the group must not shut the others out, nor hold memory of vdused.
test_list_while_somebody_holds_100_connections() {
	local base
	chmod 755 "$T"
	own_vdused --socket-group nogroup
	base=$(fds_of "$OWN")
	setpriv --reuid 65534 --regid 65534 --clear-groups "$RAW" "$SOCK" many 99 hold >"$T/out" &
	wait_for 10 grep -q ready "$T/out" || fail "$(cat "$T/out")"
	asks_quickly
	echo "descriptors: $base, then $(fds_of "$OWN")"
	less $(($(fds_of "$OWN") - base)) 20 || fail "$(fds_of "$OWN") descriptors"
	expect 7 setpriv --reuid 65534 --regid 65534 --clear-groups "$CTL" --socket "$SOCK" list
	has "$ERR" 'too many connections'
	expect 0 setpriv --reuid 65533 --regid 65534 --clear-groups "$CTL" --socket "$SOCK" list
	kill $!
	wait $! || :
	expect 0 setpriv --reuid 65534 --regid 65534 --clear-groups "$CTL" --socket "$SOCK" list
	own_stop
}

# Rounds of everything at a time
test_noise() { # 60 s
	local n
	new_file a 4M
	for n in {1..8}; do
		"$RAW" "$SOCK" many 5 plain 77 flood $VERSION 50 create "n$n" sleep 20 file drain >/dev/null 2>&1 &
		head -c 4000 /dev/urandom | socat -u - "UNIX-CONNECT:$SOCK,type=5" >/dev/null 2>&1 &
	done
	asks_quickly
	for n in $(jobs -p); do wait "$n" || :; done
	none() { [ "$(ctl list --json | jq length)" = 0 ]; }
	wait_for 15 none || fail "$(ctl list)"
	unimpressed
}
