/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/jail/forbidden_objects.c - P3: no socket, no pipe, no object that others can see, and
 * nothing with the channel but whole messages to and from vdused. Test code: data for attempts.c.
 */
#include "tests/jail/forbidden.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

static const char room[256];
static const struct sockaddr_un journal = { .sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket" };
static const struct sockaddr_un abstract = { .sun_family = AF_UNIX, .sun_path = "\0vdused" };
static const struct sockaddr_in loopback = { .sin_family = AF_INET, .sin_addr.s_addr = 0x0100007f };

const struct forbidden forbidden_objects[] = {
	{ "P3 socket AF_UNIX", CALL(SYS_socket, N(AF_UNIX), N(SOCK_STREAM), N(0)) },
	{ "P3 socket AF_INET", CALL(SYS_socket, N(AF_INET), N(SOCK_STREAM), N(0)) },
	{ "P3 socket AF_INET6", CALL(SYS_socket, N(AF_INET6), N(SOCK_DGRAM), N(0)) },
	{ "P3 socket AF_NETLINK", CALL(SYS_socket, N(AF_NETLINK), N(SOCK_RAW), N(16)) },
	{ "P3 socket AF_PACKET", CALL(SYS_socket, N(AF_PACKET), N(SOCK_RAW), N(0x300)) },
	{ "P3 socket AF_VSOCK", CALL(SYS_socket, N(AF_VSOCK), N(SOCK_STREAM), N(0)) },
	{ "P3 socket AF_ALG", CALL(SYS_socket, N(AF_ALG), N(SOCK_SEQPACKET), N(0)) },
	{ "P3 socket AF_XDP", CALL(SYS_socket, N(AF_XDP), N(SOCK_RAW), N(0)) },
	{ "P3 socket AF_SMC", CALL(SYS_socket, N(AF_SMC), N(SOCK_STREAM), N(0)) },
	{ "P3 socketpair", CALL(SYS_socketpair, N(AF_UNIX), N(SOCK_STREAM), N(0), B(room)) },
	{ "P3 bind", CALL(SYS_bind, N(3), B(abstract), N(10)) },
	{ "P3 listen", CALL(SYS_listen, N(3), N(1)) },
	{ "P3 connect by path", CALL(SYS_connect, N(3), B(journal), N(sizeof(journal))) },
	{ "P3 connect by abstract name", CALL(SYS_connect, N(3), B(abstract), N(10)) },
	{ "P3 connect to the network", CALL(SYS_connect, N(3), B(loopback), N(sizeof(loopback))) },
	{ "P3 accept", CALL(SYS_accept, N(3), N(0), N(0)) },
	{ "P3 accept on the listening socket", CALL(SYS_accept, N(24), N(0), N(0)) },
	{ "P3 accept4", CALL(SYS_accept4, N(3), N(0), N(0), N(0)) },
	{ "P3 accept4 on the channel", CALL(SYS_accept4, N(3), N(0), N(0), N(SOCK_CLOEXEC | SOCK_NONBLOCK)) },
	{ "P3 accept4 without flags", CALL(SYS_accept4, N(24), N(0), N(0), N(0)) },
	{ "P3 accept4 that stays open on exec", CALL(SYS_accept4, N(24), N(0), N(0), N(SOCK_NONBLOCK)) },
	{ "P3 accept4 that blocks", CALL(SYS_accept4, N(24), N(0), N(0), N(SOCK_CLOEXEC)) },
	{ "P3 accept4, asking for the address",
	  CALL(SYS_accept4, N(24), B(room), B(room), N(SOCK_CLOEXEC | SOCK_NONBLOCK)) },
	{ "P3 connect by the listening socket", CALL(SYS_connect, N(24), B(journal), N(sizeof(journal))) },
	{ "P3 listen once more", CALL(SYS_listen, N(24), N(1000)) },
	{ "P3 sendmsg on the listening socket", CALL(SYS_sendmsg, N(24), B(room), N(MSG_NOSIGNAL)) },
	{ "P3 recvmsg on the listening socket", CALL(SYS_recvmsg, N(24), B(room), N(MSG_CMSG_CLOEXEC)) },
	{ "P3 shutdown of the listening socket", CALL(SYS_shutdown, N(24), N(2)) },
	{ "P3 sendto", CALL(SYS_sendto, N(3), B(room), N(8), N(0), N(0), N(0)) },
	{ "P3 recvfrom", CALL(SYS_recvfrom, N(3), B(room), N(8), N(MSG_DONTWAIT), N(0), N(0)) },
	{ "P3 sendmmsg", CALL(SYS_sendmmsg, N(3), B(room), N(1), N(0)) },
	{ "P3 recvmmsg", CALL(SYS_recvmmsg, N(3), B(room), N(1), N(MSG_DONTWAIT), N(0)) },
	{ "P3 sendmsg on another descriptor", CALL(SYS_sendmsg, N(6), B(room), N(MSG_NOSIGNAL)) },
	{ "P3 recvmsg on another descriptor", CALL(SYS_recvmsg, N(6), B(room), N(MSG_CMSG_CLOEXEC)) },
	{ "P3 recvmsg MSG_PEEK", CALL(SYS_recvmsg, N(3), B(room), N(MSG_CMSG_CLOEXEC | MSG_PEEK)) },
	{ "P3 sendmsg MSG_ZEROCOPY", CALL(SYS_sendmsg, N(3), B(room), N(MSG_NOSIGNAL | MSG_ZEROCOPY)) },
	{ "P3 shutdown", CALL(SYS_shutdown, N(3), N(2)) },
	{ "P3 getsockopt SO_PEERCRED", CALL(SYS_getsockopt, N(3), N(SOL_SOCKET), N(SO_PEERCRED), B(room), B(room)) },
	{ "P3 getsockopt SO_PEERPIDFD", CALL(SYS_getsockopt, N(3), N(SOL_SOCKET), N(77), B(room), B(room)) },
	{ "P3 setsockopt", CALL(SYS_setsockopt, N(3), N(SOL_SOCKET), N(SO_SNDBUF), B(room), N(4)) },
	{ "P3 getsockname", CALL(SYS_getsockname, N(3), B(room), B(room)) },
	{ "P3 getpeername", CALL(SYS_getpeername, N(3), B(room), B(room)) },
	{ "P3 shmget", CALL(SYS_shmget, N(IPC_PRIVATE), N(4096), N(IPC_CREAT | 0600)) },
	{ "P3 shmctl", CALL(SYS_shmctl, N(0), N(IPC_STAT), B(room)) },
	{ "P3 msgget", CALL(SYS_msgget, N(IPC_PRIVATE), N(IPC_CREAT | 0600)) },
	{ "P3 msgsnd", CALL(SYS_msgsnd, N(0), B(room), N(8), N(IPC_NOWAIT)) },
	{ "P3 msgrcv", CALL(SYS_msgrcv, N(0), B(room), N(8), N(0), N(IPC_NOWAIT)) },
	{ "P3 semget", CALL(SYS_semget, N(IPC_PRIVATE), N(1), N(IPC_CREAT | 0600)) },
	{ "P3 semop", CALL(SYS_semop, N(0), B(room), N(1)) },
	{ "P3 mq_open", CALL(SYS_mq_open, T("x"), N(O_CREAT | O_RDWR), N(0600), N(0)) },
	{ "P3 mq_unlink", CALL(SYS_mq_unlink, T("x")) },
	{ "P3 memfd_create", CALL(SYS_memfd_create, T("x"), N(0)) },
	{ "P3 memfd_secret", CALL(447, N(0)) },
	{ .name = NULL },
};
