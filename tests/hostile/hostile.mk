# SPDX-License-Identifier: BSD-2-Clause
# tests/hostile/hostile.mk - the hostile driver; included by the Makefile.

HOSTILE = $(patsubst %.c,%.o,$(sort $(wildcard tests/hostile/*.c)))

$(BUILD)/tests/hostile: $(addprefix $(BUILD)/obj/,$(HOSTILE))
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -pie $(HARDEN_LD) -o $@ $^ -pthread

hostile-build: $(BUILD)/tests/hostile

# All cases, in the VM; T='D2? V7*' for some.
hostile: all hostile-build
	$(Q)BUILD=$(BUILD) tests/hostile/run $(if $(filter-out *,$(T)),$(foreach t,$(T),'$(t)'))$(HOSTILE_CASES)

.PHONY: hostile hostile-build
