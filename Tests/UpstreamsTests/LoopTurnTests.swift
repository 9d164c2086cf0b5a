import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Upstreams

@Suite("Turns of the event loop")
struct LoopTurnTests {
    /// Notes when it is reached, and may add itself again.
    private final class Member: LoopTurnMember {
        let name: String
        let turn: LoopTurn
        var next: [LoopTurn.Step]
        let notes: (String) -> Void

        init(_ name: String, _ turn: LoopTurn, then next: [LoopTurn.Step] = [], _ notes: @escaping (String) -> Void) {
            self.name = name
            self.turn = turn
            self.next = next
            self.notes = notes
        }

        func turnReached(_ step: LoopTurn.Step) {
            notes("\(name) \(step)\(turn.isSingle ? " alone" : "")")
            guard !next.isEmpty else { return }
            turn.add(self, to: next.removeFirst())
        }
    }

    /// What happens on a loop after `body` has added to a turn; one dispatch of the loop is one turn.
    private func notes(_ bodies: [@Sendable (LoopTurn, @escaping (String) -> Void) -> Void]) async throws -> [String] {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let seen = Mutex<[String]>([])
        let turn = try await loop.submit { NIOLoopBound(LoopTurn(loop: loop), eventLoop: loop) }.get()
        for body in bodies {
            try await loop.submit { body(turn.value) { note in seen.withLock { $0.append(note) } } }.get()
            // What the turn has put off runs before this.
            for _ in 0..<3 { try await loop.submit {}.get() }
        }
        try await group.shutdownGracefully()
        return seen.withLock { $0 }
    }

    @Test("Each step is done for all before the next, in this turn where it is yet to come, else in the next")
    func order() async throws {
        let notes = try await notes([
            { turn, note in
                turn.add(Member("a", turn, then: [.answer, .judge], note), to: .judge)
                turn.add(Member("b", turn, then: [.record, .send], note), to: .judge)
                turn.add(Member("c", turn, note), to: .answer)
            }
        ])
        #expect(notes == ["a judge", "b judge", "b record", "b send", "c answer", "a answer", "a judge alone"])
    }

    @Test("Where turns bring one thing each, it is done at once; as soon as one brings more, they wait for each other")
    func single() async throws {
        let alone: @Sendable (LoopTurn, @escaping (String) -> Void) -> Void = { turn, note in
            turn.add(Member("a", turn, note), to: .judge)
            note("added")
        }
        let notes = try await notes([alone, alone])
        #expect(notes == ["added", "a judge alone", "a judge alone", "added"])
        let both = try await self.notes(
            Array(repeating: alone, count: 16) + [
                { turn, note in
                    for name in ["a", "b"] { turn.add(Member(name, turn, note), to: .judge) }
                    note("added")
                }, alone,
            ]
        )
        #expect(both.suffix(5) == ["added", "a judge", "b judge", "added", "a judge alone"])
    }
}
