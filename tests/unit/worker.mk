# SPDX-License-Identifier: BSD-2-Clause
# tests/unit/worker.mk: what the tests of vduse-worker put in the place of functions that are called
# in libworker.a.

UNIT_worker_iova_LDFLAGS = -Wl,--wrap=mmap
UNIT_worker_faults_LDFLAGS = -Wl,--wrap=preadv,--wrap=pwritev,--wrap=fdatasync,--wrap=fallocate
UNIT_worker_direct_LDFLAGS = -Wl,--wrap=preadv,--wrap=pwritev,--wrap=fallocate,--wrap=ioctl
UNIT_worker_aio_LDFLAGS = -Wl,--wrap=syscall
UNIT_worker_cache_LDFLAGS = -Wl,--wrap=preadv,--wrap=preadv2,--wrap=fdatasync
UNIT_worker_takeover_LDFLAGS = -Wl,--wrap=slow_create
