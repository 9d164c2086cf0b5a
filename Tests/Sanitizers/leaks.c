/* Preloaded into a program under AddressSanitizer: on a signal it looks for memory that nobody can reach any more. Our
   programs end without exit(3), where the sanitizer would look by itself. */
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

extern int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static void *look(void *signals) {
    int number;
    for (;;) {
        if (sigwait(signals, &number) == 0 && __lsan_do_recoverable_leak_check) __lsan_do_recoverable_leak_check();
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
