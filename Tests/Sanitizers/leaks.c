/* Preloaded into a program under AddressSanitizer: on a signal it looks for memory that nobody can reach any more, and then
   makes the file $DOORWARD_LEAKS.PID. Our programs end without exit(3), where the sanitizer would look by itself. */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static sem_t asked;

static void ask(int number) {
    (void)number;
    sem_post(&asked);
}

/* Not in the handler, which may have interrupted an allocation. */
static void *look(void *unused) {
    char path[PATH_MAX];
    (void)unused;
    for (;;) {
        if (sem_wait(&asked) != 0) continue;
        if (__lsan_do_recoverable_leak_check) __lsan_do_recoverable_leak_check();
        snprintf(path, sizeof path, "%s.%d", getenv("DOORWARD_LEAKS"), getpid());
        close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    }
    return NULL;
}

__attribute__((constructor)) static void begin(void) {
    struct sigaction action = {0};
    pthread_t thread;
    sem_init(&asked, 0, 0);
    action.sa_handler = ask;
    action.sa_flags = SA_RESTART;
    sigaction(SIGRTMIN + 3, &action, NULL);
    if (pthread_create(&thread, NULL, look, NULL) == 0) pthread_detach(thread);
}
