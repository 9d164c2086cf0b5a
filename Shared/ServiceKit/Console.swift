internal import Glibc

/// What a command prints: its answer on standard output, messages beside it on standard error.
package enum Console {
    /// Prints one line of the answer and hands it on at once, so that a reader that follows sees it.
    ///
    /// An answer that reaches no reader is lost, and may have been a secret that is shown once: the program ends with
    /// status 1, and says why unless its reader has simply gone (`| head`).
    package static func answer(_ line: String) { answer(Array(line.utf8)) }

    /// The same with the bytes of the line.
    package static func answer(_ line: [UInt8]) {
        let error = write(line + [UInt8(ascii: "\n")], to: STDOUT_FILENO)
        guard error != 0 else { return }
        if error != EPIPE {
            note("error: the answer cannot be written to standard output: \(String(cString: strerror(error)))")
        }
        endProcess(1)
    }

    /// Prints a message for people, beside what a script reads.
    package static func note(_ text: String) {
        // If standard error is closed, the message is lost.
        _ = write(Array("\(text)\n".utf8), to: STDERR_FILENO)
    }

    /// Makes sure that the three standard streams are not something else: a file that is opened where one of them was
    /// closed would get their number, and what is printed.
    package static func holdStreams() {
        for stream in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(stream, F_GETFD) == -1 {
            // Takes the lowest free number, which is this one. It cannot be written to, which is then noticed.
            _ = open("/dev/null", O_RDONLY)
        }
    }

    /// Returns 0, or the number of the error.
    private static func write(_ bytes: [UInt8], to stream: Int32) -> Int32 {
        bytes.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
                let count = Glibc.write(stream, rest.baseAddress, rest.count)
                if count >= 0 {
                    done += count
                } else if errno == EAGAIN {
                    var wait = pollfd(fd: stream, events: Int16(POLLOUT), revents: 0)
                    poll(&wait, 1, -1)
                } else if errno != EINTR {
                    return errno
                }
            }
            return 0
        }
    }
}
