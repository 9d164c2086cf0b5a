internal import Glibc
internal import NIOCore
internal import Upstreams

/// Reads a file on a thread of its own, since standard input may be anything: a pipe, a terminal, a file.
///
/// One piece is under way at a time: what the loop has not taken in waits in the kernel, and with it the client.
enum LineReader {
    private static let piece = 64 << 10

    /// Starts to read.
    ///
    /// - Parameters:
    ///   - file: what to read; it stays open.
    ///   - loop: where `body` is called.
    ///   - body: takes the bytes; empty for the end, after which nothing comes.
    /// - Returns: false where the system has no thread to give.
    static func start(_ file: Int32, on loop: any EventLoop, _ body: @escaping @Sendable ([UInt8]) -> Void) -> Bool {
        OwnThread.run {
            while true {
                let bytes = read(file)
                // Fails once the loop has ended, and then so does the process.
                guard (try? loop.submit { body(bytes) }.wait()) != nil, !bytes.isEmpty else { return }
            }
        }
    }

    private static func read(_ file: Int32) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: piece) { room, count in
            while true {
                let read = Glibc.read(file, room.baseAddress, room.count)
                if read >= 0 {
                    count = read
                    return
                }
                if errno == EAGAIN {
                    var wait = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
                    poll(&wait, 1, -1)
                } else if errno != EINTR {
                    // Whatever it is, no more comes.
                    count = 0
                    return
                }
            }
        }
    }
}
