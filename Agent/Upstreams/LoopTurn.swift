package import NIOCore

/// Does what one turn of the event loop brought step by step, each step for all connections before the next.
///
/// Under load a turn brings many calls. The code of one step, and that of the kernel below it, stays in the processor's
/// caches while it is done for one connection after the other; and what has a price for each time (a write to a file) is
/// paid once for all.
package final class LoopTurn {
    /// The steps, in their order.
    package enum Step: Int, CaseIterable, Sendable {
        /// What was read is understood and decided on.
        case judge
        /// What begins is written down.
        case record
        /// What was decided goes to servers.
        case send
        /// Answers go to clients.
        case answer
    }

    private let loop: any EventLoop
    private var members: [[any LoopTurnMember]] = Step.allCases.map { _ in [] }
    private var isAwaited = false
    /// How many times it is taken for granted that a turn brings one thing; then one is waited for, to see whether it does.
    private var unseen = 0
    private static let mostUnseen = 15
    /// Whether one connection alone has something to do: then nothing is gained by doing it later.
    package private(set) var isSingle = false

    package init(loop: any EventLoop) {
        self.loop = loop
    }

    /// Has a member do its part of a step: still in this turn, where that step is yet to come, else in the next.
    ///
    /// As long as turns bring one thing each, it is done at once.
    package func add(_ member: any LoopTurnMember, to step: Step) {
        if step == .judge, unseen > 0, !isAwaited {
            unseen -= 1
            isSingle = true
            member.turnReached(step)
            isSingle = false
            return
        }
        members[step.rawValue].append(member)
        guard !isAwaited else { return }
        isAwaited = true
        loop.assumeIsolated().execute { self.run() }
    }

    private func run() {
        for step in Step.allCases {
            guard !members[step.rawValue].isEmpty else { continue }
            var due: [any LoopTurnMember] = []
            swap(&due, &members[step.rawValue])
            if step == .judge {
                isSingle = due.count == 1
                unseen = isSingle ? Self.mostUnseen : 0
            }
            for member in due { member.turnReached(step) }
            // The memory is kept for the next turn, unless a member has begun to fill other.
            due.removeAll(keepingCapacity: true)
            if members[step.rawValue].isEmpty { swap(&due, &members[step.rawValue]) }
        }
        isAwaited = false
        isSingle = false
        guard members.contains(where: { !$0.isEmpty }) else { return }
        isAwaited = true
        loop.assumeIsolated().execute { self.run() }
    }
}

/// An object that has something to do in a step; told once for each time that it was added.
package protocol LoopTurnMember: AnyObject {
    func turnReached(_ step: LoopTurn.Step)
}
