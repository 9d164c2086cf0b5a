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
        let error = (line + [UInt8(ascii: "\n")]).withUnsafeBytes { Descriptor.write($0, to: STDOUT_FILENO) }
        guard error != 0 else { return }
        if error != EPIPE {
            note("error: the answer cannot be written to standard output: \(String(cString: strerror(error)))")
        }
        endProcess(1)
    }

    /// Prints a message for people, beside what a script reads.
    package static func note(_ text: String) {
        // If standard error is closed, the message is lost.
        _ = Array("\(text)\n".utf8).withUnsafeBytes { Descriptor.write($0, to: STDERR_FILENO) }
    }

    /// Asks for something on the same line.
    package static func prompt(_ question: String) {
        _ = Array(question.utf8).withUnsafeBytes { Descriptor.write($0, to: STDERR_FILENO) }
    }

    /// Makes sure that the three standard streams are not something else: a file that is opened where one of them was
    /// closed would get their number, and what is printed.
    package static func holdStreams() {
        for stream in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(stream, F_GETFD) == -1 {
            // Takes the lowest free number, which is this one. It cannot be written to, which is then noticed.
            _ = open("/dev/null", O_RDONLY)
        }
    }
}
