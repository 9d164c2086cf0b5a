internal import NIOCore
package import ServiceKit
internal import Synchronization

/// The connections that are open, so that there can be too many of them only for those that rest.
///
/// When one more comes than may be, the one that has rested longest is closed: a new request always gets in, and whoever
/// opens connections to let them lie loses his own.
package final class ConnectionLedger: Sendable {
    private struct Entry: Sendable {
        let channel: any Channel
        /// Since when nothing is asked on it; nil while a request is being answered.
        var restsSince: NIODeadline?
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
            entries[ObjectIdentifier(channel)] = Entry(channel: channel, restsSince: .now())
            open.set(entries.count)
            guard entries.count > most else { return nil }
            return entries.values.filter { $0.restsSince != nil }.min {
                $0.restsSince ?? .now() < $1.restsSince ?? .now()
            }?
            .channel
        }
        guard let surplus else { return }
        closed.add()
        surplus.close(promise: nil)
    }

    func asked(_ channel: any Channel) {
        entries.withLock { $0[ObjectIdentifier(channel)]?.restsSince = nil }
    }

    func answered(_ channel: any Channel) {
        entries.withLock { $0[ObjectIdentifier(channel)]?.restsSince = .now() }
    }

    func gone(_ channel: any Channel) {
        entries.withLock { entries in
            entries[ObjectIdentifier(channel)] = nil
            open.set(entries.count)
        }
    }
}
