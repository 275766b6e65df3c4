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
