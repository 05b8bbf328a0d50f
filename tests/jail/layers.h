/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/jail/layers.h - the other layers of the jail: seen from outside, and tried alone, without
 * the filter. Test code.
 */
#ifndef TESTS_JAIL_LAYERS_H
#define TESTS_JAIL_LAYERS_H

/* P4, P5, P9, P10: a sealed worker as /proc shows it, and as a process of the same uid meets it. */
void layers_outside(void);

/*
 * The worker after jail_early(), before its filter: what namespaces, the empty root, uid, Landlock
 * and MDWE deny.
 */
void layers_inside(void);

/* P5: the filter is in force in each thread. */
void layers_threads(void);

#endif
