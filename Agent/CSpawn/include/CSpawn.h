#ifndef DOORWARD_CSPAWN_H
#define DOORWARD_CSPAWN_H

#include <stddef.h>
#include <sys/types.h>

/// Starts a program in a process that is sent SIGTERM when the thread that calls this ends, whatever ends that thread.
///
/// What is done between the copy of the process and the start of the program cannot be done in Swift: no code may run
/// there that allocates memory or takes a lock, since all other threads are gone. The child gets the open files that are
/// named and no others, an empty environment, no signal that is blocked, ignored or handled, no terminal, no core dump.
///
/// - `path`: the program, without a search.
/// - `arguments`: ends with NULL.
/// - `files`: what becomes its files 0 to `count` - 1, 32 at most; -1 leaves one closed.
/// - `pidfd`: takes a file that stands for the process, which the caller closes.
/// - returns: the id of the process, which the caller waits for; or the negative number of an error.
pid_t doorward_spawn(const char *path, char *const *arguments, const int *files, int count, int *pidfd);

/// Makes a pipe that no program inherits which is started meanwhile: `ends` takes the end to read from, then the other.
/// 0, or the negative number of an error.
int doorward_pipe(int ends[2]);

/// Makes a file in memory with these bytes, to be read from its beginning; or the negative number of an error.
int doorward_memory_file(const char *name, const void *bytes, size_t count);

/// A file that stands for a process, or the negative number of an error.
int doorward_open(pid_t process);

/// Sends a signal to the process behind a pidfd; 0, or the negative number of an error.
int doorward_signal(int pidfd, int signal);

/// Waits, without end, for the process behind a pidfd; how it ended as `waitpid` has it, or -1.
int doorward_wait(int pidfd);

#endif
