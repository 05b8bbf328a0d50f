/*
 * control/ops/upgrade.h - changing a device that is there: another worker binary, another size, out of fail mode, on from a halt.
 * Main process only. One change at a time; done is called once, always from the event loop or before the call returns.
 */
#ifndef CONTROL_OPS_UPGRADE_H
#define CONTROL_OPS_UPGRADE_H

#include "control/device/device.h"

#define CHANGE_BROKEN "the kernel gave the device up, and no worker can serve it: delete it"
#define CHANGE_ADOPTING "it is being looked at by a vdused that was just started: try again in a moment"

/* NULL, or why the device cannot be changed now. */
const char *change_busy(const struct device *d);

/*
 * A worker of the installed binary takes over: it is started and sealed beside the old one, which then drains and ends, and gets
 * the device. Nobody above sees more than the pause between the two. If the new one cannot be used, the old one stays. A
 * replacement or adoption that is under way is waited for.
 */
void change_upgrade(struct device *d, device_done *done);

/* A device in fail mode gets an ordinary worker. When that does not live, it is in fail mode again. */
void change_recover(struct device *d, device_done *done);

/*
 * Take the size that the backing file has, or grow it to size bytes (0 = do not) and take that. -EINVAL for less than the
 * device has, -EDQUOT for more than its tenant may have; d->backing.size is the new size at the end.
 */
void change_resize(struct device *d, uint64_t size, device_done *done);

/* What halted goes on. 0 or a negative errno. */
int change_resume(struct device *d, struct err *e);

#endif
