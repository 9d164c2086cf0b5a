internal import ServiceKit

/// Writes messages to the client, each on one line.
///
/// It waits for a client that does not read: what comes from the agent then waits in the kernel, and nothing here grows.
struct LineWriter {
    let file: Int32

    /// Writes a message; false where the client will read no more.
    ///
    /// A line break in JSON stands between two values and nowhere else, so a blank in its place changes nothing; and were
    /// the message no JSON, it would still be one line.
    func write(_ message: some Sequence<UInt8>) -> Bool {
        var line: [UInt8] = []
        line.reserveCapacity(message.underestimatedCount + 1)
        for byte in message { line.append(byte == 0x0A || byte == 0x0D ? 0x20 : byte) }
        line.append(0x0A)
        return line.withUnsafeBytes { Descriptor.write($0, to: file) } == 0
    }
}
