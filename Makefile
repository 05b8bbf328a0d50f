# vdused: everything is built here, without recursion. The object lists below are the privilege map:
# they say which code runs in which process. `make help` lists the targets.

VERSION = 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= build
CC = gcc
PKG_CONFIG ?= pkg-config
ifeq ($(origin CC),default)
CC = gcc
endif

sbindir = $(PREFIX)/sbin
bindir = $(PREFIX)/bin
libexecdir = $(PREFIX)/libexec/vdused
mandir = $(PREFIX)/share/man
unitdir = $(PREFIX)/lib/systemd/system

# ---- which code is in which process --------------------------------------------------------

PROTO = proto/msg.o proto/name.o
COMMON = common/err.o common/fd.o common/chan.o

# vdused: privileged supervisor and its short-lived helpers. Never a byte of a driver or an image.
VDUSED = $(PROTO) proto/ctl.o proto/work.o proto/state.o $(COMMON) common/log.o common/blkconf.o \
	control/main.o control/options.o control/server.o control/requests.o control/device.o \
	control/create.o control/teardown.o control/recover.o control/worker_proc.o control/attest.o control/handover.o control/helper.o \
	control/jail.o control/caps.o control/backing.o control/vduse_admin.o control/vdpa_nl.o \
	control/vdpa_bus.o control/disk_use.o control/autoprobe.o control/uids.o control/notify.o

# vduse-worker: unprivileged and jailed, one per device. Everything a driver controls.
WORKER = $(PROTO) proto/work.o $(COMMON) common/blkconf.o common/seccomp.o \
	worker/main.o worker/link.o worker/jail.o worker/policy.o worker/device.o worker/vduse.o \
	worker/iova.o worker/sigbus.o worker/virtq.o worker/virtq_split.o worker/inflight.o \
	worker/queue.o worker/blk.o worker/engine_pread.o worker/engine_fail.o

# vduse-ctl: runs as whoever calls it.
CTL = $(PROTO) proto/ctl.o $(COMMON) \
	control/ctl_main.o control/ctl_tool.o control/ctl_args.o control/ctl_help.o control/ctl_client.o \
	control/ctl_ask.o control/ctl_create.o control/ctl_query.o control/ctl_delete.o control/ctl_users.o \
	control/ctl_print.o control/ctl_json.o control/ctl_check.o control/ctl_host.o control/ctl_netlink.o

# ---- flags ---------------------------------------------------------------------------------

WARN = -Wall -Wextra -Werror -Wformat=2 -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wimplicit-fallthrough -Wundef -Wvla -Wpointer-arith -Wwrite-strings
HARDEN = -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-clash-protection -fstack-protector-strong \
	-fcf-protection=full -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing \
	-ftrivial-auto-var-init=zero -fPIE
HARDEN_LD = -Wl,-z,nodlopen -Wl,-z,noexecstack -Wl,-z,relro -Wl,-z,now -Wl,--as-needed
ifneq ($(findstring clang,$(CC)),)
WARN += -Wno-gnu-folding-constant
else
WARN += -Wtrampolines -Wbidi-chars=any -Wlogical-op -Wduplicated-cond
endif
# SAN=1: AddressSanitizer and UndefinedBehaviorSanitizer instead of the fortified build.
ifdef SAN
HARDEN = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all -fPIE
HARDEN_LD =
endif
CFLAGS ?=
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -I. -DVDUSED_VERSION='"$(VERSION)"' \
	-DVDUSED_WORKER='"$(libexecdir)/vduse-worker"' $(WARN) $(HARDEN) $(CFLAGS)

NL_CFLAGS = $(shell $(PKG_CONFIG) --cflags libnl-genl-3.0)
NL_LIBS = $(shell $(PKG_CONFIG) --libs libnl-genl-3.0)
VDUSED_LIBS = $(NL_LIBS) -lcap-ng -levent_core
WORKER_LIBS = -lseccomp
CTL_LIBS = $(NL_LIBS) -ljson-c

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

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) $(if $(findstring control/,$<),$(NL_CFLAGS)) -MMD -MP -c -o $@ $<

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

clean:
	rm -rf $(BUILD)

.PHONY: all clean
