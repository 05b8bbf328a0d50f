/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/help.c - what --help prints. Runs in vduse-ctl, as its caller. The manual,
 * vduse-ctl(8), has the whole story.
 */
#include "control/ctl/help.h"

#include "control/ctl/args.h"
#include "control/ctl/report.h"

static const char help_tool[] = "usage: vduse-ctl [--socket PATH] [--json] COMMAND [NAME] [OPTION]...\n"
				"\n"
				"Manages the virtio block devices that vdused(8) serves from userspace.\n"
				"\n"
				"  create NAME --file PATH   make a device, print its node (/dev/vdb)\n"
				"  list                      all devices\n"
				"  show NAME                 one device with its counters\n"
				"  delete NAME | --all       remove a device that is not in use, or every one\n"
				"  resize NAME [SIZE]        grow a device in use, to its file's size or to SIZE\n"
				"  resume NAME               let a device that stopped at a failed request go on\n"
				"  recover NAME              give a failed device an ordinary worker again\n"
				"  upgrade NAME | --all      change to the installed worker, without an I/O error\n"
				"  apply [NAME]...           make devices what files in /etc/vdused.d say\n"
				"  check                     what this host has and lacks for VDUSE\n"
				"  version                   versions of the tool and of the running vdused\n"
				"\n"
				"  --socket PATH   socket of vdused (/run/vdused/control.sock, $VDUSED_SOCKET)\n"
				"  --json          print state as JSON\n"
				"  --help          this text; after a command: help for that command\n"
				"  --version       version of the tool\n"
				"\n"
				"Exit status: 0 done, 1 failed, 2 wrong usage, 3 no such device, 4 exists,\n"
				"5 in use, 6 permission denied, 7 limit reached, 8 vdused cannot be reached,\n"
				"16 changed (apply). The manual, vduse-ctl(8), has examples.\n";

static const char help_create[] = "usage: vduse-ctl create NAME --file PATH [OPTION]...\n"
				  "\n"
				  "Makes a device out of a regular file or a block device and prints its node when\n"
				  "it can be used. PATH is opened with the caller's own rights.\n"
				  "\n"
				  "  --file PATH            where the data is; its size is the device's\n"
				  "  --read-only            refuse writes; PATH is only opened for reading\n"
				  "  --direct               O_DIRECT: past the host's page cache\n"
				  "  --queues N             request queues, 1 to 16 (one per CPU, at most 4)\n"
				  "  --queue-size N         ring size, power of two, 16 to 1024 (256; vhost 1024)\n"
				  "  --serial TEXT          serial number, up to 20 characters (made from NAME)\n"
				  "  --block-size 512|4096  logical block size (512)\n"
				  "  --bus virtio|vhost     a disk here (virtio), or /dev/vhost-vdpa-N for a VM\n"
				  "  --on-error report|stop when PATH fails a request: the disk's user gets the\n"
				  "                         error (report), or it waits for \"resume\" (stop)\n"
				  "  --probe                let udev look for file systems and volumes on it\n"
				  "  --if-absent            print the node of the device that is there, if one is\n"
				  "  --json                 print {\"name\": ..., \"node\": ...}\n"
				  "\n"
				  "NAME: 1 to 32 characters out of a-z, A-Z, 0-9, '.', '_' and '-', the first\n"
				  "a letter or a digit, and not \"control\".\n";

static const char help_list[] = "usage: vduse-ctl list [--json]\n"
				"\n"
				"Prints a table of all devices: name, state, node, size, file. The states:\n"
				"\n"
				"  creating     not there yet\n"
				"  live         it works\n"
				"  recovering   its worker died and is being replaced: I/O waits\n"
				"  stopped      a request failed (--on-error stop): I/O waits for \"resume\"\n"
				"  failed       workers kept dying: I/O ends in errors; see \"recover\"\n"
				"  deleting     on its way out\n";

static const char help_show[] = "usage: vduse-ctl show NAME [--json | --config]\n"
				"\n"
				"Prints everything known of one device, its counters included. A stopped device\n"
				"has a line \"halted:\", with the error of the request that waits.\n"
				"\n"
				"  --config  print a file for \"apply\" that describes the device as it is\n";

static const char help_delete[] = "usage: vduse-ctl delete NAME [--force]\n"
				  "       vduse-ctl delete --all [--force]\n"
				  "\n"
				  "Removes a device; the backing file keeps its data. A device that is mounted or\n"
				  "otherwise held is refused, and what uses it is named; so is one in state\n"
				  "\"stopped\": resume it first. One with I/O under way is refused after a minute.\n"
				  "\n"
				  "  --force   remove it all the same: what uses it gets I/O errors\n"
				  "  --all     every device in order of name; goes on after a refusal\n";

static const char help_recover[] = "usage: vduse-ctl recover NAME\n"
				   "\n"
				   "Brings a device in state \"failed\" back: its worker, which answers everything\n"
				   "with I/O errors, is replaced by an ordinary one. Remove the cause first; the log\n"
				   "of vdused has it (\"journalctl -u vdused\"). What failed meanwhile is not done\n"
				   "again: check a file system on the device with fsck, and mount it anew.\n";

static const char help_resume[] = "usage: vduse-ctl resume NAME\n"
				  "\n"
				  "Lets a device in state \"stopped\" go on: the request that failed is tried again,\n"
				  "and everything that waited behind it follows. Remove the cause first, for\n"
				  "example make room on a full file system: \"vduse-ctl show NAME\" says what\n"
				  "it was. If it fails again, the device stops again. For devices that were made\n"
				  "with --on-error stop.\n";

static const char help_resize[] = "usage: vduse-ctl resize NAME [SIZE] [--json]\n"
				  "\n"
				  "Makes a device larger while it is in use, and prints its new size. Devices do\n"
				  "not shrink. What is on it has to grow afterwards, for example with resize2fs or\n"
				  "xfs_growfs.\n"
				  "\n"
				  "  SIZE     what the device is to have in all: bytes, or a number with K, M, G or\n"
				  "           T (powers of 1024; KiB is the same). The file grows to that as well.\n"
				  "           Without it the device gets the size that its file has now.\n"
				  "  --json   print {\"name\": ..., \"size\": ...}\n";

static const char help_upgrade[] = "usage: vduse-ctl upgrade NAME\n"
				   "       vduse-ctl upgrade --all\n"
				   "\n"
				   "Replaces the worker of a device by one of the binary that is installed now.\n"
				   "Whoever uses the device sees a short pause and no error. Prints nothing. A\n"
				   "stopped device stays so; a failed one is refused: recover it.\n"
				   "\n"
				   "  --all   every device in order of name; goes on after a refusal, the exit\n"
				   "          status is that of the first one\n";

static const char help_apply[] = "usage: vduse-ctl apply [NAME]... [OPTION]...\n"
				 "\n"
				 "Makes devices what their files say, /etc/vdused.d/NAME.conf (vdused.device(5)):\n"
				 "those that are missing are created, those whose backing file has grown get its\n"
				 "size, and what cannot be changed while a device exists is said. Without a NAME:\n"
				 "all that have files. Devices without files are left alone. A mistake in any of\n"
				 "the files changes nothing. Exit status 0: all was so already; 16: something was\n"
				 "changed, or would be; else that of the first failure.\n"
				 "\n"
				 "  --dry-run         only say what would be done\n"
				 "  --config-dir DIR  where the files are (/etc/vdused.d)\n"
				 "  --json            print what was done as JSON\n"
				 "  --units DIR       instead: write into DIR what systemd has to know of the\n"
				 "                    devices (for vdused's generator)\n";

static const char help_check[] = "usage: vduse-ctl check [--json]\n"
				 "\n"
				 "Says what this host has and lacks for VDUSE, each with its remedy. Works\n"
				 "without vdused. Exit status 0 when nothing is missing, else 1.\n";

static const char help_version[] = "usage: vduse-ctl version [--json]\n"
				   "\n"
				   "Prints the version of the tool, and of the running vdused if it answers.\n";

static const char *const help[] = {
	[TOOL_NONE] = help_tool,     [TOOL_CREATE] = help_create, [TOOL_LIST] = help_list,
	[TOOL_SHOW] = help_show,     [TOOL_DELETE] = help_delete, [TOOL_RECOVER] = help_recover,
	[TOOL_RESUME] = help_resume, [TOOL_RESIZE] = help_resize, [TOOL_UPGRADE] = help_upgrade,
	[TOOL_CHECK] = help_check,   [TOOL_APPLY] = help_apply,   [TOOL_VERSION] = help_version,
};

const char *tool_help(enum tool_command command)
{
	return help[command];
}
