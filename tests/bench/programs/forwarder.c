/*
 * The least that a proxy can do: it copies bytes and fds between pairs of sockets and looks at nothing.
 *
 *   forwarder LISTEN CONNECT      serves the path LISTEN, connects each client to the path CONNECT,
 *                                 until its standard input ends
 *
 * One epoll loop, level-triggered. What could not be sent stays in the direction's buffer, and that
 * direction is not read until it is gone: back-pressure, without a queue.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BUFFER_SIZE = 65536, MAX_FDS = 253 };

struct pair;

struct end {
    struct pair *pair;
    struct end *other;
    int fd;
    int gone; /* its peer hung up while something of it is still to be sent; no longer polled */
    uint32_t interest;
    /* received here, not yet sent to the other end */
    size_t first, length;
    int fd_count;
    int fds[MAX_FDS];
    char bytes[BUFFER_SIZE];
};

struct pair {
    struct end client, host;
    int dead;
    struct pair *next_dead;
};

static int poller;
static struct pair *dead;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path) {
        fprintf(stderr, "forwarder: the path is too long: %s\n", path);
        exit(2);
    }
    strcpy(address.sun_path, path);
    return address;
}

static void set_interest(struct end *end, uint32_t interest)
{
    if (end->gone || end->interest == interest)
        return;
    struct epoll_event event = { .events = interest, .data.ptr = end };
    if (epoll_ctl(poller, EPOLL_CTL_MOD, end->fd, &event) < 0)
        fail("epoll_ctl");
    end->interest = interest;
}

static void end_pair(struct pair *pair)
{
    if (pair->dead)
        return;
    pair->dead = 1;
    pair->next_dead = dead; /* freed after this round: a later event may still name it */
    dead = pair;
    struct end *ends[] = { &pair->client, &pair->host };
    for (int i = 0; i < 2; i++) {
        close(ends[i]->fd);
        for (int j = 0; j < ends[i]->fd_count; j++)
            close(ends[i]->fds[j]);
    }
}

/* Sends what `from` holds; 0 when all of it went, 1 when some is left, -1 at the end. */
static int forward(struct end *from)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof from->fds)];
    } control;
    while (from->length > 0) {
        struct iovec iov = { from->bytes + from->first, from->length };
        struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
        if (from->fd_count > 0) {
            size_t size = sizeof(int) * (size_t)from->fd_count;
            message.msg_control = control.space;
            message.msg_controllen = CMSG_SPACE(size);
            control.header.cmsg_len = CMSG_LEN(size);
            control.header.cmsg_level = SOL_SOCKET;
            control.header.cmsg_type = SCM_RIGHTS;
            memcpy(CMSG_DATA(&control.header), from->fds, size);
        }
        ssize_t sent = sendmsg(from->other->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN ? 1 : -1;
        for (int i = 0; i < from->fd_count; i++)
            close(from->fds[i]);
        from->fd_count = 0;
        from->first += (size_t)sent;
        from->length -= (size_t)sent;
    }
    from->first = 0;
    return 0;
}

static int receive(struct end *end)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof end->fds)];
    } control;
    struct iovec iov = { end->bytes, BUFFER_SIZE };
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control
    };
    ssize_t received = recvmsg(end->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (received <= 0)
        return received < 0 && errno == EAGAIN ? 0 : -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
            end->fd_count = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
            memcpy(end->fds, CMSG_DATA(c), sizeof(int) * (size_t)end->fd_count);
        }
    }
    end->length = (size_t)received;
    return 0;
}

static void handle(struct end *end, uint32_t events)
{
    if (end->pair->dead)
        return;
    if (events & EPOLLOUT) {
        int left = forward(end->other);
        if (left < 0 || (left == 0 && end->other->gone)) {
            end_pair(end->pair);
            return;
        }
        if (left == 0) {
            set_interest(end, end->interest & ~(uint32_t)EPOLLOUT);
            set_interest(end->other, end->other->interest | EPOLLIN);
        }
    }
    if (end->length > 0 && events & (EPOLLHUP | EPOLLERR)) {
        end->gone = 1;
        epoll_ctl(poller, EPOLL_CTL_DEL, end->fd, NULL);
    } else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        int left = receive(end) < 0 ? -1 : forward(end);
        if (left < 0) {
            end_pair(end->pair);
        } else if (left > 0) {
            set_interest(end, end->interest & ~(uint32_t)EPOLLIN);
            set_interest(end->other, end->other->interest | EPOLLOUT);
        }
    }
}

static void watch(struct end *end, struct pair *pair, struct end *other, int fd)
{
    end->pair = pair;
    end->other = other;
    end->fd = fd;
    end->gone = 0;
    end->interest = EPOLLIN;
    end->first = end->length = 0;
    end->fd_count = 0;
    struct epoll_event event = { .events = end->interest, .data.ptr = end };
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0)
        fail("epoll_ctl");
}

static void accept_client(int listener, const struct sockaddr_un *host_address)
{
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0)
        return;
    int host = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (host < 0 || connect(host, (const struct sockaddr *)host_address, sizeof *host_address) < 0) {
        perror("forwarder: cannot reach the host");
        close(client);
        if (host >= 0)
            close(host);
        return;
    }
    struct pair *pair = malloc(sizeof *pair);
    if (pair == NULL)
        fail("malloc");
    pair->dead = 0;
    watch(&pair->client, pair, &pair->host, client);
    watch(&pair->host, pair, &pair->client, host);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: forwarder LISTEN CONNECT\n");
        return 2;
    }
    struct sockaddr_un own = address_of(argv[1]), host = address_of(argv[2]);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    unlink(argv[1]);
    if (listener < 0 || bind(listener, (struct sockaddr *)&own, sizeof own) < 0 || listen(listener, 128) < 0)
        fail("forwarder: cannot serve its socket");
    poller = epoll_create1(EPOLL_CLOEXEC);
    /* the two that are no end of a pair are told apart by their addresses */
    struct epoll_event of_listener = { .events = EPOLLIN, .data.ptr = &own };
    struct epoll_event of_input = { .events = EPOLLIN, .data.ptr = &host };
    if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &of_listener) < 0 ||
        epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &of_input) < 0)
        fail("epoll");
    for (;;) {
        struct epoll_event events[32];
        int ready = epoll_wait(poller, events, 32, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr == &own)
                accept_client(listener, &host);
            else if (events[i].data.ptr == &host)
                return unlink(argv[1]) < 0;
            else
                handle(events[i].data.ptr, events[i].events);
        }
        while (dead != NULL) {
            struct pair *next = dead->next_dead;
            free(dead);
            dead = next;
        }
    }
}
