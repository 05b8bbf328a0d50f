# SPDX-License-Identifier: BSD-2-Clause
# tests/unit/control.mk: what the tests of vdused put in the place of what is in libvdused.a.

UNIT_control_helper_LDFLAGS = -Wl,--wrap=syscall,--wrap=waitpid
UNIT_control_backing_LDFLAGS = -Wl,--wrap=backing_become

# What only tests that name it are linked with.
UNIT_STAND_INS = $(addprefix tests/unit/,steps.o life.o played_client.o played_worker.o)

# The kinds of helpers are the real ones, and are never run.
STEPS = tests/unit/steps.o
UNIT_control_table_OBJS = $(STEPS)
UNIT_control_netlink_watch_OBJS = $(STEPS)
UNIT_control_unkillable_OBJS = $(STEPS)

# The socket, connections, requests and rules about users are the real ones.
define server
UNIT_control_$(1)_OBJS = $(STEPS) tests/unit/played_client.o
UNIT_control_$(1)_LDFLAGS = -Wl,--wrap=getsockopt
endef
$(foreach test,server requests,$(eval $(call server,$(test))))

# supervise/ is real, the worker, helpers and timers are played.
UNIT_control_worker_OBJS = $(STEPS) tests/unit/played_worker.o
UNIT_control_phases_OBJS = $(UNIT_control_worker_OBJS)

# A device's life: the real operations, watches and records of devices, everything below them
# played.
define life
UNIT_control_$(1)_OBJS = $(STEPS) tests/unit/life.o
UNIT_control_$(1)_LDFLAGS = -Wl,--wrap=now_ms,--wrap=log_line
endef
$(foreach test,equip state create delete operation adopt respawn change,$(eval $(call life,$(test))))
