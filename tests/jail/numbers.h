/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/jail/numbers.h - system calls that are newer than Debian 12's headers. Test code.
 */
#ifndef TESTS_JAIL_NUMBERS_H
#define TESTS_JAIL_NUMBERS_H

#define NR_URETPROBE 335
#define NR_UPROBE 336
#define NR_OPEN_TREE 428
#define NR_MOVE_MOUNT 429
#define NR_FSOPEN 430
#define NR_FSCONFIG 431
#define NR_FSMOUNT 432
#define NR_FSPICK 433
#define NR_MOUNT_SETATTR 442
#define NR_CACHESTAT 451
#define NR_FCHMODAT2 452
#define NR_MAP_SHADOW_STACK 453
#define NR_FUTEX_WAKE 454
#define NR_FUTEX_WAIT 455
#define NR_FUTEX_REQUEUE 456
#define NR_STATMOUNT 457
#define NR_LISTMOUNT 458
#define NR_LSM_GET_SELF_ATTR 459
#define NR_LSM_SET_SELF_ATTR 460
#define NR_LSM_LIST_MODULES 461
#define NR_MSEAL 462
#define NR_SETXATTRAT 463
#define NR_OPEN_TREE_ATTR 467

#endif
