# tests/hostile/hostile.mk - the hostile driver; included by the Makefile.

HOSTILE = $(patsubst %.c,%.o,$(sort $(wildcard tests/hostile/*.c)))

$(BUILD)/tests/hostile: $(addprefix $(BUILD)/obj/,$(HOSTILE))
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -pie $(HARDEN_LD) -o $@ $^ -pthread

# All cases, in the VM; HOSTILE_CASES='D2? V7*' for some.
hostile: all $(BUILD)/tests/hostile
	$(Q)BUILD=$(BUILD) tests/hostile/run $(HOSTILE_CASES)

.PHONY: hostile
