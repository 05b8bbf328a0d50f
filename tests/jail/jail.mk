# SPDX-License-Identifier: BSD-2-Clause
# tests/jail/jail.mk: `make check-jail`, the worker's jail tried from inside. Included by the
# Makefile.

# Plays vdused: its spawn code, and the worker's table as what to expect.
JAIL_ATTEMPTS = $(PROTO) proto/worker_msg.o $(COMMON) common/log.o common/blkconf.o common/seccomp.o worker/jail/syscalls.o \
	control/helper/helper.o control/helper/close_elsewhere.o control/steps/spawn.o control/sys/cgroup.o control/sys/caps.o control/sys/reclaim.o control/sys/with_parent.o control/sys/proc_sched.o control/steps/jail_check.o control/steps/worker_limits.o \
	$(patsubst %.c,%.o,$(filter-out %/policy_cut.c %/guest.c,$(wildcard tests/jail/*.c)))

# The worker with another table.
JAIL_VARIANT = $(filter-out worker/jail/syscalls.o,$(WORKER)) tests/jail/policy_cut.o

$(BUILD)/tests/jail/attempts: $(addprefix $(BUILD)/obj/,$(JAIL_ATTEMPTS))
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -pie $(HARDEN_LD) -o $@ $^ -lseccomp -lcap-ng -levent_core

$(BUILD)/tests/jail/variant: $(addprefix $(BUILD)/obj/,$(JAIL_VARIANT))
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -static-pie $(HARDEN_LD) -o $@ $^ $(WORKER_LIBS) -pthread

# What drives and watches a worker inside the VM.
$(BUILD)/tests/jail/guest: $(addprefix $(BUILD)/obj/,tests/jail/guest.o worker/jail/syscalls.o common/fd.o)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -static-pie $(HARDEN_LD) -o $@ $^ $(WORKER_LIBS)

jail-build: $(addprefix $(BUILD)/tests/jail/,attempts variant guest)

check-jail: deps
	$(Q)$(MAKE) --no-print-directory all jail-build
	$(Q)BUILD=$(BUILD) tests/jail/run

.PHONY: jail-build check-jail
