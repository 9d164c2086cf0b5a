import Logging
import NIOCore
import ServiceKit
import Synchronization
import Testing

@testable import Children

/// Keeps what is logged.
final class KeptLog: LogHandler, Sendable {
    let lines = Mutex<[String]>([])
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }
    func log(event: LogEvent) {
        lines.withLock { $0.append("\(event.message) \(event.metadata?["line"].map { "\($0)" } ?? "")") }
    }
}

@Suite("What children say beside their messages")
struct ChildLogTests {
    private let kept = KeptLog()
    private let left = MetricsRegistry().counter("left_total", help: "Lines.")

    private func log(secrets: [String] = []) -> ChildLog {
        let kept = kept
        return ChildLog(
            Logger(label: "test") { _ in kept },
            secrets: secrets,
            left: left,
            now: NIODeadline.uptimeNanoseconds(0)
        )
    }

    private func at(_ seconds: UInt64) -> NIODeadline { .uptimeNanoseconds(seconds * 1_000_000_000) }

    @Test("No secret that the child was given is in the log, wherever the child puts it")
    func secrets() {
        var log = log(secrets: ["s3cret-value", "s3cret-value-longer", "abc"])
        for part in ["token=s3cret-", "value!\nx s3cret-value-longer y\n", "abc stays\n", "s3cret-values3cret-value\n"]
        {
            log.take(ByteBuffer(string: part), now: at(1))
        }
        let said = kept.lines.withLock { $0 }.joined(separator: "\n")
        #expect(!said.contains("s3cret"))
        #expect(said.contains("token=[redacted]!"))
        #expect(said.contains("x [redacted] y"))
        #expect(said.contains("abc stays"))
    }

    @Test("A line that is cut does not end with the beginning of a secret")
    func cut() {
        var log = log(secrets: ["s3cret-value"])
        log.take(ByteBuffer(string: String(repeating: "x", count: 2048 - 6) + "s3cret-value and more\n"), now: at(1))
        #expect(!kept.lines.withLock { $0 }.joined().contains("s3cret"))
    }

    @Test("So many lines are kept and no more, and how many were left out is said")
    func rate() {
        var log = log()
        for index in 0..<1000 { log.take(ByteBuffer(string: "line \(index)\n"), now: at(1)) }
        #expect(kept.lines.withLock { $0.count } <= 60)
        #expect(left.total >= 940)
        log.take(ByteBuffer(string: "later\n"), now: at(10))
        let said = kept.lines.withLock { $0 }
        #expect(said.last?.contains("later") == true)
        #expect(said.dropLast().last?.contains("more than is kept") == true)
    }

    @Test("A line without an end takes no more memory than one with it")
    func endless() {
        var log = log()
        for _ in 0..<100 { log.take(ByteBuffer(string: String(repeating: "y", count: 65_536)), now: at(1)) }
        log.end(at(1))
        #expect(kept.lines.withLock { $0 }.allSatisfy { $0.utf8.count < 4096 })
    }
}

@Suite("Pauses between starts")
struct RestartPauseTests {
    @Test("One failure costs nothing, more cost more each, and an answer ends it")
    func pauses() {
        var pause = RestartPause()
        let start = ContinuousClock.now
        pause.failed(at: start, chance: 1)
        #expect(pause.left(at: start) == nil)
        var before = Duration.zero
        for _ in 0..<5 {
            pause.failed(at: start, chance: 1)
            let left = pause.left(at: start) ?? .zero
            #expect(left > before)
            before = left
        }
        for _ in 0..<20 { pause.failed(at: start, chance: 1) }
        #expect(pause.left(at: start) == .seconds(60))
        #expect(pause.left(at: start + .seconds(61)) == nil)
        pause.succeeded()
        #expect(pause.left(at: start) == nil)
    }
}
