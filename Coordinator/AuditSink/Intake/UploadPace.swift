internal import Synchronization

/// How fast each machine uploads, and how many of its uploads there are at a time.
///
/// The machines are enrolled ones that have proven themselves, so a stranger cannot fill the table.
final class UploadPace: Sendable {
    private struct Machine {
        /// When everything that was taken would have come at the pace; in nanoseconds of the machine's clock.
        var due: Int64 = 0
        var underway = 0
    }

    /// An agent sends one after the other; a second one may follow a first whose connection broke.
    private static let mostAtOnce = 4
    /// Those at rest are forgotten when there are more.
    private static let mostRemembered = 1024

    private let bytesPerMinute: Int
    private let machines = Mutex<[String: Machine]>([:])

    init(bytesPerMinute: Int) {
        self.bytesPerMinute = bytesPerMinute
    }

    /// The turn of one upload; over with the last reference to it.
    final class Turn: Sendable {
        private let pace: UploadPace
        private let agent: String

        fileprivate init(_ pace: UploadPace, _ agent: String) {
            self.pace = pace
            self.agent = agent
        }

        deinit {
            pace.machines.withLock { $0[agent]?.underway -= 1 }
        }
    }

    enum Answer {
        case turn(Turn)
        /// Not before so many seconds.
        case later(Int)
    }

    /// Lets an upload of so many bytes in, or says when to come again.
    func enter(_ agent: String, bytes: Int, now: Int64) -> Answer {
        let minute = 60.0 * 1e9
        let wait = machines.withLock { machines -> Double? in
            if machines.count >= Self.mostRemembered, machines[agent] == nil {
                machines = machines.filter { $0.value.underway > 0 || $0.value.due > now }
            }
            var machine = machines[agent, default: Machine()]
            guard machine.underway < Self.mostAtOnce else { return 1e9 }
            let cost = Double(bytes + UploadLimits.around) / Double(bytesPerMinute) * minute
            let due = Double(max(machine.due, now)) + cost
            guard due - Double(now) <= minute else { return due - Double(now) - minute }
            machine.due = Int64(due)
            machine.underway += 1
            machines[agent] = machine
            return nil
        }
        guard let wait else { return .turn(Turn(self, agent)) }
        return .later(max(1, Int((wait / 1e9).rounded(.up))))
    }
}
