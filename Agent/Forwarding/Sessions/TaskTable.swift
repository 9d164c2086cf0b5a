internal import Policy
internal import StrictJSON
internal import TransparencyLog

/// Which client made which task at which server, with which tool.
///
/// No other client may ask for the task, even if it knows the id.
///
/// A task is the rest of a call, so it also has the call's slots, until it is over or nothing is heard of it any more.
/// The table lives as long as the agent; after a restart the agent cannot tell whose a task is.
final class TaskTable {
    private struct Key: Hashable {
        let client: JSONText
        let server: JSONText
        let id: Hash
    }

    private struct Entry {
        let tool: JSONText
        var permit: LimitPermit
        var heard: Int64
        let timeout: Int64
    }

    private var entries: [Key: Entry] = [:]
    private var order: [JSONText: ArraySlice<Key>] = [:]
    /// How many have slots.
    private(set) var holding = 0
    /// The most of one client; the oldest goes first.
    private let most: Int

    init(most: Int = 1024) {
        self.most = most
    }

    /// Takes in a task that a client has made.
    ///
    /// - Parameters:
    ///   - id: the server's id for it.
    ///   - client: who made it.
    ///   - server: where.
    ///   - tool: with which tool.
    ///   - timeout: how long its server may be silent about it, in nanoseconds.
    ///   - permit: the slots that it has.
    ///   - now: the time, in nanoseconds.
    /// - Returns: slots to be given back, as the task that had them had to go.
    func add(
        _ id: UnsafeBufferPointer<UInt8>,
        of client: JSONText,
        at server: JSONText,
        tool: JSONText,
        timeout: Int64,
        permit: LimitPermit,
        now: Int64
    ) -> LimitPermit? {
        let key = Key(client: client, server: server, id: Hash.of(id))
        var gone = take(key)
        if order[client, default: []].count >= most, let oldest = order[client]?.popFirst() { gone = take(oldest) }
        order[client, default: []].append(key)
        entries[key] = Entry(tool: tool, permit: permit, heard: now, timeout: timeout)
        if !permit.isEmpty { holding += 1 }
        return gone
    }

    /// The tool with which a client made a task; nil where it did not.
    func tool(of id: UnsafeBufferPointer<UInt8>, client: JSONText, server: JSONText) -> JSONText? {
        entries[Key(client: client, server: server, id: Hash.of(id))]?.tool
    }

    /// Something was heard of a task.
    ///
    /// - Parameters:
    ///   - id: the server's id for it.
    ///   - client: who made it.
    ///   - server: where.
    ///   - isOver: whether the server works on it no more.
    ///   - now: the time, in nanoseconds.
    func heard(of id: UnsafeBufferPointer<UInt8>, client: JSONText, server: JSONText, isOver: Bool, now: Int64) {
        let key = Key(client: client, server: server, id: Hash.of(id))
        entries[key]?.heard = now
        if isOver { release(key) }
    }

    /// Gives back the slots of tasks whose server was silent for as long as it may be.
    func releaseOverdue(_ now: Int64) {
        guard holding > 0 else { return }
        for (key, entry) in entries where !entry.permit.isEmpty && now - entry.heard >= entry.timeout { release(key) }
    }

    /// Forgets the tasks of clients and servers that are gone.
    func forget(where isGone: (_ client: JSONText, _ server: JSONText) -> Bool) {
        for (client, keys) in order {
            let gone = keys.filter { isGone($0.client, $0.server) }
            guard !gone.isEmpty else { continue }
            for key in gone {
                release(key)
                entries[key] = nil
            }
            let kept = keys.filter { !isGone($0.client, $0.server) }
            order[client] = kept.isEmpty ? nil : kept[...]
        }
    }

    private func release(_ key: Key) {
        guard let permit = entries[key]?.permit, !permit.isEmpty else { return }
        entries[key]?.permit.release()
        holding -= 1
    }

    private func take(_ key: Key) -> LimitPermit? {
        guard let entry = entries.removeValue(forKey: key) else { return nil }
        order[key.client]?.removeAll { $0 == key }
        guard !entry.permit.isEmpty else { return nil }
        holding -= 1
        return entry.permit
    }
}
