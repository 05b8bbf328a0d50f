# SPDX-License-Identifier: BSD-2-Clause
# tests/fuzz/fuzz.mk: the libFuzzer targets. Included by the Makefile; always built with clang, into
# $(BUILD)/fuzz. The worker's files get some system calls replaced (memory.h, kernel.h), so that
# they run without a kernel's VDUSE and a queue's thread is a function that the target calls.

FUZZ = $(BUILD)/fuzz
FUZZ_CC = clang
FUZZ_SECONDS = 1800
FUZZ_TARGETS = chain blk ctl work state device attest iova config
FUZZ_WARN = $(filter-out -Wtrampolines -Wbidi-chars=any -Wlogical-op -Wduplicated-cond,$(WARN)) -Wno-gnu-folding-constant
FUZZ_CFLAGS = -std=gnu11 -D_GNU_SOURCE -I. -DVDUSED_VERSION='"$(VERSION)"' $(FUZZ_WARN) -O2 -g -fno-omit-frame-pointer
FUZZ_SAN = -fsanitize=address,undefined -fno-sanitize-recover=all
# Only the code under test guides the fuzzer. Its comparisons guide it in the parsers of messages;
# in the worker's loops over descriptors that would cost two thirds of the speed, and there the
# targets write telling values themselves.
FUZZ_GUIDE = $(if $(findstring tests/fuzz/,$<),,$(if $(findstring worker/,$<),\
	-fsanitize-coverage=inline-8bit-counters$(comma)pc-table,-fsanitize=fuzzer))
comma = ,
# Coverage is measured without the sanitizers, whose checks would count as branches.
FUZZ_COV = -fsanitize=fuzzer -fprofile-instr-generate -fcoverage-mapping

# What is replaced, by file.
FUZZ_FAKE_worker/ring/iova = -Dmmap=fuzz_mmap -Dmunmap=fuzz_munmap -Dfd_close=fuzz_fd_close
FUZZ_FAKE_worker/device/takeover = -Dmmap=fuzz_mmap -Dfd_close=fuzz_fd_close -Deventfd=fuzz_eventfd -Dcalloc=fuzz_calloc
FUZZ_FAKE_worker/device/queues = -Dpoll=fuzz_poll -Dread=fuzz_read -Dnow_ms=fuzz_now_ms
FUZZ_FAKE_worker/device/memory_wait = -Dnow_ms=fuzz_now_ms
FUZZ_FAKE_worker/device/queue = -Dread=fuzz_read -Dwrite=fuzz_write -Deventfd=fuzz_eventfd -Dprctl=fuzz_prctl \
	-Dpthread_create=fuzz_pthread_create
FUZZ_FAKE_worker/device/requests = -Dcalloc=fuzz_calloc

FUZZ_RING = $(addprefix tests/fuzz/,memory.o guest.o checked.o) worker/ring/iova.o worker/ring/virtq.o worker/ring/virtq_split.o \
	worker/ring/inflight.o
FUZZ_DEVICE = $(FUZZ_RING) tests/fuzz/kernel.o tests/fuzz/worker.o proto/msg.o common/err.o common/fd.o common/blkconf.o \
	worker/blk/blk.o worker/blk/engine_fail.o $(addprefix worker/device/,queue.o queue_ready.o queue_halt.o requests.o queues.o \
	deferred.o waiting.o memory_wait.o device.o takeover.o engines.o capacity.o error_stop.o)
FUZZ_chain_OBJS = $(FUZZ_RING)
FUZZ_blk_OBJS = $(FUZZ_RING) worker/blk/blk.o worker/ring/sigbus.o worker/blk/transfer.o worker/blk/engine_pread.o
FUZZ_iova_OBJS = tests/fuzz/memory.o tests/fuzz/guest.o worker/ring/iova.o
FUZZ_ctl_OBJS = $(PROTO) proto/ctl_msg.o tests/fuzz/message.o
FUZZ_work_OBJS = $(PROTO) proto/worker_msg.o tests/fuzz/message.o
FUZZ_state_OBJS = $(FUZZ_DEVICE) proto/state_file.o
FUZZ_device_OBJS = $(FUZZ_DEVICE)
FUZZ_attest_OBJS = common/err.o common/fd.o control/steps/jail_check.o
FUZZ_config_OBJS = proto/msg.o proto/name.o common/err.o common/fd.o common/log.o control/config/config.o control/config/scan.o control/config/tree.o \
	control/config/value.o control/config/uid_range.o
FUZZ_config_LIBS = -lconfig

.SECONDEXPANSION:
$(FUZZ)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(say) FUZZ $<
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) $(FUZZ_SAN) $(FUZZ_GUIDE) $(FUZZ_FAKE_$*) -MMD -MP -c -o $@ $<

$(FUZZ)/cov/%.o: %.c
	@mkdir -p $(@D)
	$(say) COV $<
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) $(FUZZ_COV) $(FUZZ_FAKE_$*) -MMD -MP -c -o $@ $<

$(FUZZ)/fuzz_%: $(FUZZ)/obj/tests/fuzz/fuzz_%.o $$(addprefix $(FUZZ)/obj/,$$(FUZZ_$$*_OBJS))
	$(say) LINK $@
	$(Q)$(FUZZ_CC) $(FUZZ_SAN) -fsanitize=fuzzer -o $@ $^ $(FUZZ_$*_LIBS) -pthread

$(FUZZ)/cov/fuzz_%: $(FUZZ)/cov/tests/fuzz/fuzz_%.o $$(addprefix $(FUZZ)/cov/,$$(FUZZ_$$*_OBJS))
	$(say) LINK $@
	$(Q)$(FUZZ_CC) $(FUZZ_COV) -o $@ $^ $(FUZZ_$*_LIBS) -pthread

$(FUZZ)/seeds: tests/fuzz/seeds.c
	@mkdir -p $(@D)
	$(say) HOST $@
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) -MMD -MP -o $@ $<

-include $(shell find $(FUZZ) -name '*.d' 2>/dev/null)

fuzz-build: $(addprefix $(FUZZ)/fuzz_,$(FUZZ_TARGETS)) $(FUZZ)/seeds

# Ten seconds of each, beginning at the same random number every time; for make check.
fuzz-short: fuzz-build
	$(Q)tests/fuzz/run $(FUZZ) 10 $(FUZZ_TARGETS)

# FUZZ_SECONDS of each target; FUZZ_TARGETS="chain blk" chooses. Inputs found are kept in
# $(FUZZ)/corpus and used again.
fuzz: fuzz-build
	$(Q)FUZZ_SEED=0 tests/fuzz/run $(FUZZ) $(FUZZ_SECONDS) $(FUZZ_TARGETS)

# Lines and branches of the parsers that the seeds and the inputs found so far reach.
fuzz-coverage: fuzz-build $(addprefix $(FUZZ)/cov/fuzz_,$(FUZZ_TARGETS))
	$(Q)tests/fuzz/coverage $(FUZZ) $(FUZZ_TARGETS)

.PHONY: fuzz-build fuzz-short fuzz fuzz-coverage
