#define _GNU_SOURCE
#include "CSpawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { most_files = 32 };

/* The headers of the C library may be older than the kernel. */
struct landlock_rules {
    uint64_t files, network, scoped;
};
enum { landlock_create = 444, landlock_restrict = 446, abstract_sockets = 1 };

/* Where the kernel can (6.12), sockets without a path that other programs have opened cannot be connected to: a program that
 * may use the network shares their names, and a session bus may be one of them. */
static void close_abstract_sockets(void) {
    struct landlock_rules rules = {0, 0, abstract_sockets};
    long file = syscall(landlock_create, &rules, sizeof rules, 0);
    if (file < 0) return;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) syscall(landlock_restrict, file, 0);
    close((int)file);
}

static void set_files(const int *files, int count) {
    int copies[most_files];
    /* First out of the way: a number that one file is to get may be another file's. */
    for (int i = 0; i < count; i++) copies[i] = files[i] < 0 ? -1 : fcntl(files[i], F_DUPFD, most_files);
    for (int i = 0; i < count; i++) {
        if (copies[i] < 0) close(i);
        else dup2(copies[i], i);
    }
    close_range((unsigned)count, ~0U, 0);
}

static void set_limits(void) {
    struct rlimit none = {0, 0}, files;
    setrlimit(RLIMIT_CORE, &none);
    /* The agent has many files open and says so to the kernel; programs that try every number would be slow. */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur > 1024) {
        files.rlim_cur = 1024;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static void reset_signals(void) {
    struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int number = 1; number < NSIG; number++) sigaction(number, &usual, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

pid_t doorward_spawn(const char *path, char *const *arguments, const int *files, int count, int *pidfd) {
    char *environment[] = {NULL};
    volatile int error = 0;
    pid_t parent = getpid();
    sigset_t all, before;
    if (count < 0 || count > most_files) return -EINVAL;
    /* No handler of this process may run in the copy, which shares its memory until the program starts. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t child = vfork();
    if (child == 0) {
        /* Asked after it is set: a parent that has ended before sends no signal any more. */
        if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) != 0 || getppid() != parent) _exit(127);
        setsid();
        set_limits();
        set_files(files, count);
        close_abstract_sockets();
        reset_signals();
        execve(path, arguments, environment);
        error = errno;
        _exit(127);
    }
    int failure = child < 0 ? errno : error;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (child < 0) return -failure;
    if (failure != 0) {
        waitpid(child, NULL, 0);
        return -failure;
    }
    /* The number is the child's until it is waited for. */
    *pidfd = (int)syscall(SYS_pidfd_open, child, 0);
    if (*pidfd >= 0) return child;
    failure = errno;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return -failure;
}

int doorward_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC) == 0 ? 0 : -errno; }

int doorward_memory_file(const char *name, const void *bytes, size_t count) {
    int file = memfd_create(name, MFD_CLOEXEC);
    if (file < 0) return -errno;
    for (size_t done = 0; done < count;) {
        ssize_t written = write(file, (const char *)bytes + done, count - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            int failure = written < 0 ? errno : EIO;
            close(file);
            return -failure;
        }
        done += (size_t)written;
    }
    lseek(file, 0, SEEK_SET);
    return file;
}

int doorward_open(pid_t process) {
    int file = (int)syscall(SYS_pidfd_open, process, 0);
    return file < 0 ? -errno : file;
}

int doorward_signal(int pidfd, int signal) {
    return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) == 0 ? 0 : -errno;
}

int doorward_wait(int pidfd) {
    siginfo_t end;
    int failure;
    do failure = waitid(P_PIDFD, (id_t)pidfd, &end, WEXITED);
    while (failure != 0 && errno == EINTR);
    if (failure != 0) return -1;
    return end.si_code == CLD_EXITED ? (end.si_status & 0xFF) << 8 : end.si_status & 0x7F;
}
