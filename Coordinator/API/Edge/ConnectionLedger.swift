internal import NIOCore
package import ServiceKit
internal import Synchronization

/// The connections that are open, so that there can be too many of them only for those that ask for nothing.
///
/// When one more comes than may be, the one that has kept the coordinator waiting longest is closed, be it between two
/// requests, in the middle of sending one, or of taking an answer: a new request always gets in, and a client that
/// opens connections and leaves them idle loses its own.
package final class ConnectionLedger: Sendable {
    private struct Entry: Sendable {
        let channel: any Channel
        /// Whether a request that is whole is being answered.
        var isBusy = false
        /// When that became so.
        var since = NIODeadline.now()
    }

    private let most: Int
    private let entries = Mutex<[ObjectIdentifier: Entry]>([:])
    private let open: Gauge
    private let closed: Counter

    /// - Parameters:
    ///   - most: How many connections there may be.
    ///   - metrics: Where they are counted.
    package init(most: Int, metrics: MetricsRegistry) {
        self.most = most
        open = metrics.gauge("doorward_http_connections", help: "Open connections.")
        closed = metrics.counter(
            "doorward_http_connections_closed_total",
            help: "Connections that were closed because there were too many."
        )
    }

    /// Closes whatever is open, in the middle of a request too.
    ///
    /// For the end of the program.
    package func closeAll() {
        for entry in entries.withLock({ Array($0.values) }) { entry.channel.close(promise: nil) }
    }

    func opened(_ channel: any Channel) {
        let surplus: (any Channel)? = entries.withLock { entries in
            let first = entries.count < most ? nil : Self.first(of: entries)
            // No longer counted: the next newcomer must not find it again before it is closed.
            let victim = first.flatMap { entries.removeValue(forKey: $0) }
            entries[ObjectIdentifier(channel)] = Entry(channel: channel)
            open.set(entries.count)
            return victim?.channel
        }
        guard let surplus else { return }
        closed.add()
        surplus.close(promise: nil)
    }

    /// A connection has begun or ended to wait for an answer to what it has asked as a whole.
    func changed(_ channel: any Channel, isBusy: Bool) {
        entries.withLock { entries in
            guard let entry = entries[ObjectIdentifier(channel)] else { return }
            entries[ObjectIdentifier(channel)] = Entry(channel: entry.channel, isBusy: isBusy)
        }
    }

    func gone(_ channel: any Channel) {
        entries.withLock { entries in
            entries[ObjectIdentifier(channel)] = nil
            open.set(entries.count)
        }
    }

    /// The one to close: of those that keep the coordinator waiting the first.
    ///
    /// Where all are being answered it is the one that has been for longest: most likely a question that is held, which
    /// is asked again.
    private static func first(of entries: [ObjectIdentifier: Entry]) -> ObjectIdentifier? {
        entries.min { left, right in
            left.value.isBusy == right.value.isBusy ? left.value.since < right.value.since : right.value.isBusy
        }?.key
    }
}
