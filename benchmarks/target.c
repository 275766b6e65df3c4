/*
 * A target that waits, to the microsecond, and keeps its own time of every request.
 *
 *     target PORT CONTROL_PORT WAIT_US TIMES
 *
 * Every request without a body is answered WAIT_US after its last byte was read; 0 answers at once. The time from the
 * last byte read to the answer written goes to the file TIMES when SIGTERM comes: 32-bit integers, in microseconds, in
 * the order of the answers, without the first request of each connection. Whoever connects to CONTROL_PORT is told
 * "REQUESTS CONNECTIONS\n": the requests read so far, and the connections that are open now.
 *
 * Some paths are answered with a mishap, at once: /reset (the connection is reset), /half (half the answer, then a
 * reset), /close (the answer, then the end of the connection).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 512
#define HEAD_BYTES 4096
#define BODY "{\"message\":\"ok!\"}"
#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17\r\n"

static const char ANSWER[] = HEAD "\r\n" BODY;
static const char LAST_ANSWER[] = HEAD "Connection: close\r\n\r\n" BODY;

struct connection {
    int fd;
    uint32_t generation; /* goes up at the end of a connection, so that what waits for an old one is known as such */
    uint32_t requests;
    uint32_t filled;
    struct connection *next_free;
    char head[HEAD_BYTES];
};

struct waiting {
    struct connection *connection;
    uint32_t generation;
    uint64_t read_ns;
};

static volatile sig_atomic_t ended;
static int poller;
static uint64_t wait_ns, requests, open_connections;
static struct connection *free_connections;

/* All wait equally long, so the first to come is the first to go: a ring. */
static struct waiting *ring;
static size_t ring_size = 1 << 12, ring_first, ring_count;

static uint32_t *times_us;
static size_t times_size = 1 << 16, times_count;

static void on_end(int number) {
    (void)number;
    ended = 1;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void *enough(void *memory) {
    if (memory == NULL) die("memory");
    return memory;
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int listen_on(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4096)) die("listen");
    return fd;
}

static void watch(int fd, void *subject) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = subject};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event)) die("epoll_ctl");
}

static void leave(struct connection *connection, int reset) {
    if (reset) {
        struct linger at_once = {.l_onoff = 1, .l_linger = 0};
        setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    close(connection->fd);
    connection->fd = -1;
    connection->generation++;
    connection->next_free = free_connections;
    free_connections = connection;
    open_connections--;
}

static void take_connections(int listener) {
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct connection *connection = free_connections;
        if (connection != NULL)
            free_connections = connection->next_free;
        else
            connection = enough(calloc(1, sizeof *connection));
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        connection->fd = fd;
        connection->requests = connection->filled = 0;
        open_connections++;
        watch(fd, connection);
    }
}

static void tell(int control) {
    int fd;
    char text[64];
    while ((fd = accept4(control, NULL, NULL, 0)) >= 0) {
        int length = snprintf(text, sizeof text, "%llu %llu\n", (unsigned long long)requests,
                              (unsigned long long)open_connections);
        if (write(fd, text, (size_t)length) != length) perror("control");
        close(fd);
    }
}

/* Returns 0 when the connection is gone. */
static int send_all(struct connection *connection, const char *text, size_t length) {
    if (send(connection->fd, text, length, MSG_NOSIGNAL) == (ssize_t)length) return 1;
    leave(connection, 1);
    return 0;
}

static void keep_time(uint64_t us) {
    if (times_count == times_size) times_us = enough(realloc(times_us, (times_size *= 2) * sizeof *times_us));
    times_us[times_count++] = (uint32_t)us;
}

static void answer(struct connection *connection, uint64_t read_ns) {
    if (!send_all(connection, ANSWER, sizeof ANSWER - 1)) return;
    if (connection->requests++) keep_time((now_ns() - read_ns + 500) / 1000);
}

static void answer_later(struct connection *connection, uint64_t read_ns) {
    if (ring_count == ring_size) {
        struct waiting *larger = enough(malloc(2 * ring_size * sizeof *ring));
        for (size_t number = 0; number < ring_count; number++)
            larger[number] = ring[(ring_first + number) % ring_size];
        free(ring);
        ring = larger;
        ring_first = 0;
        ring_size *= 2;
    }
    ring[(ring_first + ring_count++) % ring_size] =
        (struct waiting){.connection = connection, .generation = connection->generation, .read_ns = read_ns};
}

static void answer_those_due(void) {
    while (ring_count && ring[ring_first].read_ns + wait_ns <= now_ns()) {
        struct waiting due = ring[ring_first];
        ring_first = (ring_first + 1) % ring_size;
        ring_count--;
        if (due.generation == due.connection->generation) answer(due.connection, due.read_ns);
    }
}

static int asks_for(const char *head, const char *path) {
    const char *space = strchr(head, ' ');
    return space != NULL && strncmp(space + 1, path, strlen(path)) == 0;
}

/* One whole head is here. Returns 0 when the connection is gone. */
static int take_request(struct connection *connection, uint64_t read_ns) {
    requests++;
    if (asks_for(connection->head, "/reset ")) {
        leave(connection, 1);
        return 0;
    }
    if (asks_for(connection->head, "/half ")) {
        if (send_all(connection, ANSWER, sizeof ANSWER - 1 - 8)) leave(connection, 1);
        return 0;
    }
    if (asks_for(connection->head, "/close ")) {
        if (send_all(connection, LAST_ANSWER, sizeof LAST_ANSWER - 1)) leave(connection, 0);
        return 0;
    }
    if (wait_ns) {
        answer_later(connection, read_ns);
        return 1;
    }
    answer(connection, read_ns);
    return connection->fd >= 0;
}

static void read_requests(struct connection *connection) {
    ssize_t got = recv(connection->fd, connection->head + connection->filled, HEAD_BYTES - 1 - connection->filled, 0);
    uint64_t read_ns = now_ns();
    char *end;
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        leave(connection, 0);
        return;
    }
    connection->filled += (uint32_t)got;
    connection->head[connection->filled] = '\0';
    while ((end = strstr(connection->head, "\r\n\r\n")) != NULL) {
        if (!take_request(connection, read_ns)) return;
        connection->filled -= (uint32_t)(end + 4 - connection->head);
        memmove(connection->head, end + 4, connection->filled + 1);
    }
}

static int ready(struct epoll_event *events) {
    struct timespec patience = {.tv_sec = 1, .tv_nsec = 0};
    if (ring_count) {
        uint64_t due = ring[ring_first].read_ns + wait_ns, now = now_ns(), left = due > now ? due - now : 0;
        patience = (struct timespec){.tv_sec = (time_t)(left / 1000000000u), .tv_nsec = (long)(left % 1000000000u)};
    }
    return epoll_pwait2(poller, events, EVENTS, &patience, NULL);
}

int main(int count, char **words) {
    struct epoll_event events[EVENTS];
    struct rlimit files;
    struct sigaction end = {.sa_handler = on_end};
    if (count != 5) {
        fprintf(stderr, "usage: target PORT CONTROL_PORT WAIT_US TIMES\n");
        return 2;
    }
    sigaction(SIGTERM, &end, NULL);
    sigaction(SIGINT, &end, NULL);
    prctl(PR_SET_TIMERSLACK, 1L); /* else the kernel wakes it up to 50 us too late */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    /* Where it may, it comes before all else on its core: its times are the truth that others are measured by. */
    sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1});
    wait_ns = strtoull(words[3], NULL, 10) * 1000;
    ring = enough(malloc(ring_size * sizeof *ring));
    times_us = enough(malloc(times_size * sizeof *times_us));
    poller = epoll_create1(0);
    int listener = listen_on(atoi(words[1])), control = listen_on(atoi(words[2]));
    watch(listener, &listener);
    watch(control, &control);

    while (!ended) {
        int number = ready(events);
        answer_those_due();
        for (int at = 0; at < number; at++) {
            void *subject = events[at].data.ptr;
            if (subject == &listener)
                take_connections(listener);
            else if (subject == &control)
                tell(control);
            else if (((struct connection *)subject)->fd >= 0)
                read_requests(subject);
            answer_those_due();
        }
    }

    FILE *file = fopen(words[4], "wb");
    if (file == NULL || fwrite(times_us, sizeof *times_us, times_count, file) != times_count || fclose(file))
        die(words[4]);
    return 0;
}
