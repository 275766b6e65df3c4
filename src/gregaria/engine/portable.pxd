# C declarations only: sockets and epoll, as portable.h spells them on every platform.
from libc.stdint cimport uint32_t

cdef extern from "portable.h" nogil:
    int gregaria_socket_error()
    Py_ssize_t gregaria_send(int fd, const char* data, Py_ssize_t size)
    Py_ssize_t gregaria_recv(int fd, char* data, Py_ssize_t size)

    Py_ssize_t gregaria_peek(int fd, char* data, Py_ssize_t size)

    int gregaria_unsent(int fd)
    int GREGARIA_HAS_STAMPS
    int gregaria_ask_for_stamps(int fd)
    Py_ssize_t gregaria_recv_stamped(int fd, char* data, Py_ssize_t size, long long* stamp_us)

    int GREGARIA_HAS_EPOLL
    ctypedef union epoll_data_t:
        void* ptr
    struct epoll_event:
        uint32_t events
        epoll_data_t data
    enum:
        EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP, EPOLLRDHUP, EPOLLET, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CLOEXEC
    int epoll_create1(int flags)
    int epoll_ctl(int epoll_fd, int operation, int fd, epoll_event* event)
    int epoll_wait(int epoll_fd, epoll_event* events, int most, int timeout_ms)
    int close(int fd)
