# SPDX-License-Identifier: BSD-2-Clause
# tests/torture/torture.mk - `make torture`: workers killed under load, and what of the data is
# left. Included by the Makefile.

TORTURE_CHECK = tests/torture/sector.o tests/torture/model.o tests/torture/load.o
UNIT_torture_checker_OBJS = $(TORTURE_CHECK)

# CRASH_POINTS=1, in a BUILD of its own: a worker that can be told where to die (worker/crash.h),
# and a vdused that starts the next one at once however many died.
ifdef CRASH_POINTS
ALL_CFLAGS += -DVDUSED_CRASH_POINTS -DBACKOFF_MAX_MS=0L
$(BUILD)/vduse-worker: $(BUILD)/obj/tests/torture/crash.o
endif

$(BUILD)/tests/checker: $(addprefix $(BUILD)/obj/,$(TORTURE_CHECK) tests/torture/checker.o tests/torture/target_node.o tests/torture/recovery.o)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -static-pie $(HARDEN_LD) -o $@ $^ -pthread

$(BUILD)/tests/killer: $(BUILD)/obj/tests/torture/killer.o
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -static-pie $(HARDEN_LD) -o $@ $^

# Drives a vhost node with the hostile driver's calls.
$(BUILD)/tests/remap: $(addprefix $(BUILD)/obj/,tests/torture/remap.o tests/hostile/vdpa.o tests/hostile/ring.o)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -static-pie $(HARDEN_LD) -o $@ $^

# What tests/func/lib.sh reads JSON with.
$(BUILD)/tests/jget: $(BUILD)/obj/tests/func/jget.o
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -static-pie $(HARDEN_LD) -o $@ $^ -ljson-c

# What the kill tests need: in BUILD the programs of the tests, in BUILD/crash vdused and a worker
# with crash points.
torture-build: $(addprefix $(BUILD)/tests/,checker killer remap jget)
	$(Q)$(MAKE) --no-print-directory CRASH_POINTS=1 BUILD=$(BUILD)/crash $(BUILD)/crash/vdused $(BUILD)/crash/vduse-worker

# More than a thousand kills. TORTURE_CELLS='file-direct-4 peer' for some (tests/torture/run).
torture: deps
	$(Q)$(MAKE) --no-print-directory all torture-build
	$(Q)BUILD=$(BUILD) tests/torture/run $(TORTURE_CELLS)

.PHONY: torture-build torture
