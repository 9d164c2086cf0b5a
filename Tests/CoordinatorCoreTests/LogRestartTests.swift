import AuditSink
import Contract
import Database
import Errors
import Foundation
import ServiceKit
import StrictJSON
import Testing
import TransparencyLog

@testable import CoordinatorCore

@Suite("Restarting the organisation's log")
struct LogRestartTests {
    private let place: Folder
    private var data: String { place.file("a") }

    init() async throws {
        place = try Folder()
        _ = try await CoordinatorInit(
            .init(data: data, url: "https://doorward.example", owner: nil, certificate: nil, key: nil)
        ).run()
    }

    private func restart(_ reason: String = "restored", oldHead: String? = nil) throws -> LogRestart {
        try LogRestart(.init(data: data, reason: reason, oldHead: oldHead))
    }

    private func head() async throws -> (note: [UInt8], state: Checkpoint) {
        let folder = DataFolder(data)
        let log = OrgLog(key: try Setup.read(from: folder).key(in: folder))
        let database = try SQLDatabase(path: folder.database)
        defer { try? database.close() }
        let note = try await database.read { view in
            try log.check(in: view)
            return try log.head(in: view).note
        }
        return (note, try #require(log.state(note: note)))
    }

    @Test("It says what it did, and the log is whole afterwards")
    func restarts() async throws {
        let before = try await head()
        let first = try await restart().run()
        #expect(first.origin == "doorward.example/audit/epoch-\(first.epoch)")
        #expect(first.json["old"]?["size"]?.int == Int(before.state.size))
        #expect(first.json["known"] == first.json["old"])
        #expect(first.json["reason"] == "restored")
        #expect(try await head().state.origin == first.origin)

        let note = place.file("old.note")
        try Data(before.note).write(to: URL(filePath: note))
        let second = try await restart(oldHead: note).run()
        #expect(second.epoch > first.epoch)
        #expect(second.json["known"]?["root"]?.text == before.state.root.base64)
        #expect(try await head().state.size == before.state.size + 2)
    }

    @Test("What cannot be is refused before anything is changed", arguments: 0..<6)
    func refused(kind: Int) async throws {
        let before = try await head()
        let note = place.file("old.note")
        let forged = try Checkpoint(origin: "doorward.example/audit", size: 3, root: .of([1])).signed(by: SigningKey())
        try Data(kind == 4 ? forged.bytes : Array("nonsense".utf8)).write(to: URL(filePath: note))
        let usage = CoordinatorError(.usage, "", next: nil)
        await #expect(throws: usage) {
            let restart =
                switch kind {
                case 0: try restart("")
                case 1: try restart("two\nlines")
                case 2: try restart("reversed \u{202E}words")
                case 3: try restart(String(repeating: "x", count: 201))
                case 4: try restart(oldHead: note)
                default: try restart(oldHead: place.file("missing"))
                }
            _ = try await restart.run()
        }
        #expect(try await head().state == before.state)
    }

    @Test("A folder without a coordinator cannot be restarted")
    func missing() async throws {
        await #expect(throws: CoordinatorError(.noCoordinator, "", next: nil)) {
            try await LogRestart(.init(data: place.file("other"), reason: "r", oldHead: nil)).run()
        }
    }
}
