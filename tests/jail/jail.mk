# SPDX-License-Identifier: BSD-2-Clause
# tests/jail/jail.mk: `make check-jail`, the worker's jail tried from inside. Included by the
# Makefile.

# Plays vdused: its spawn code, and the worker's table as what to expect.
JAIL_ATTEMPTS = worker/jail/syscalls.o common/seccomp.o \
	$(patsubst %.c,%.o,$(filter-out %/policy_cut.c %/guest.c,$(wildcard tests/jail/*.c)))

# The worker with another table.
JAIL_VARIANT = $(filter-out worker/jail/syscalls.o,$(WORKER)) tests/jail/policy_cut.o

$(BUILD)/tests/jail/attempts: $(addprefix $(BUILD)/obj/,$(JAIL_ATTEMPTS)) $(BUILD)/libvdused.a
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
