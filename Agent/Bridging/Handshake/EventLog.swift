/// What went out on one stream to a client, as far back as it can be told again: each message with its number.
final class EventLog {
    /// The number of the last event; 0 before the first.
    private(set) var last = 0
    private var kept: [(number: Int, message: [UInt8])] = []
    private var bytes = 0
    private let budget: EventBudget

    /// How many messages are kept, and how many bytes of them; the newest may be longer.
    private static let most = 64
    private static let mostBytes = 256 << 10

    init(_ budget: EventBudget) {
        self.budget = budget
    }

    deinit { budget.bytes -= bytes }

    /// Counts an event, and keeps its message where there is room.
    ///
    /// - Parameters:
    ///   - message: the message.
    ///   - isSmall: whether there is always room for it.
    /// - Returns: its number, and whether it is kept.
    @discardableResult
    func add(_ message: [UInt8], isSmall: Bool = false) -> (number: Int, isKept: Bool) {
        last += 1
        while !kept.isEmpty, kept.count >= Self.most || bytes + message.count > Self.mostBytes { dropFirst() }
        guard isSmall || budget.hasRoom(for: message.count) else { return (last, false) }
        kept.append((last, message))
        bytes += message.count
        budget.bytes += message.count
        return (last, true)
    }

    /// What is kept of the events behind one.
    func events(after number: Int) -> [(number: Int, message: [UInt8])] {
        kept.filter { $0.number > number }
    }

    private func dropFirst() {
        let dropped = kept.removeFirst()
        bytes -= dropped.message.count
        budget.bytes -= dropped.message.count
    }
}

/// What all streams at all servers keep together.
final class EventBudget {
    fileprivate(set) var bytes = 0
    private let most: Int

    init(most: Int = 32 << 20) {
        self.most = most
    }

    /// Whether so many bytes more may be kept.
    func hasRoom(for count: Int) -> Bool { bytes + count <= most }

    /// Takes so many bytes for what is kept elsewhere; false where there is no room.
    func reserve(_ count: Int) -> Bool {
        guard hasRoom(for: count) else { return false }
        bytes += count
        return true
    }

    func release(_ count: Int) { bytes -= count }
}

/// The id of an event on a stream of one session: no session takes one of another, nor of an earlier run of the agent.
struct EventMark: Equatable {
    /// The stream of what belongs to no request is 0.
    let stream: Int
    let number: Int

    /// The text, under the name that the session has for itself.
    func text(_ session: UInt64) -> String {
        "\(String(session, radix: 16))-\(stream)-\(number)"
    }

    init(stream: Int, number: Int) {
        self.stream = stream
        self.number = number
    }

    /// Reads `Last-Event-ID`; nil for what this session has not written.
    init?(_ text: [UInt8], of session: UInt64) {
        let parts = String(decoding: text, as: UTF8.self).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, let stream = Int(parts[1]), let number = Int(parts[2]) else { return nil }
        self.init(stream: stream, number: number)
        guard Array(self.text(session).utf8) == text else { return nil }
    }
}
