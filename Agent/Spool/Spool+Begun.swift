package import StrictJSON

/// A tool call that had begun, as its record tells.
package struct BegunCall: Sendable, Hashable {
    package let client: JSONText
    package let server: JSONText
    package let tool: JSONText
    /// What tells the start of the machine from others, and the microseconds since then.
    package let boot: String
    package let mono: Int64
}

extension Spool {
    /// The tool calls that began before this run, from a record on: at most the newest so many.
    ///
    /// - Parameters:
    ///   - number: The first record that is looked at.
    ///   - most: The most calls.
    /// - Returns: The calls in their order; of records that were removed none.
    /// - Throws: As `batch`.
    package func begun(from number: UInt64, atMost most: Int) async throws -> [BegunCall] {
        var calls: [BegunCall] = []
        var next = max(number, oldest)
        while next < began {
            let batch = try await records(from: next, before: began, atMost: 4096)
            guard !batch.isEmpty else { break }
            next += UInt64(batch.count)
            calls += batch.compactMap(BegunCall.init(record:))
            if calls.count > 2 * most { calls.removeFirst(calls.count - most) }
        }
        return Array(calls.suffix(most))
    }
}

extension BegunCall {
    /// Reads a record; nil unless it is of a tool call's beginning.
    init?(record line: [UInt8]) {
        guard line.withUnsafeBytes(RecordLine.kind) == .begin, let record = try? JSONValue(canonical: line),
            record["method"]?.text == "tools/call", let tool = record["tool"]?.string,
            let client = record["client"]?["id"]?.string, let server = record["srv"]?.string,
            let boot = record["boot"]?.text, let mono = record["mono_us"]?.int
        else { return nil }
        self.init(client: client, server: server, tool: tool, boot: boot, mono: Int64(mono))
    }
}
