/* The few system calls of the engine, with one spelling on Linux, macOS and Windows. */
#ifndef GREGARIA_PORTABLE_H
#define GREGARIA_PORTABLE_H

#include <errno.h>
#include <string.h>

#ifdef _WIN32
#include <winsock2.h>
#define GREGARIA_SEND_FLAGS 0
static inline int gregaria_socket_error(void) {
    int code = WSAGetLastError();
    if (code == WSAEWOULDBLOCK) return EAGAIN;
    if (code == WSAEINTR) return EINTR;
    if (code == WSAECONNRESET) return ECONNRESET;
    if (code == WSAECONNABORTED) return ECONNABORTED;
    if (code == WSAENOTCONN) return ENOTCONN;
    return code;
}
static inline Py_ssize_t gregaria_send(int fd, const char *data, Py_ssize_t size) {
    return send((SOCKET)fd, data, (int)(size > 0x40000000 ? 0x40000000 : size), 0);
}
static inline Py_ssize_t gregaria_recv(int fd, char *data, Py_ssize_t size) {
    return recv((SOCKET)fd, data, (int)(size > 0x40000000 ? 0x40000000 : size), 0);
}
static inline Py_ssize_t gregaria_peek(int fd, char *data, Py_ssize_t size) {
    return recv((SOCKET)fd, data, (int)size, MSG_PEEK);
}
#else
#include <sys/types.h>
#include <sys/socket.h>
#ifdef MSG_NOSIGNAL
#define GREGARIA_SEND_FLAGS MSG_NOSIGNAL
#else
#define GREGARIA_SEND_FLAGS 0
#endif
static inline int gregaria_socket_error(void) { return errno == EWOULDBLOCK ? EAGAIN : errno; }
static inline Py_ssize_t gregaria_send(int fd, const char *data, Py_ssize_t size) {
    return send(fd, data, (size_t)size, GREGARIA_SEND_FLAGS);
}
static inline Py_ssize_t gregaria_recv(int fd, char *data, Py_ssize_t size) {
    return recv(fd, data, (size_t)size, 0);
}
static inline Py_ssize_t gregaria_peek(int fd, char *data, Py_ssize_t size) {
    return recv(fd, data, (size_t)size, MSG_PEEK);
}
#endif

/* Reads, and tells in *stamp_us when the last of these bytes came by the kernel's own clock, as a moment of
   CLOCK_MONOTONIC; 0 where the kernel does not say. */
#ifdef __linux__
#include <time.h>
#include <linux/net_tstamp.h>
#ifndef SO_TIMESTAMPING
#define SO_TIMESTAMPING 37
#endif
#define GREGARIA_HAS_STAMPS 1
#include <sys/ioctl.h>
#include <linux/sockios.h>
/* Bytes that were given to the system and that the peer has not yet acknowledged; -1 where that is not known. */
static inline int gregaria_unsent(int fd) {
    int left;
    return ioctl(fd, SIOCOUTQ, &left) == 0 ? left : -1;
}
static inline int gregaria_ask_for_stamps(int fd) {
    int flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
    return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags);
}
static inline Py_ssize_t gregaria_recv_stamped(int fd, char *data, Py_ssize_t size, long long *stamp_us) {
    /* Room for the three timespecs of SCM_TIMESTAMPING. */
    union { char bytes[CMSG_SPACE(3 * sizeof(struct timespec))]; struct cmsghdr aligned; } control;
    struct iovec piece = {data, (size_t)size};
    struct msghdr message = {NULL, 0, &piece, 1, control.bytes, sizeof control.bytes, 0};
    struct cmsghdr *part;
    struct timespec came, wall, steady;
    long long steady_us, offset_us, moment_us;
    /* Under the interpreter's lock. */
    static long long last_offset_us = 0, set_us = 0;
    Py_ssize_t got = recvmsg(fd, &message, 0);
    *stamp_us = 0;
    if (got <= 0) return got;
    part = CMSG_FIRSTHDR(&message);
    if (part == NULL || part->cmsg_level != SOL_SOCKET || part->cmsg_type != SO_TIMESTAMPING) return got;
    memcpy(&came, CMSG_DATA(part), sizeof came);
    if (came.tv_sec == 0) return got;
    /* The stamp is of the wall clock, which may be set at any time: its distance is read now. What came before it was
       seen to be set may have the old time, so those stamps say nothing. */
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_MONOTONIC, &steady);
    steady_us = (long long)steady.tv_sec * 1000000 + steady.tv_nsec / 1000;
    offset_us = (long long)wall.tv_sec * 1000000 + wall.tv_nsec / 1000 - steady_us;
    if (offset_us - last_offset_us > 1000 || offset_us - last_offset_us < -1000) {
        if (last_offset_us) set_us = steady_us;
        last_offset_us = offset_us;
    }
    moment_us = (long long)came.tv_sec * 1000000 + came.tv_nsec / 1000 - offset_us;
    if (moment_us > set_us && moment_us <= steady_us) *stamp_us = moment_us;
    return got;
}
#else
#define GREGARIA_HAS_STAMPS 0
static inline int gregaria_unsent(int fd) { (void)fd; return -1; }
static inline int gregaria_ask_for_stamps(int fd) { (void)fd; return -1; }
static inline Py_ssize_t gregaria_recv_stamped(int fd, char *data, Py_ssize_t size, long long *stamp_us) {
    *stamp_us = 0;
    return gregaria_recv(fd, data, size);
}
#endif

#ifdef __linux__
#include <sys/epoll.h>
#include <unistd.h>
#define GREGARIA_HAS_EPOLL 1
#else
/* Never called: the poller asks GREGARIA_HAS_EPOLL first and waits on gevent's watchers instead. */
#define GREGARIA_HAS_EPOLL 0
typedef union { void *ptr; } epoll_data_t;
struct epoll_event { unsigned int events; epoll_data_t data; };
enum { EPOLLIN = 1, EPOLLOUT = 4, EPOLLERR = 8, EPOLLHUP = 16, EPOLLRDHUP = 8192 };
#define EPOLLET 0x80000000u
enum { EPOLL_CTL_ADD = 1, EPOLL_CTL_DEL = 2 };
#define EPOLL_CLOEXEC 0
static inline int epoll_create1(int flags) { (void)flags; return -1; }
static inline int epoll_ctl(int ep, int op, int fd, struct epoll_event *e) { (void)ep; (void)op; (void)fd; (void)e; return -1; }
static inline int epoll_wait(int ep, struct epoll_event *e, int n, int ms) { (void)ep; (void)e; (void)n; (void)ms; return 0; }
#ifndef _WIN32
#include <unistd.h>
#else
#include <io.h>
#define close _close
#endif
#endif

#endif
