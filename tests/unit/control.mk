UNIT_control_stall_OBJS = common/err.o common/log.o control/stall.o
UNIT_control_attest_OBJS = common/err.o common/fd.o control/attest.o
UNIT_control_uids_OBJS = common/fd.o control/uids.o
UNIT_control_helper_OBJS = common/err.o common/fd.o common/chan.o common/log.o control/helper.o control/closer.o control/caps.o
UNIT_control_backing_OBJS = proto/msg.o proto/name.o proto/ctl.o common/err.o common/fd.o common/chan.o control/backing.o \
	control/caps.o
UNIT_control_options_OBJS = common/err.o common/fd.o common/log.o control/options.o control/uids.o
UNIT_common_chan_OBJS = common/err.o common/fd.o common/chan.o
UNIT_common_kernel_OBJS = common/kernel.o
UNIT_control_config_OBJS = proto/msg.o proto/name.o common/err.o common/fd.o common/log.o control/config.o control/config_load.o \
	control/config_scan.o control/config_value.o control/config_ids.o control/options.o control/uids.o
UNIT_control_policy_OBJS = proto/msg.o proto/name.o common/err.o common/fd.o common/log.o control/config.o control/config_scan.o \
	control/config_value.o control/config_ids.o control/uids.o control/policy.o
UNIT_control_record_OBJS = proto/msg.o proto/name.o common/err.o common/fd.o common/log.o control/record.o
