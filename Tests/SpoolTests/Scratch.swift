import AuditLog
import Bytes
import Foundation
import Logging
import ServiceKit
import StrictJSON
import TransparencyLog

@testable import Spool

/// A folder of a test's own, on a file system in memory where there is one, and what it takes to fill it.
final class Scratch: Sendable {
    let path: String

    init() {
        let base = FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
        path = "\(base)/spool-\(UUID().uuidString)"
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var folder: SpoolFolder { SpoolFolder(path: path) }

    /// A small spool: eight segments of a few records make it full.
    static var configuration: SpoolConfiguration {
        var configuration = SpoolConfiguration()
        configuration.maxBytes = 64 << 10
        configuration.reserveBytes = 32 << 10
        configuration.segmentBytes = 8 << 10
        configuration.keptBytes = 1 << 30
        return configuration
    }

    func open(
        _ configuration: SpoolConfiguration = Scratch.configuration,
        disk: SpoolDisk = .system,
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    ) throws -> Spool {
        try Spool(
            folder: path,
            writer: RecordWriter(
                agent: "a-0123456789abcdef",
                instance: RandomID(),
                key: SigningKey().publicKey.fingerprint,
                boot: "boot",
                subject: "u-1"
            ),
            clock: .system,
            configuration: configuration,
            logger: logger,
            disk: disk
        )
    }

    /// The state of the files now, as if the agent were killed and the machine kept running.
    func copy() throws -> Scratch {
        let copy = Scratch()
        try FileManager.default.copyItem(atPath: path, toPath: copy.path)
        return copy
    }

    func bytes(_ name: String) throws -> [UInt8] { try folder.read(name) }

    func write(_ bytes: [UInt8], _ name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: folder.path(name)))
    }

    /// Every record in the files, in order.
    func records() throws -> [JSONValue] {
        let names = try folder.names().filter { SegmentFile.first(name: $0) != nil }.sorted()
        return try names.flatMap { try bytes($0).split(separator: 0x0A).map { try JSONValue(canonical: Array($0)) } }
    }
}

func facts(_ number: Int, how: ClientProof = .token, item: CallItem = .tool("t")) -> CallAttributes {
    CallAttributes(
        call: RandomID(high: 7, low: UInt64(number)),
        trace: RandomID(high: 8, low: UInt64(number)),
        client: "c",
        how: how,
        server: "s",
        method: "tools/call",
        item: item
    )
}

func begin(_ number: Int) -> RecordBody { .callBegin(facts(number), decision(isAllowed: true), credential: nil) }
func end(_ number: Int) -> RecordBody { .callEnd(facts(number), Outcome(.ok, milliseconds: 1)) }
func deny(_ number: Int) -> RecordBody { .callDeny(facts(number), decision(isAllowed: false)) }

func decision(isAllowed: Bool) -> EncodedDecision {
    EncodedDecision(isAllowed: isAllowed, reason: "granted", rules: [], policy: 1, digest: "d")
}

extension [JSONValue] {
    var numbers: [Int] { compactMap { $0["seq"]?.int } }
    var kinds: [String] { compactMap { $0["kind"]?.text } }
    func calls(_ kind: String) -> [String] { filter { $0["kind"]?.text == kind }.compactMap { $0["call"]?.text } }
}

extension SpoolBatch {
    /// Each leaf by itself.
    var records: [[UInt8]] { lines.split(separator: UInt8(ascii: "\n")).map(Array.init) }
}
