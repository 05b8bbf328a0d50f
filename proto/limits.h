/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proto/limits.h - every cap that both sides of a channel rely on.
 * Read by all processes; holds constants only.
 */
#ifndef PROTO_LIMITS_H
#define PROTO_LIMITS_H

/* Device names: see proto/name.h for the rule. SIZE includes the final NUL and padding. */
#define VD_NAME_MAX 32U
#define VD_NAME_SIZE 40U

/*
 * virtio-blk serial (VIRTIO_BLK_ID_BYTES, virtio 1.2, 5.2.6): up to 20 bytes, no NUL needed there.
 */
#define VD_SERIAL_MAX 20U
#define VD_SERIAL_SIZE 24U

#define VD_NODE_SIZE 40U /* "/dev/vdb", "/dev/vhost-vdpa-3" */
#define VD_FILE_SIZE 256U /* backing file's path as the kernel names it, for people only */
#define VD_STEP_SIZE 24U
#define VD_TEXT_SIZE 480U
#define VD_LOG_SIZE 240U

#define VD_QUEUES_MAX 16U
#define VD_QUEUE_SIZE_MIN 16U
#define VD_QUEUE_SIZE_MAX 1024U
#define VD_QUEUE_SIZE_DEFAULT 256U /* of a disk; see params.c for the vhost bus */

#define VD_SECTOR_SIZE 512U
#define VD_CAPACITY_MAX (1ULL << 62) /* bytes; leaves room for overflow-free sums */

#endif
