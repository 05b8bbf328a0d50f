# SPDX-License-Identifier: BSD-2-Clause
# Objects of vduse-worker that each of its unit tests links.
WORKER_RING_OBJS = tests/unit/fake_guest.o worker/ring/iova.o worker/ring/virtq.o worker/ring/virtq_split.o worker/ring/inflight.o common/fd.o
UNIT_worker_iova_OBJS = tests/unit/fake_guest.o worker/ring/iova.o common/fd.o
UNIT_worker_iova_LDFLAGS = -Wl,--wrap=mmap
UNIT_worker_sigbus_OBJS = tests/unit/fake_guest.o worker/ring/iova.o worker/ring/sigbus.o common/fd.o
UNIT_worker_split_OBJS = $(WORKER_RING_OBJS)
UNIT_worker_crash_OBJS = $(WORKER_RING_OBJS) tests/unit/cpu.o
UNIT_worker_inflight_OBJS = worker/ring/inflight.o
UNIT_worker_blk_OBJS = $(WORKER_RING_OBJS) worker/blk/blk.o worker/ring/sigbus.o
UNIT_worker_engine_OBJS = worker/ring/iova.o worker/ring/sigbus.o common/fd.o worker/blk/transfer.o worker/blk/engine_pread.o worker/blk/engine_fail.o
UNIT_worker_faults_OBJS = worker/ring/iova.o worker/ring/sigbus.o common/fd.o worker/blk/transfer.o worker/blk/engine_pread.o
UNIT_worker_faults_LDFLAGS = -Wl,--wrap=preadv,--wrap=pwritev,--wrap=fdatasync,--wrap=fallocate
UNIT_worker_direct_OBJS = tests/unit/fake_guest.o worker/ring/iova.o worker/ring/sigbus.o common/fd.o worker/blk/transfer.o worker/blk/engine_pread.o
UNIT_worker_direct_LDFLAGS = -Wl,--wrap=preadv,--wrap=pwritev,--wrap=fallocate,--wrap=ioctl
UNIT_worker_aio_OBJS = worker/ring/iova.o worker/ring/sigbus.o common/fd.o worker/blk/transfer.o worker/blk/engine_pread.o \
	worker/blk/engine_aio.o worker/blk/slow.o
UNIT_worker_aio_LDFLAGS = -Wl,--wrap=syscall
WORKER_DEVICE_OBJS = $(WORKER_RING_OBJS) tests/unit/fake_vduse.o tests/unit/worker_rig.o tests/unit/late_disk.o worker/blk/blk.o worker/ring/sigbus.o \
	worker/channel/link.o worker/blk/transfer.o worker/blk/engine_pread.o worker/blk/engine_aio.o worker/blk/slow.o worker/blk/engine_fail.o \
	$(addprefix worker/device/,queue.o \
	queue_ready.o queue_halt.o requests.o queues.o deferred.o waiting.o memory_wait.o device.o takeover.o capacity.o error_stop.o) \
	proto/msg.o proto/name.o proto/worker_msg.o common/chan.o common/err.o common/blkconf.o
UNIT_worker_device_OBJS = $(WORKER_DEVICE_OBJS)
UNIT_worker_depth_OBJS = $(WORKER_DEVICE_OBJS)
UNIT_worker_takeover_OBJS = $(WORKER_DEVICE_OBJS)
UNIT_worker_status_OBJS = $(WORKER_DEVICE_OBJS) tests/unit/cpu.o
UNIT_worker_failmode_OBJS = $(WORKER_DEVICE_OBJS)
UNIT_worker_gone_OBJS = $(WORKER_DEVICE_OBJS)
UNIT_worker_unanswered_OBJS = $(WORKER_DEVICE_OBJS)
UNIT_worker_deferred_OBJS = $(WORKER_DEVICE_OBJS)
UNIT_worker_capacity_OBJS = $(WORKER_DEVICE_OBJS) worker/commands.o
UNIT_worker_error_stop_OBJS = $(WORKER_DEVICE_OBJS) worker/commands.o
UNIT_worker_link_OBJS = worker/channel/link.o proto/msg.o proto/name.o proto/worker_msg.o common/chan.o common/err.o common/fd.o
UNIT_worker_syscalls_OBJS = worker/jail/syscalls.o common/seccomp.o
UNIT_worker_adopt_OBJS = $(WORKER_DEVICE_OBJS) worker/channel/adopt.o worker/commands.o
