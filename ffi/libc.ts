/**
 * The C functions that the running program needs, each with its header and
 * prototype (glibc, 64-bit Linux).
 *
 * How C types are written here, so that V8's fast calls apply and nothing is
 * allocated per call:
 * - `ssize_t` and `long` results that fit 31 bits are "i32": "i64" would create
 *   a BigInt per call;
 * - `size_t` and `off_t` parameters are "u64" and "i64" and want a BigInt (a
 *   constant one on a hot path; a Number there takes Deno's slow path);
 * - a struct that is used again and again is "pointer" (one pointer object made
 *   once), a buffer used now and then "buffer";
 * - variadic functions are declared with the arguments that we pass, which the
 *   x86-64 and aarch64 ABIs allow.
 *
 * Functions of one rare concern have tables of their own, such as
 * spawn_functions.ts.
 */

import { openLibc } from "./library.ts";

/**
 * The functions of the C library. Use: `const { recvmsg } = libc;` at module
 * level, so that calls are monomorphic.
 */
export const libc = openLibc({
  // <errno.h> int *__errno_location(void);
  __errno_location: { parameters: [], result: "pointer" },

  // <sys/socket.h> ssize_t recvmsg(int sockfd, struct msghdr *msg, int flags);
  recvmsg: { parameters: ["i32", "pointer", "i32"], result: "i32" },
  // <sys/socket.h> ssize_t sendmsg(int sockfd, const struct msghdr *msg, int flags);
  sendmsg: { parameters: ["i32", "pointer", "i32"], result: "i32" },
  // <sys/socket.h> int socket(int domain, int type, int protocol);
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  // <sys/socket.h> int socketpair(int domain, int type, int protocol, int sv[2]);
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  // <sys/socket.h> int connect(int sockfd, const struct sockaddr *addr, socklen_t addrlen);
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  // <sys/socket.h> int bind(int sockfd, const struct sockaddr *addr, socklen_t addrlen);
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  // <sys/socket.h> int listen(int sockfd, int backlog);
  listen: { parameters: ["i32", "i32"], result: "i32" },
  // <sys/socket.h> int accept4(int sockfd, struct sockaddr *addr, socklen_t *addrlen, int flags);
  accept4: { parameters: ["i32", "pointer", "pointer", "i32"], result: "i32" },
  // <sys/socket.h> int shutdown(int sockfd, int how);
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  // <sys/socket.h> int getsockopt(int sockfd, int level, int optname, void *optval, socklen_t *optlen);
  getsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "buffer"],
    result: "i32",
  },

  // <sys/epoll.h> int epoll_create1(int flags);
  epoll_create1: { parameters: ["i32"], result: "i32" },
  // <sys/epoll.h> int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);
  epoll_ctl: { parameters: ["i32", "i32", "i32", "pointer"], result: "i32" },
  // <sys/epoll.h> int epoll_wait(int epfd, struct epoll_event *events, int maxevents, int timeout);
  epoll_wait: { parameters: ["i32", "pointer", "i32", "i32"], result: "i32" },

  // <time.h> int clock_gettime(clockid_t clockid, struct timespec *tp);
  clock_gettime: { parameters: ["i32", "pointer"], result: "i32" },
  // <sys/timerfd.h> int timerfd_create(int clockid, int flags);
  timerfd_create: { parameters: ["i32", "i32"], result: "i32" },
  // <sys/timerfd.h> int timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old);
  timerfd_settime: {
    parameters: ["i32", "i32", "pointer", "pointer"],
    result: "i32",
  },

  // <fcntl.h> int open(const char *pathname, int flags, mode_t mode);
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  // <fcntl.h> int fcntl(int fd, int cmd, int arg);
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  // <unistd.h> int close(int fd);
  close: { parameters: ["i32"], result: "i32" },
  // <unistd.h>, glibc 2.34: int close_range(unsigned int first, unsigned int last, int flags);
  close_range: { parameters: ["u32", "u32", "i32"], result: "i32" },
  // <unistd.h> ssize_t read(int fd, void *buf, size_t count);
  read: { parameters: ["i32", "buffer", "u64"], result: "i32" },
  // <unistd.h> ssize_t write(int fd, const void *buf, size_t count);
  write: { parameters: ["i32", "buffer", "u64"], result: "i32" },
  // <unistd.h> ssize_t pread(int fd, void *buf, size_t count, off_t offset);
  pread: { parameters: ["i32", "buffer", "u64", "i64"], result: "i32" },
  // <sys/uio.h> ssize_t preadv(int fd, const struct iovec *iov, int iovcnt, off_t offset);
  preadv: { parameters: ["i32", "pointer", "i32", "i64"], result: "i32" },
  // <unistd.h> int pipe2(int pipefd[2], int flags);
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
  // <unistd.h> int isatty(int fd);
  isatty: { parameters: ["i32"], result: "i32" },
  // <unistd.h> int ftruncate(int fd, off_t length);
  ftruncate: { parameters: ["i32", "i64"], result: "i32" },
  // <sys/file.h> int flock(int fd, int operation);
  flock: { parameters: ["i32", "i32"], result: "i32" },
  // <sys/stat.h> int mkfifo(const char *pathname, mode_t mode);
  mkfifo: { parameters: ["buffer", "u32"], result: "i32" },
  // <sys/stat.h> int statx(int dirfd, const char *pathname, int flags, unsigned int mask, struct statx *statxbuf);
  statx: {
    parameters: ["i32", "buffer", "i32", "u32", "buffer"],
    result: "i32",
  },

  // <sys/mman.h> int memfd_create(const char *name, unsigned int flags);
  memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
  // <sys/mman.h> void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset);
  mmap: {
    parameters: ["pointer", "u64", "i32", "i32", "i32", "i64"],
    result: "pointer",
  },
  // <sys/mman.h> int munmap(void *addr, size_t length);
  munmap: { parameters: ["pointer", "u64"], result: "i32" },

  // <sys/signalfd.h> int signalfd(int fd, const sigset_t *mask, int flags);
  signalfd: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  // <sys/pidfd.h> int pidfd_open(pid_t pid, unsigned int flags);
  pidfd_open: { parameters: ["i32", "u32"], result: "i32" },
  // <sys/pidfd.h> int pidfd_send_signal(int pidfd, int sig, siginfo_t *info, unsigned int flags);
  pidfd_send_signal: {
    parameters: ["i32", "i32", "pointer", "u32"],
    result: "i32",
  },
  // <sys/wait.h> int waitid(idtype_t idtype, id_t id, siginfo_t *infop, int options);
  waitid: { parameters: ["i32", "u32", "buffer", "i32"], result: "i32" },
  // <sys/resource.h> int getrlimit(int resource, struct rlimit *rlim);
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  // <sys/resource.h> int setrlimit(int resource, const struct rlimit *rlim);
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
});
