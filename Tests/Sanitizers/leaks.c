/* Preloaded into a program under AddressSanitizer: on a signal it looks for memory that nobody can reach any more, and then
   makes the file $DOORWARD_LEAKS.PID. Our programs end without exit(3), where the sanitizer would look by itself. */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static void *look(void *signals) {
    char path[PATH_MAX];
    int number;
    for (;;) {
        if (sigwait(signals, &number) != 0) continue;
        if (__lsan_do_recoverable_leak_check) __lsan_do_recoverable_leak_check();
        snprintf(path, sizeof path, "%s.%d", getenv("DOORWARD_LEAKS"), getpid());
        close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    }
    return NULL;
}

__attribute__((constructor)) static void begin(void) {
    static sigset_t signals;
    pthread_t thread;
    sigemptyset(&signals);
    sigaddset(&signals, SIGRTMIN + 3);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    if (pthread_create(&thread, NULL, look, &signals) == 0) pthread_detach(thread);
}
