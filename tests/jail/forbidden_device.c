/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/jail/forbidden_device.c - P11: on the device only the ioctls that the job needs, on the
 * disk only I/O at a position, and none of these on any other descriptor. Test code: data for
 * attempts.c.
 */
#include "tests/jail/forbidden.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/vduse.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "worker/jail/syscalls.h"

#define IOCTL(fd, cmd) CALL(SYS_ioctl, N(fd), N(cmd), B(room))
#define ON_DEVICE(cmd) IOCTL(FD_DEVICE, cmd)
#define ON_DISK(cmd) IOCTL(FD_BACKEND, cmd)
#define FALLOCATE(fd, mode) CALL(SYS_fallocate, N(fd), N(mode), N(0), N(4096))
#define READ(fd) CALL(SYS_preadv, N(fd), B(iov), N(1), N(0), N(0))
#define WRITE(fd) CALL(SYS_pwritev, N(fd), B(iov), N(1), N(0), N(0))
#define READ2(fd, flags) CALL(SYS_preadv2, N(fd), B(iov), N(1), N(0), N(0), N(flags))
#define WRITE2(flags) CALL(SYS_pwritev2, N(FD_BACKEND), B(iov), N(1), N(0), N(0), N(flags))

/* Of headers that are not here, or do not go with the others. */
#define VDUSE_REG_UMEM _IOW(0x81, 0x18, char[32])
#define VDUSE_DEREG_UMEM _IOW(0x81, 0x19, char[32])
#define VDUSE_GET_INFO _IOWR(0x81, 0x1a, char[48])
#define SG_IO_CMD 0x2285
#define SCSI_SEND_COMMAND 1
#define CDROM_EJECT 0x5309
#define LOOP_SET_FD_CMD 0x4c00
#define KVM_CREATE_VM_CMD 0xae01
#define VHOST_SET_OWNER_CMD 0xaf01
#define TUN_SET_IFF 0x400454ca
#define NS_GET_PARENT_CMD 0xb702
#define DM_VERSION_CMD 0xc138fd00
#define NVME_ADMIN_CMD 0xc0484e41
#define EXT4_MOVE_EXT 0xc028660f
#define PIDFD_GET_NET_NS 0xff04

static const char room[256];
static const struct iovec iov;

const struct forbidden forbidden_device[] = {
	{ "P11 device: VQ_SETUP", ON_DEVICE(VDUSE_VQ_SETUP) },
	{ "P11 device: DEV_SET_CONFIG of another size", ON_DEVICE(_IOW(0x81, 0x12, uint64_t[2])) },
	{ "P11 device: DEV_INJECT_CONFIG_IRQ with a direction", ON_DEVICE(_IOW(0x81, 0x13, uint32_t)) },
	{ "P11 device: IOTLB_REG_UMEM", ON_DEVICE(VDUSE_REG_UMEM) },
	{ "P11 device: IOTLB_DEREG_UMEM", ON_DEVICE(VDUSE_DEREG_UMEM) },
	{ "P11 device: IOTLB_GET_INFO", ON_DEVICE(VDUSE_GET_INFO) },
	{ "P11 device: CREATE_DEV", ON_DEVICE(VDUSE_CREATE_DEV) },
	{ "P11 device: DESTROY_DEV", ON_DEVICE(VDUSE_DESTROY_DEV) },
	{ "P11 device: SET_API_VERSION", ON_DEVICE(VDUSE_SET_API_VERSION) },
	{ "P11 device: GET_API_VERSION", ON_DEVICE(VDUSE_GET_API_VERSION) },
	{ "P11 device: number 0", ON_DEVICE(0) },
	{ "P11 device: number -1", ON_DEVICE(-1) },
	{ "P11 device: VQ_INJECT_IRQ of another size", ON_DEVICE(_IOW(0x81, 0x17, uint64_t)) },
	{ "P11 device: VQ_GET_INFO without a direction", ON_DEVICE(_IO(0x81, 0x15)) },
	{ "P11 device: FIOASYNC", ON_DEVICE(FIOASYNC) },
	{ "P11 device: FIOCLEX", ON_DEVICE(FIOCLEX) },
	{ "P11 device: FIONCLEX", ON_DEVICE(FIONCLEX) },
	{ "P11 device: FIONREAD", ON_DEVICE(FIONREAD) },
	{ "P11 device: TIOCSTI", ON_DEVICE(TIOCSTI) },
	{ "P11 device: TIOCLINUX", ON_DEVICE(TIOCLINUX) },
	{ "P11 device: SG_IO", ON_DEVICE(SG_IO_CMD) },
	{ "P11 device: KVM_CREATE_VM", ON_DEVICE(KVM_CREATE_VM_CMD) },
	{ "P11 device: VHOST_SET_OWNER", ON_DEVICE(VHOST_SET_OWNER_CMD) },
	{ "P11 device: BLKDISCARD", ON_DEVICE(BLKDISCARD) },
	{ "P11 memory: BLKDISCARD", IOCTL(FD_TRANSIENT, BLKDISCARD) },
	{ "P11 disk: BLKSECDISCARD", ON_DISK(BLKSECDISCARD) },
	{ "P11 disk: BLKZEROOUT", ON_DISK(BLKZEROOUT) },
	{ "P11 disk: BLKFLSBUF", ON_DISK(BLKFLSBUF) },
	{ "P11 disk: BLKRRPART", ON_DISK(BLKRRPART) },
	{ "P11 disk: BLKROSET", ON_DISK(BLKROSET) },
	{ "P11 disk: BLKPG", ON_DISK(_IO(0x12, 105)) },
	{ "P11 disk: BLKTRACESETUP", ON_DISK(_IOWR(0x12, 115, char[72])) },
	{ "P11 disk: BLKGETSIZE64", ON_DISK(BLKGETSIZE64) },
	{ "P11 disk: SG_IO", ON_DISK(SG_IO_CMD) },
	{ "P11 disk: SCSI_IOCTL_SEND_COMMAND", ON_DISK(SCSI_SEND_COMMAND) },
	{ "P11 disk: CDROMEJECT", ON_DISK(CDROM_EJECT) },
	{ "P11 disk: NVME_IOCTL_ADMIN_CMD", ON_DISK(NVME_ADMIN_CMD) },
	{ "P11 disk: LOOP_SET_FD", ON_DISK(LOOP_SET_FD_CMD) },
	{ "P11 disk: DM_VERSION", ON_DISK(DM_VERSION_CMD) },
	{ "P11 disk: FS_IOC_SETFLAGS", ON_DISK(FS_IOC_SETFLAGS) },
	{ "P11 disk: FS_IOC_GETFLAGS", ON_DISK(FS_IOC_GETFLAGS) },
	{ "P11 disk: FS_IOC_FSSETXATTR", ON_DISK(FS_IOC_FSSETXATTR) },
	{ "P11 disk: FS_IOC_FIEMAP", ON_DISK(_IOWR('f', 11, char[32])) },
	{ "P11 disk: FIBMAP", ON_DISK(FIBMAP) },
	{ "P11 disk: FITRIM", ON_DISK(FITRIM) },
	{ "P11 disk: FIFREEZE", ON_DISK(FIFREEZE) },
	{ "P11 disk: FICLONE", ON_DISK(FICLONE) },
	{ "P11 disk: FICLONERANGE", ON_DISK(FICLONERANGE) },
	{ "P11 disk: FIDEDUPERANGE", ON_DISK(FIDEDUPERANGE) },
	{ "P11 disk: FIONBIO", ON_DISK(FIONBIO) },
	{ "P11 disk: EXT4_IOC_MOVE_EXT", ON_DISK(EXT4_MOVE_EXT) },
	{ "P11 disk: VQ_INJECT_IRQ", ON_DISK(VDUSE_VQ_INJECT_IRQ) },
	{ "P11 disk: DEV_SET_CONFIG", ON_DISK(VDUSE_DEV_SET_CONFIG) },
	{ "P11 disk: DEV_INJECT_CONFIG_IRQ", ON_DISK(VDUSE_DEV_INJECT_CONFIG_IRQ) },
	{ "P11 channel: DEV_SET_CONFIG", IOCTL(FD_CHANNEL, VDUSE_DEV_SET_CONFIG) },
	{ "P11 memory: DEV_SET_CONFIG", IOCTL(FD_TRANSIENT, VDUSE_DEV_SET_CONFIG) },
	{ "P11 listening socket: FIONBIO", IOCTL(FD_LISTEN, FIONBIO) },
	{ "P11 channel: FIONBIO", IOCTL(FD_CHANNEL, FIONBIO) },
	{ "P11 channel: SIOCGIFCONF", IOCTL(FD_CHANNEL, 0x8912) },
	{ "P11 channel: SIOCSPGRP", IOCTL(FD_CHANNEL, 0x8902) },
	{ "P11 channel: NS_GET_PARENT", IOCTL(FD_CHANNEL, NS_GET_PARENT_CMD) },
	{ "P11 memory: IOTLB_GET_FD", IOCTL(FD_TRANSIENT, VDUSE_IOTLB_GET_FD) },
	{ "P11 memory: TUNSETIFF", IOCTL(FD_TRANSIENT, TUN_SET_IFF) },
	{ "P11 eventfd: FIONBIO", IOCTL(FD_NOTES, FIONBIO) },
	{ "P11 eventfd: PIDFD_GET_NET_NAMESPACE", IOCTL(FD_NOTES, PIDFD_GET_NET_NS) },
	{ "P11 standard input: TIOCSTI", IOCTL(0, TIOCSTI) },

	{ "P11 preadv on the channel", READ(FD_CHANNEL) },
	{ "P11 preadv on the device", READ(FD_DEVICE) },
	{ "P11 preadv on the memory", READ(FD_TRANSIENT) },
	{ "P11 preadv on an eventfd", READ(FD_NOTES) },
	{ "P11 pwritev on the channel", WRITE(FD_CHANNEL) },
	{ "P11 pwritev on the device", WRITE(FD_DEVICE) },
	{ "P11 pwritev on the memory", WRITE(FD_TRANSIENT) },
	{ "P11 pwritev on an eventfd", WRITE(FD_NOTES) },
	{ "P11 pwritev on standard output", WRITE(1) },
	{ "P11 preadv2", READ2(FD_BACKEND, 0) },
	{ "P11 preadv2 RWF_HIPRI", READ2(FD_BACKEND, RWF_HIPRI) },
	{ "P11 preadv2 RWF_NOWAIT RWF_HIPRI", READ2(FD_BACKEND, RWF_NOWAIT | RWF_HIPRI) },
	{ "P11 preadv2 RWF_NOWAIT on the channel", READ2(FD_CHANNEL, RWF_NOWAIT) },
	{ "P11 preadv2 RWF_NOWAIT on the device", READ2(FD_DEVICE, RWF_NOWAIT) },
	{ "P11 preadv2 RWF_NOWAIT on the memory", READ2(FD_TRANSIENT, RWF_NOWAIT) },
	{ "P11 preadv2 RWF_NOWAIT on an eventfd", READ2(FD_NOTES, RWF_NOWAIT) },
	{ "P11 pwritev2", WRITE2(0) },
	{ "P11 pwritev2 RWF_DSYNC", WRITE2(RWF_DSYNC) },
	{ "P11 pwritev2 RWF_SYNC", WRITE2(RWF_SYNC) },
	{ "P11 pwritev2 RWF_APPEND", WRITE2(RWF_APPEND) },
	{ "P11 pwritev2 RWF_ATOMIC", WRITE2(0x40) },
	{ "P11 fdatasync on the channel", CALL(SYS_fdatasync, N(FD_CHANNEL)) },
	{ "P11 fdatasync on the device", CALL(SYS_fdatasync, N(FD_DEVICE)) },
	{ "P11 fdatasync on the memory", CALL(SYS_fdatasync, N(FD_TRANSIENT)) },
	{ "P11 fsync on the disk", CALL(SYS_fsync, N(FD_BACKEND)) },
	{ "P11 sync_file_range on the disk", CALL(SYS_sync_file_range, N(FD_BACKEND), N(0), N(0), N(0)) },
	{ "P11 fallocate, growing the disk", FALLOCATE(FD_BACKEND, 0) },
	{ "P11 fallocate KEEP_SIZE", FALLOCATE(FD_BACKEND, FALLOC_FL_KEEP_SIZE) },
	{ "P11 fallocate PUNCH_HOLE alone", FALLOCATE(FD_BACKEND, FALLOC_FL_PUNCH_HOLE) },
	{ "P11 fallocate ZERO_RANGE, blocks that no limit sees",
	  FALLOCATE(FD_BACKEND, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE) },
	{ "P11 fallocate COLLAPSE_RANGE", FALLOCATE(FD_BACKEND, FALLOC_FL_COLLAPSE_RANGE) },
	{ "P11 fallocate INSERT_RANGE", FALLOCATE(FD_BACKEND, FALLOC_FL_INSERT_RANGE) },
	{ "P11 fallocate UNSHARE_RANGE", FALLOCATE(FD_BACKEND, FALLOC_FL_UNSHARE_RANGE | FALLOC_FL_KEEP_SIZE) },
	{ "P11 fallocate on the memory", FALLOCATE(FD_TRANSIENT, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE) },
	{ "P11 fallocate on an eventfd", FALLOCATE(FD_NOTES, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE) },
	{ .name = NULL },
};
