# SPDX-License-Identifier: BSD-2-Clause
# vdused: everything is built here, without recursion. The object lists below are the privilege map:
# they say which code runs in which process. `make help` lists the targets.

VERSION = 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= build
PKG_CONFIG ?= pkg-config
# make's own default is cc; whatever else is said, in the environment or behind make, holds
ifeq ($(origin CC),default)
CC = gcc
endif

sbindir = $(PREFIX)/sbin
bindir = $(PREFIX)/bin
libexecdir = $(PREFIX)/libexec/vdused
mandir = $(PREFIX)/share/man
docdir = $(PREFIX)/share/doc/vdused
unitdir = $(PREFIX)/lib/systemd/system
generatordir = $(PREFIX)/lib/systemd/system-generators
udevdir = $(PREFIX)/lib/udev/rules.d
modulesdir = $(PREFIX)/lib/modules-load.d

# ---- which code is in which process --------------------------------------------------------

PROTO = proto/msg.o proto/name.o
COMMON = common/err.o common/fd.o common/chan.o

# vdused: privileged supervisor and its short-lived helpers. Never a byte of a driver or an image.
VDUSED = $(PROTO) proto/ctl_msg.o proto/worker_msg.o proto/state_file.o \
	$(COMMON) common/log.o common/kernel_version.o common/blkconf.o control/main.o control/reload.o \
	$(addprefix control/server/,server.o client.o requests.o params.o) \
	$(addprefix control/ops/,create.o delete.o adopt.o change.o upgrade.o recover.o resume.o resize.o) \
	$(addprefix control/watch/,respawn.o bind_watch.o netlink_watch.o unkillable.o) \
	$(addprefix control/device/,device.o equip.o operation.o state.o saved.o access.o uid_pool.o) \
	$(addprefix control/supervise/,worker.o worker_start.o worker_chan.o) \
	$(addprefix control/steps/,adopt.o backing.o backing_id.o backing_limits.o backing_open.o disk_numbers.o \
	disk_users.o find_file.o handover.o jail_check.o measure.o msg_timeout.o node_find.o read_config.o spawn.o \
	table.o vdpa_bus.o vdpa_nl.o vdpa_node.o vduse_control.o worker_limits.o) \
	$(addprefix control/helper/,helper.o close_elsewhere.o) \
	$(addprefix control/config/,config.o load.o text.o tree.o scan.o value.o ids.o uid_range.o options.o policy.o) \
	$(addprefix control/sys/,autoprobe.o caps.o cgroup.o fence.o late.o log_limit.o log_writer.o own_limits.o proc_id.o proc_sched.o \
	reclaim.o sd_notify.o syscalls.o with_parent.o worker_sock.o)

# vduse-worker: unprivileged and jailed, one per device. Everything a driver controls.
WORKER = $(PROTO) proto/worker_msg.o $(COMMON) common/blkconf.o common/seccomp.o worker/main.o worker/commands.o \
	$(addprefix worker/jail/,jail.o syscalls.o) \
	$(addprefix worker/channel/,link.o adopt.o) \
	$(addprefix worker/ring/,iova.o sigbus.o virtq.o virtq_split.o inflight.o) \
	$(addprefix worker/blk/,blk.o transfer.o engine_pread.o engine_aio.o engine_cache.o slow.o engine_fail.o) \
	$(addprefix worker/device/,device.o takeover.o engines.o queues.o queue.o queue_ready.o queue_halt.o requests.o deferred.o waiting.o \
	memory_wait.o capacity.o error_stop.o vduse.o)

# vduse-ctl: runs as whoever calls it.
CTL = $(PROTO) proto/ctl_msg.o $(COMMON) common/kernel_version.o common/log.o \
	$(addprefix control/config/,text.o tree.o scan.o value.o ids.o uid_range.o) \
	$(addprefix control/ctl/,apply.o apply_print.o apply_units.o plan.o path.o owner.o device_dir.o device_file.o stable_name.o) \
	$(addprefix control/ctl/,main.o tool.o args.o number.o help.o report.o conn.o ask.o create.o query.o change.o \
	resize.o disk_openers.o disk_mounts.o print.o json.o check.o findings.o check_host.o check_netlink.o)

# ---- flags ---------------------------------------------------------------------------------

WARN = -Wall -Wextra -Werror -Wformat=2 -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wimplicit-fallthrough -Wundef -Wvla -Wpointer-arith -Wwrite-strings
HARDEN = -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-clash-protection -fstack-protector-strong \
	-fcf-protection=full -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing \
	-ftrivial-auto-var-init=zero -fPIE
HARDEN_LD = -Wl,-z,nodlopen -Wl,-z,noexecstack -Wl,-z,relro -Wl,-z,now -Wl,--as-needed
ifneq ($(findstring clang,$(CC)),)
WARN += -Wno-gnu-folding-constant
# clang before 16 wants this said as well
ZERO_INIT := $(shell printf 'int x;' | $(CC) -ftrivial-auto-var-init=zero -xc -c -o /dev/null - 2>/dev/null || \
	echo -enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang)
HARDEN += $(ZERO_INIT)
else
WARN += -Wtrampolines -Wbidi-chars=any -Wlogical-op -Wduplicated-cond
endif
# SAN=1: AddressSanitizer and UndefinedBehaviorSanitizer instead of the fortified build.
ifdef SAN
HARDEN = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all -fPIE
HARDEN_LD =
endif
CFLAGS ?=
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -I. -DVDUSED_VERSION='"$(VERSION)"' $(WARN) $(HARDEN) $(CFLAGS)
# What one file alone needs to know.
CFLAGS_control/config/options = -DVDUSED_WORKER='"$(libexecdir)/vduse-worker"'

NL_CFLAGS = $(shell $(PKG_CONFIG) --cflags libnl-genl-3.0)
NL_LIBS = $(shell $(PKG_CONFIG) --libs libnl-genl-3.0)
VDUSED_LIBS = $(NL_LIBS) -lseccomp -lcap-ng -levent_core -lconfig
WORKER_LIBS = -lseccomp
CTL_LIBS = $(NL_LIBS) -ljson-c -lconfig

# V=1 shows the whole commands.
ifdef V
say = @:
Q =
else
say = @printf '  %-5s %s\n'
Q = @
endif

all: $(BUILD)/vdused $(BUILD)/vduse-worker $(BUILD)/vduse-ctl

$(BUILD)/vdused: $(addprefix $(BUILD)/obj/,$(VDUSED))
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -pie $(HARDEN_LD) -o $@ $^ $(VDUSED_LIBS)

# static-pie: it can be executed with an empty root, and has an address-space layout of its own.
$(BUILD)/vduse-worker: $(addprefix $(BUILD)/obj/,$(WORKER))
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -static-pie $(HARDEN_LD) -o $@ $^ $(WORKER_LIBS) -pthread

$(BUILD)/vduse-ctl: $(addprefix $(BUILD)/obj/,$(CTL))
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -pie $(HARDEN_LD) -o $@ $^ $(CTL_LIBS)

# What objects were made with: a file that changes with what it says, so that they are made again
# with another compiler, other flags or another PREFIX.
$(BUILD)/obj/flags: export SAYS = $(CC) $(ALL_CFLAGS) $(HARDEN_LD) $(NL_CFLAGS)
$(BUILD)/obj/prefix: export SAYS = $(libexecdir)
$(BUILD)/obj/flags $(BUILD)/obj/prefix: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' "$$SAYS" | cmp -s - $@ || printf '%s\n' "$$SAYS" >$@

$(BUILD)/obj/control/config/options.o: $(BUILD)/obj/prefix
$(BUILD)/obj/%.o: %.c $(BUILD)/obj/flags
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) $(CFLAGS_$*) $(if $(findstring control/,$<),$(NL_CFLAGS)) -MMD -MP -c -o $@ $<

# ---- unit tests --------------------------------------------------------------------------------
#
# Each test_NAME.c of tests/unit is linked with libunit.a, fixtures for all, and with the archive of
# one process, and takes from them what it needs. What it puts in the place of something there is in
# itself or in UNIT_NAME_OBJS.

ARCHIVE_unit = $(filter-out tests/unit/test_% $(UNIT_STAND_INS),$(patsubst %.c,%.o,$(sort $(wildcard tests/unit/*.c))))
ARCHIVE_vdused = $(filter-out control/main.o,$(VDUSED))
ARCHIVE_worker = $(filter-out worker/main.o,$(WORKER))
ARCHIVE_ctl = $(filter-out control/ctl/main.o,$(CTL))
# by the first word of NAME; what belongs to none is in all of them
unit_process = $(or $(filter worker ctl,$(firstword $(subst _, ,$(1)))),vdused)

-include $(wildcard tests/unit/*.mk)
include tests/jail/jail.mk
include tests/fuzz/fuzz.mk
include tests/hostile/hostile.mk
include tests/torture/torture.mk
# T='worker_blk': some of them, by name or pattern.
T ?= *
UNITS = $(patsubst tests/unit/test_%.c,%,$(sort $(wildcard $(addprefix tests/unit/test_,$(addsuffix .c,$(T))))))
UNIT_LIBS = -lcmocka -lseccomp -lcap-ng -levent_core -ljson-c -lconfig $(NL_LIBS) -pthread

.SECONDEXPANSION:
$(BUILD)/lib%.a: $$(addprefix $(BUILD)/obj/,$$(ARCHIVE_$$*))
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) qcsT $@ $^

$(BUILD)/tests/test_%: $(BUILD)/obj/tests/unit/test_%.o $$(addprefix $(BUILD)/obj/,$$(UNIT_$$*_OBJS)) \
		$(BUILD)/libunit.a $(BUILD)/lib$$(call unit_process,$$*).a
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -pie $(HARDEN_LD) $(UNIT_$*_LDFLAGS) -o $@ $^ $(UNIT_LIBS)

unit-build: $(addprefix $(BUILD)/tests/test_,$(UNITS))

# Run the unit tests of this BUILD; `make unit SAN=1 BUILD=build/san` runs them under the
# sanitizers.
unit: unit-build
	$(Q)tests/unit/run $(addprefix $(BUILD)/tests/test_,$(UNITS))

# ---- what a person calls -------------------------------------------------------------------------

# Install the packages that building and testing need (Debian); asks for nothing that is there
# already.
deps:
	$(Q)tests/install-deps

demo: deps
	$(Q)$(MAKE) --no-print-directory all
	$(Q)tests/demo/run

check: deps
	$(Q)tests/check

# Before each commit: what needs no VM and no second compiler.
check-fast:
	$(Q)$(MAKE) --no-print-directory all unit-build
	$(Q)tests/check-layers >/dev/null && echo "layers: clean"
	$(Q)tests/check-paths
	$(Q)tests/check-widths
	$(Q)clang-format --dry-run -Werror $$(git ls-files '*.c' '*.h') && echo "formatting: clean"
	$(Q)$(MAKE) --no-print-directory lint-man
	$(Q)tests/check-filter $(BUILD)
	$(Q)$(MAKE) --no-print-directory unit

# A virtual machine that boots from a disk of ours, in the VM.
guest: all
	$(Q)BUILD=$(BUILD) tests/guest/run

# The functional tests in the VM; T='create/*' for some.
func: all
	$(Q)BUILD=$(BUILD) tests/func/run $(if $(filter-out *,$(T)),$(foreach t,$(T),'$(t)'))

# Includes across layers: proto <- common <- control, worker; control and worker never meet.
check-layers:
	$(Q)tests/check-layers

lint:
	$(Q)tests/lint

lint-man:
	$(Q)mandoc -Tlint -Wwarning man/*.[58] && echo "manuals: clean"

# Instruction-counted figures beside the peer's, in the VM. Takes about half an hour.
bench: deps
	$(Q)$(MAKE) --no-print-directory all
	$(Q)tests/bench/run

# The Debian package of what is committed, built in a clean chroot.
deb:
	$(Q)tests/deb/build bookworm $(BUILD)/deb/bookworm

install: all
	install -d $(DESTDIR)$(sbindir) $(DESTDIR)$(bindir) $(DESTDIR)$(libexecdir) $(DESTDIR)$(mandir)/man8 $(DESTDIR)$(mandir)/man5 $(DESTDIR)$(unitdir) \
		$(DESTDIR)$(udevdir) $(DESTDIR)$(modulesdir) $(DESTDIR)$(generatordir) \
		$(DESTDIR)$(docdir) $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -m 0755 $(BUILD)/vdused $(DESTDIR)$(sbindir)
	install -m 0755 $(BUILD)/vduse-ctl $(DESTDIR)$(bindir)
	install -m 0755 $(BUILD)/vduse-worker $(DESTDIR)$(libexecdir)
	install -m 0644 man/vdused.8 man/vduse-worker.8 man/vduse-ctl.8 $(DESTDIR)$(mandir)/man8
	install -m 0644 man/vdused.conf.5 man/vdused.device.5 $(DESTDIR)$(mandir)/man5
	install -m 0644 dist/vdused.conf $(DESTDIR)$(docdir)
	sed 's|@sbindir@|$(sbindir)|g' dist/vdused.service.in > $(DESTDIR)$(unitdir)/vdused.service
	sed 's|@bindir@|$(bindir)|g' dist/vdused-shutdown.service.in > $(DESTDIR)$(unitdir)/vdused-shutdown.service
	sed 's|@bindir@|$(bindir)|g' dist/vduse@.service.in > $(DESTDIR)$(unitdir)/vduse@.service
	sed 's|@bindir@|$(bindir)|g' dist/vdused-generator.in > $(DESTDIR)$(generatordir)/vdused-generator
	install -m 0644 dist/vduse.target $(DESTDIR)$(unitdir)
	chmod 0644 $(DESTDIR)$(unitdir)/*.service
	chmod 0755 $(DESTDIR)$(generatordir)/vdused-generator
	install -m 0644 dist/59-vdused.rules $(DESTDIR)$(udevdir)
	install -m 0644 dist/modules-load.conf $(DESTDIR)$(modulesdir)/vdused.conf
	install -m 0644 dist/completion.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/vduse-ctl

help:
	@echo "make            build vdused, vduse-worker and vduse-ctl into $(BUILD)/"
	@echo "make demo       install what is needed, build, and show the main job (in a VM where the host has no VDUSE)"
	@echo "make check      install what is needed and run all tests"
	@echo "make deb        the Debian package, in $(BUILD)/deb, built in a clean chroot (as root)"
	@echo "make install    DESTDIR= PREFIX=$(PREFIX)"
	@echo "make check-fast before each commit: build, layers, format, manuals, unit tests; about a minute"
	@echo "make unit       unit tests only;  T='worker_*': some;  SAN=1 BUILD=build/san: under the sanitizers"
	@echo "make func       functional tests in the VM;  T='create/*': some;  make hostile T='D2?'"
	@echo "make guest      a virtual machine boots from a disk and keeps it, whatever is killed"
	@echo "make lint       clang-format, cppcheck, clang-tidy;  make check-layers, make lint-man"
	@echo "make check-jail, make hostile, make fuzz-short, make fuzz, make fuzz-coverage: the security tests by themselves"
	@echo "make torture    workers killed a thousand times under load; takes a while"
	@echo "make bench      figures beside qemu-storage-daemon's, in the VM"
	@echo "make clean      remove $(BUILD)/"

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

clean:
	rm -rf $(BUILD)

.PHONY: all unit-build unit deps demo check check-fast guest func check-layers lint lint-man bench deb install help clean FORCE
.SECONDARY:
