# Objects of vduse-worker that each of its unit tests links.
WORKER_RING_OBJS = tests/unit/fake_guest.o worker/iova.o worker/virtq.o worker/virtq_split.o worker/inflight.o common/fd.o
UNIT_worker_iova_OBJS = tests/unit/fake_guest.o worker/iova.o common/fd.o
UNIT_worker_sigbus_OBJS = tests/unit/fake_guest.o worker/iova.o worker/sigbus.o common/fd.o
UNIT_worker_split_OBJS = $(WORKER_RING_OBJS)
UNIT_worker_crash_OBJS = $(WORKER_RING_OBJS) tests/unit/cpu.o
UNIT_worker_inflight_OBJS = worker/inflight.o
UNIT_worker_blk_OBJS = $(WORKER_RING_OBJS) worker/blk.o worker/sigbus.o
UNIT_worker_engine_OBJS = worker/engine_pread.o worker/engine_fail.o
UNIT_worker_faults_OBJS = worker/engine_pread.o
UNIT_worker_faults_LDFLAGS = -Wl,--wrap=preadv,--wrap=pwritev,--wrap=fdatasync,--wrap=fallocate
WORKER_DEVICE_OBJS = $(WORKER_RING_OBJS) tests/unit/fake_vduse.o tests/unit/worker_rig.o worker/blk.o worker/sigbus.o \
	worker/queue.o worker/queue_ready.o worker/queues.o worker/owed.o worker/device.o worker/resume.o worker/capacity.o worker/halt.o worker/link.o worker/engine_pread.o worker/engine_fail.o \
	proto/msg.o proto/name.o proto/work.o common/chan.o common/err.o common/blkconf.o
UNIT_worker_device_OBJS = $(WORKER_DEVICE_OBJS)
UNIT_worker_resume_OBJS = $(WORKER_DEVICE_OBJS)
UNIT_worker_status_OBJS = $(WORKER_DEVICE_OBJS) tests/unit/cpu.o
UNIT_worker_failmode_OBJS = $(WORKER_DEVICE_OBJS)
UNIT_worker_gone_OBJS = $(WORKER_DEVICE_OBJS)
UNIT_worker_owed_OBJS = $(WORKER_DEVICE_OBJS)
UNIT_worker_capacity_OBJS = $(WORKER_DEVICE_OBJS) worker/orders.o
UNIT_worker_halt_OBJS = $(WORKER_DEVICE_OBJS) worker/orders.o
UNIT_worker_link_OBJS = worker/link.o proto/msg.o proto/name.o proto/work.o common/chan.o common/err.o common/fd.o
UNIT_worker_policy_OBJS = worker/policy.o common/seccomp.o
UNIT_worker_adopt_OBJS = $(WORKER_DEVICE_OBJS) worker/adopt.o worker/orders.o
