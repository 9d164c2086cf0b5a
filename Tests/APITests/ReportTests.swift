import AuditLog
import AuditReport
import AuditSink
import Bytes
import Contract
import Database
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Kits
import NIOCore
import People
import Rights
import ServiceKit
import StrictJSON
import Testing
import TransparencyLog

@testable import API

@Suite("Logs come in and reports go out")
struct ReportTests {
    private static let all = Array("{\"from\":\"2020-01-01T00:00:00Z\",\"to\":\"2099-01-01T00:00:00Z\"}".utf8)

    /// Uploads so many records as a machine.
    private func upload(_ count: Int, _ machine: Machine, _ client: any TestClientProtocol) async throws -> TestResponse
    {
        var writer = RecordWriter(
            agent: JSONText(machine.agentID),
            instance: RandomID(),
            key: machine.key.publicKey.fingerprint,
            boot: RecordWriter.bootMark(bootID: [1], agent: JSONText(machine.agentID)),
            subject: JSONText(machine.sub)
        )
        var tree = MerkleTree()
        var records: [[UInt8]] = []
        for number in 0..<count {
            var line: [UInt8] = []
            let wall = Int64(Date().timeIntervalSince1970) * 1_000_000
            writer.write(
                .agentHeartbeat(calls: number, notifications: 0, pings: 0),
                seq: UInt64(number),
                at: RecordTime(wall: wall, mono: Int64(number)),
                to: &line
            )
            tree.append(line)
            records.append(line)
        }
        let checkpoint = Checkpoint(
            origin: LogNames(host: "office.example").agent(machine.agentID),
            size: UInt64(count),
            root: try tree.root(size: UInt64(count))
        )
        let body = LogUpload(
            old: 0,
            note: try checkpoint.signed(by: machine.key).bytes,
            records: records.map { $0[...] }
        ).bytes
        return try await machine.send(client, "POST", "/v1/agent-log", body: body)
    }

    private func unpack(_ archive: [UInt8], in folder: URL) throws -> String {
        let file = folder.appending(path: "report.tar.gz")
        try Data(archive).write(to: file)
        let tar = Process()
        tar.executableURL = URL(filePath: "/usr/bin/tar")
        tar.arguments = ["-xzf", file.path, "-C", folder.path]
        try tar.run()
        tar.waitUntilExit()
        try #require(tar.terminationStatus == 0)
        return folder.appending(path: "report").path
    }

    @Test("A report over the API unpacks with tar and verifies", arguments: [0, 1, 700])
    func report(count: Int) async throws {
        let office = try Office()
        let verdict = try await office.test { client in
            let machine = try await office.machine(.auditor, client)
            if count > 0 {
                let answer = try await upload(count, machine, client)
                #expect(try LogReceipt(try answer.json()).size == count)
                let state = try LogState(try await machine.send(client, "GET", "/v1/agent-log").json())
                #expect(state.size == count)
            }
            let answer = try await machine.send(client, "POST", "/v1/reports", body: Self.all)
            #expect(answer.status == .ok)
            #expect(answer.headers[.contentType] == "application/gzip")
            #expect(answer.headers[try #require(.init("Doorward-Report-Records"))] == "\(count)")
            let path = try unpack(Array(buffer: answer.body), in: office.folder)
            return ReportVerifier.verify(
                try ReportFolder(path),
                signedBy: office.domain.log.key.publicKey.fingerprint
            )
        }
        #expect(verdict.failure == nil)
        #expect(verdict.isOK)
        #expect(verdict.records == count)
    }

    /// Takes whatever it is given.
    private struct Sink: ResponseBodyWriter {
        func write(_ buffer: ByteBuffer) async throws {}
        func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }

    @Test("A report that is taken too slowly breaks off")
    func slow() async throws {
        let office = try Office()
        try await office.test { client in
            let machine = try await office.machine(.auditor, client)
            #expect(try await upload(10, machine, client).status == .ok)
            let choice = ReportChoice(from: UTCTime(seconds: 0), to: UTCTime(seconds: 4_000_000_000))
            let report = try await office.domain.reports.make(choice, for: office.database.caller(.owner).permit())
            let (timely, late) = (
                try ReportArchive(report, clock: .system),
                try ReportArchive(report, clock: .system, patience: .seconds(-60))
            )
            try await timely.body.write(Sink())
            await #expect(throws: Problem.self) { try await late.body.write(Sink()) }
        }
    }

    @Test("A machine's log is its own: no token and no other machine writes into it")
    func foreignLog() async throws {
        let office = try Office()
        try await office.test { client in
            let ann = try await office.machine(.owner, client)
            var eve = try await office.machine(.member, client)
            eve.agentID = ann.agentID
            #expect(try await upload(1, eve, client).status == .forbidden)
            let state = try LogState(try await ann.send(client, "GET", "/v1/agent-log").json())
            #expect(state.size == 0)
        }
    }

    @Test(
        "An invalid choice is refused",
        arguments: [
            "{}", "{\"from\":\"yesterday\",\"to\":\"2099-01-01T00:00:00Z\"}",
            "{\"from\":\"2099-01-01T00:00:00Z\",\"to\":\"2020-01-01T00:00:00Z\"}",
            "{\"from\":\"2020-01-01T00:00:00Z\",\"to\":\"2099-01-01T00:00:00Z\",\"all\":true}",
        ]
    )
    func choices(text: String) async throws {
        let office = try Office()
        try await office.test { client in
            let machine = try await office.machine(.auditor, client)
            let answer = try await machine.send(client, "POST", "/v1/reports", body: Array(text.utf8))
            #expect(try answer.problem().status == 422)
        }
    }
}
