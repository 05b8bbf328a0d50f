# SPDX-License-Identifier: BSD-2-Clause
# The kinds of helpers, which are never run.
TABLE = control/steps/table.o tests/unit/steps.o

UNIT_control_table_OBJS = $(TABLE) control/helper/close_elsewhere.o common/err.o common/fd.o common/log.o
UNIT_control_netlink_watch_OBJS = $(TABLE) proto/msg.o common/err.o common/log.o control/watch/netlink_watch.o control/device/state.o
UNIT_control_unkillable_OBJS = $(TABLE) common/err.o common/fd.o common/log.o proto/msg.o control/watch/unkillable.o control/device/state.o
UNIT_control_fence_OBJS = common/err.o common/fd.o control/sys/fence.o
UNIT_control_late_OBJS = common/err.o common/fd.o control/sys/late.o control/sys/proc_sched.o
UNIT_control_attest_OBJS = common/err.o common/fd.o control/steps/jail_check.o control/steps/worker_limits.o
UNIT_control_spawn_OBJS = common/err.o common/fd.o control/steps/jail_check.o control/steps/spawn.o control/steps/worker_limits.o control/sys/cgroup.o
UNIT_control_uids_OBJS = common/fd.o control/config/uid_range.o control/device/uid_pool.o
UNIT_control_helper_OBJS = common/err.o common/fd.o common/chan.o common/log.o control/helper/helper.o control/helper/close_elsewhere.o control/sys/caps.o control/sys/reclaim.o control/sys/proc_sched.o control/sys/with_parent.o
UNIT_control_helper_LDFLAGS = -Wl,--wrap=syscall,--wrap=waitpid
UNIT_control_backing_OBJS = proto/msg.o proto/name.o proto/ctl_msg.o common/err.o common/fd.o common/chan.o control/steps/backing.o \
	control/steps/backing_id.o control/steps/backing_limits.o control/steps/backing_open.o control/steps/find_file.o control/sys/caps.o control/sys/with_parent.o
UNIT_control_backing_LDFLAGS = -Wl,--wrap=backing_become
UNIT_control_options_OBJS = common/err.o common/fd.o common/log.o control/config/options.o control/config/uid_range.o
UNIT_common_chan_OBJS = common/err.o common/fd.o common/chan.o
UNIT_common_err_OBJS = common/err.o
UNIT_common_kernel_OBJS = common/kernel_version.o
UNIT_common_blkconf_OBJS = common/blkconf.o
UNIT_control_config_OBJS = proto/msg.o proto/name.o common/err.o common/fd.o common/log.o control/config/config.o control/config/load.o control/config/text.o \
	control/config/scan.o control/config/tree.o control/config/value.o control/config/ids.o control/config/options.o control/config/uid_range.o
UNIT_control_policy_OBJS = proto/msg.o proto/name.o common/err.o common/fd.o common/log.o control/config/config.o control/config/scan.o \
	control/config/value.o control/config/tree.o control/config/ids.o control/config/uid_range.o control/config/policy.o
UNIT_control_saved_OBJS = proto/msg.o proto/name.o common/err.o common/fd.o common/log.o $(addprefix control/device/,saved.o state.o)

# A device's life: the real operations, watches and records of devices, everything below them
# played.
LIFE = $(TABLE) tests/unit/life.o proto/msg.o proto/name.o proto/state_file.o common/err.o common/fd.o common/log.o control/config/uid_range.o \
	$(addprefix control/ops/,create.o delete.o change.o upgrade.o recover.o resume.o resize.o) \
	$(addprefix control/watch/,respawn.o bind_watch.o) $(addprefix control/device/,device.o equip.o operation.o state.o uid_pool.o) common/blkconf.o $(addprefix control/sys/,fence.o reclaim.o)
LIFE_LD = -Wl,--wrap=now_ms,--wrap=log_line
UNIT_control_state_OBJS = $(LIFE)
UNIT_control_state_LDFLAGS = $(LIFE_LD)
UNIT_control_create_OBJS = $(LIFE)
UNIT_control_create_LDFLAGS = $(LIFE_LD)
UNIT_control_delete_OBJS = $(LIFE)
UNIT_control_delete_LDFLAGS = $(LIFE_LD)
UNIT_control_operation_OBJS = $(LIFE) control/ops/adopt.o
UNIT_control_operation_LDFLAGS = $(LIFE_LD)
UNIT_control_adopt_OBJS = $(LIFE) control/ops/adopt.o
UNIT_control_adopt_LDFLAGS = $(LIFE_LD)
UNIT_control_respawn_OBJS = $(LIFE)
UNIT_control_change_OBJS = $(LIFE)
UNIT_control_change_LDFLAGS = $(LIFE_LD)
UNIT_control_respawn_LDFLAGS = $(LIFE_LD)

# The control socket: connections, requests and rules about users are the real ones, the operations
# are played.
UNIT_control_server_OBJS = $(PROTO) proto/ctl_msg.o proto/state_file.o $(COMMON) common/log.o \
	$(addprefix control/server/,client.o requests.o) $(addprefix control/device/,device.o operation.o state.o access.o uid_pool.o) $(TABLE) \
	$(addprefix control/sys/,own_limits.o reclaim.o) \
	$(addprefix control/config/,config.o tree.o scan.o value.o ids.o uid_range.o policy.o)
UNIT_control_server_LDFLAGS = -Wl,--wrap=getsockopt

# How a worker comes to serve: supervise/ is real, its helpers and timers are played.
UNIT_control_worker_OBJS = $(TABLE) $(PROTO) proto/worker_msg.o proto/state_file.o $(COMMON) common/log.o control/sys/late.o \
	$(addprefix control/supervise/,worker.o worker_start.o worker_chan.o)
