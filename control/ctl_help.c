/*
 * control/ctl_help.c - what --help prints. Runs in vduse-ctl, as its caller. The manual,
 * vduse-ctl(8), has the whole story.
 */
#include "control/ctl_args.h"

static const char help_tool[] = "usage: vduse-ctl [--socket PATH] [--json] COMMAND [NAME] [OPTION]...\n"
				"\n"
				"Manages the virtio block devices that vdused(8) serves from userspace.\n"
				"\n"
				"  create NAME --file PATH   make a device, print its node (/dev/vdb)\n"
				"  list                      all devices\n"
				"  show NAME                 one device with its counters\n"
				"  delete NAME [--force]     remove a device that is not in use\n"
				"  delete --all [--force]    remove every device, one after the other\n"
				"  check                     what this host has and lacks for VDUSE\n"
				"  version                   versions of the tool and of the running vdused\n"
				"\n"
				"  --socket PATH   socket of vdused (/run/vdused/control.sock, $VDUSED_SOCKET)\n"
				"  --json          print state as JSON\n"
				"  --help          this text; after a command: help for that command\n"
				"  --version       version of the tool\n"
				"\n"
				"Exit status: 0 done, 1 failed, 2 wrong usage, 3 no such device, 4 exists,\n"
				"5 in use, 6 permission denied, 7 limit reached, 8 vdused cannot be reached.\n"
				"The manual, vduse-ctl(8), has examples.\n";

static const char help_create[] = "usage: vduse-ctl create NAME --file PATH [OPTION]...\n"
				  "\n"
				  "Makes a device out of a regular file or a block device and prints its node when\n"
				  "it can be used. PATH is opened with the caller's own rights.\n"
				  "\n"
				  "  --file PATH            where the data is; its size is the device's\n"
				  "  --read-only            refuse writes; PATH is only opened for reading\n"
				  "  --direct               O_DIRECT: past the host's page cache\n"
				  "  --queues N             request queues, 1 to 16 (one per CPU, at most 4)\n"
				  "  --queue-size N         ring size, a power of two from 16 to 1024 (256)\n"
				  "  --serial TEXT          serial number, up to 20 characters (made from NAME)\n"
				  "  --block-size 512|4096  logical block size (512)\n"
				  "  --bus virtio|vhost     a disk here (virtio), or /dev/vhost-vdpa-N for a VM\n"
				  "  --probe                let udev look for file systems and volumes on it\n"
				  "  --json                 print {\"name\": ..., \"node\": ...}\n"
				  "\n"
				  "NAME: 1 to 32 characters out of a-z, A-Z, 0-9, '.', '_' and '-', the first\n"
				  "a letter or a digit, and not \"control\".\n";

static const char help_list[] = "usage: vduse-ctl list [--json]\n"
				"\n"
				"Prints a table of all devices: name, state, node, size, file.\n"
				"States: creating, live, recovering, failed, deleting.\n";

static const char help_show[] = "usage: vduse-ctl show NAME [--json]\n"
				"\n"
				"Prints everything known of one device, its counters included.\n";

static const char help_delete[] = "usage: vduse-ctl delete NAME [--force]\n"
				  "       vduse-ctl delete --all [--force]\n"
				  "\n"
				  "Removes a device; the backing file keeps its data. A device that is mounted or\n"
				  "otherwise held is refused, and what uses it is named.\n"
				  "\n"
				  "  --force   remove it all the same: what uses it gets I/O errors\n"
				  "  --all     every device in order of name; goes on after a refusal\n";

static const char help_check[] = "usage: vduse-ctl check [--json]\n"
				 "\n"
				 "Says what this host has and lacks for VDUSE, each with its remedy. Works\n"
				 "without vdused. Exit status 0 when nothing is missing, else 1.\n";

static const char help_version[] = "usage: vduse-ctl version [--json]\n"
				   "\n"
				   "Prints the version of the tool, and of the running vdused if it answers.\n";

const char *tool_help(enum tool_command command)
{
	switch (command) {
	case TOOL_CREATE:
		return help_create;
	case TOOL_LIST:
		return help_list;
	case TOOL_SHOW:
		return help_show;
	case TOOL_DELETE:
		return help_delete;
	case TOOL_CHECK:
		return help_check;
	case TOOL_VERSION:
		return help_version;
	case TOOL_NONE:
		break;
	}
	return help_tool;
}
