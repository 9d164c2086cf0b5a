import Contract
import StrictJSON
import Testing

@testable import Fleet

@Suite("The pace of requests")
struct RequestPaceTests {
    private let second: Int64 = 1_000_000_000

    @Test("A caller that asks without end is told to wait and goes on at the pace; no other caller is held up")
    func pace() {
        let pace = RequestPace(perSecond: 10, burst: 20)
        func isTaken(_ who: String, _ now: Int64) -> Bool { (try? pace.enter(who, now: now)) != nil }
        for _ in 0..<20 { #expect(isTaken("a", 0)) }
        #expect(!isTaken("a", 0))
        #expect(isTaken("b", 0))
        var taken = 0
        for step in 1...100 where isTaken("a", Int64(step) * second / 20) { taken += 1 }
        #expect(taken == 50)
        let problem = #expect(throws: Refused.self) { try pace.enter("a", now: 5 * second) }
        #expect(problem?.code == "too_many_requests" && problem?.members["retry_after"]?.int == 1)
    }

    @Test("However many are remembered, one that is at its bound stays so")
    func remembering() throws {
        let pace = RequestPace(perSecond: 10, burst: 1)
        try pace.enter("a", now: 0)
        for number in 0..<10_000 { try? pace.enter("m\(number)", now: 0) }
        #expect(throws: Refused.self) { try pace.enter("a", now: 0) }
    }
}
