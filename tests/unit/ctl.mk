# SPDX-License-Identifier: BSD-2-Clause
# tests/unit/ctl.mk: what the tests of vduse-ctl and of proto/ are linked with, besides their own
# object.

UNIT_proto_msg_OBJS = proto/msg.o
UNIT_proto_name_OBJS = proto/name.o
UNIT_proto_ctl_OBJS = $(PROTO) proto/ctl_msg.o tests/unit/proto_cases.o
UNIT_proto_worker_msg_OBJS = $(PROTO) proto/worker_msg.o tests/unit/proto_cases.o

# All of the tool but its main(), and the supervisor that the tests play.
CTL_UNDER_TEST = $(filter-out control/ctl/main.o,$(CTL)) tests/unit/ctl_fake.o

UNIT_ctl_args_OBJS = proto/name.o common/err.o control/ctl/args.o control/ctl/number.o control/ctl/help.o
UNIT_ctl_number_OBJS = proto/name.o common/err.o control/ctl/number.o
UNIT_ctl_print_OBJS = $(PROTO) proto/ctl_msg.o control/ctl/print.o
UNIT_ctl_create_OBJS = $(CTL_UNDER_TEST)
UNIT_ctl_socket_OBJS = $(CTL_UNDER_TEST)
UNIT_ctl_query_OBJS = $(CTL_UNDER_TEST)
UNIT_ctl_show_OBJS = $(CTL_UNDER_TEST)
UNIT_ctl_delete_OBJS = $(CTL_UNDER_TEST)
UNIT_ctl_change_OBJS = $(CTL_UNDER_TEST)
UNIT_ctl_check_OBJS = $(CTL_UNDER_TEST)
UNIT_ctl_apply_OBJS = $(CTL_UNDER_TEST)
