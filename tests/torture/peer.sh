# SPDX-License-Identifier: BSD-2-Clause
# tests/torture/peer.sh - the same load on a disk of qemu-storage-daemon, which is killed and
# started again at once by hand. For comparison: nothing here fails. Sourced by in-vm.
# shellcheck shell=bash

start_peer() { # aio
	qemu-storage-daemon --blockdev "driver=file,filename=$FILE,node-name=d,aio=$1,cache.direct=on,discard=unmap" \
		--export "type=vduse-blk,id=e,node-name=d,name=peer0,writable=on,num-queues=4,queue-size=256" >>"$T/peer.log" 2>&1 &
	echo $! >"$T/peer.pid"
}

keep_peer_running() { # aio
	while [ ! -e "$T/peer.stop" ]; do
		start_peer "$1"
		wait $! 2>/dev/null || :
	done
}

cell_peer() { # peer-AIO
	local aio=${1#peer-} status=0 keeper checker node
	RECOVERIES=$RESULTS/$1.recoveries
	new_file peer.img $DISK_SIZE
	keep_peer_running "$aio" &
	keeper=$!
	wait_for 10 test -e /sys/class/vduse/peer0 || fail "peer: $(cat "$T/peer.log")"
	vdpa dev add name peer0 mgmtdev vduse
	wait_for 10 test -b /dev/vda || fail "peer: no disk"
	node=/dev/vda
	"$CHECKER" run $node --size $REGION --threads 16 --hang 40 --model "$T/peer.model" --deaths "$T/peer.deaths" \
		--recoveries "$RECOVERIES" >"$T/peer.checker" 2>&1 &
	checker=$!
	sleep 1
	timeout 300 "$KILLER" "$T/peer.pid" "$T/peer.deaths" 30 300 1200 || echo "peer: the kill loop ended early"
	sleep 3
	kill -TERM $checker 2>/dev/null || :
	for ((i = 0; i < 600; i++)); do
		gone $checker && break
		sleep 0.1
	done
	gone $checker || echo "peer: the checker hangs in the kernel"
	! gone $checker || wait $checker || status=$?
	echo "peer: $aio: $(wc -l <"$T/peer.deaths") kills; the checker ended with $status"
	sed 's/^/peer: /' "$T/peer.checker"
	tail -n 5 "$T/peer.log" | sed 's/^/peer: says: /'
	dmesg | tail -n +$((DMESG_START + 1)) | grep -Ei 'I/O error|vduse|blocked' | tail -n 5 | sed 's/^/peer: kernel: /' || :
	touch "$T/peer.stop"
	cp "$T/peer.deaths" "$RESULTS/$1.peer"
	[ ! -s "$RECOVERIES" ] || print_recoveries "$RECOVERIES"
	timeout 20 vdpa dev del peer0 || echo "peer: cannot be removed"
	kill -KILL "$(cat "$T/peer.pid")" $keeper 2>/dev/null || :
}
