package import MCP
package import StrictJSON

/// Which eras each server speaks, as far as it was found out, with the time of each finding.
///
/// It belongs to the event loop.
///
/// A finding is old after a day: servers are brought up to date, and one that was taken for an older one would be asked that
/// way for ever without anybody seeing it.
package final class EraBook {
    /// What is known of one era of a server.
    package enum Verdict: Hashable, Sendable {
        case unknown, yes, no
    }

    private struct Finding: Equatable {
        let speaks: Bool
        /// In microseconds since 1970.
        let at: Int64
    }

    private struct Entry: Equatable {
        var handshake: Finding?
        var modern: Finding?
        /// Whether the handshake era is spoken over HTTP+SSE.
        var isEventStream = false
    }

    private var entries: [String: Entry] = [:]
    private let wall: () -> Int64
    /// Told whenever something was found out.
    package var changed: () -> Void = {}

    private static let oldAfter: Int64 = 86_400 * 1_000_000
    /// More servers than any user has.
    private static let most = 4096

    /// - Parameter wall: microseconds since 1970.
    package init(wall: @escaping () -> Int64) {
        self.wall = wall
    }

    /// Whether a server speaks an era.
    package func verdict(_ server: String, _ era: Revisions.Era) -> Verdict {
        guard let finding = era == .modern ? entries[server]?.modern : entries[server]?.handshake,
            (0..<Self.oldAfter).contains(wall() - finding.at)
        else { return .unknown }
        return finding.speaks ? .yes : .no
    }

    /// Whether a server speaks the handshake era over HTTP+SSE.
    package func isEventStream(_ server: String) -> Bool {
        verdict(server, .handshake) == .yes && entries[server]?.isEventStream == true
    }

    /// Takes note of a finding.
    package func note(_ server: String, _ era: Revisions.Era, speaks: Bool, isEventStream: Bool = false) {
        guard entries[server] != nil || entries.count < Self.most else { return }
        var entry = entries[server] ?? Entry()
        let finding = Finding(speaks: speaks, at: wall())
        switch era {
        case .handshake:
            let isKnown = verdict(server, era) == (speaks ? .yes : .no) && entry.isEventStream == isEventStream
            if isKnown { return }
            entry.handshake = finding
            entry.isEventStream = isEventStream
        case .modern:
            if verdict(server, era) == (speaks ? .yes : .no) { return }
            entry.modern = finding
        }
        entries[server] = entry
        changed()
    }

    /// Forgets what is known of a server.
    package func forget(_ server: String) {
        if entries.removeValue(forKey: server) != nil { changed() }
    }

    // MARK: Disk

    /// All findings, to be kept.
    package var json: JSONValue {
        func json(_ finding: Finding?) -> JSONValue {
            finding.map { ["speaks": .bool($0.speaks), "at": .int(Int($0.at))] } ?? .null
        }
        return .array(
            entries.sorted { $0.key < $1.key }.map { server, entry in
                [
                    "server": .text(server), "handshake": json(entry.handshake), "modern": json(entry.modern),
                    "event_stream": .bool(entry.isEventStream),
                ]
            }
        )
    }

    /// Takes over what was kept; what cannot be read is found out again.
    package func restore(_ json: JSONValue) {
        func finding(_ json: JSONValue?) -> Finding? {
            guard let speaks = json?["speaks"]?.bool, let at = json?["at"]?.int else { return nil }
            return Finding(speaks: speaks, at: Int64(at))
        }
        for each in (json.array ?? []).prefix(Self.most) {
            guard let server = each["server"]?.text else { continue }
            entries[server] = Entry(
                handshake: finding(each["handshake"]),
                modern: finding(each["modern"]),
                isEventStream: each["event_stream"]?.bool ?? false
            )
        }
    }
}
