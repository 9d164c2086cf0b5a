import ArgumentParser
internal import Contract
internal import Fetch
import Foundation
internal import ServiceKit
internal import StrictJSON

/// `doorward admin report`: what happened, with its proofs, as a folder.
struct AdminReport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Pull an audit report, which `doorward verify` checks offline."
    )

    @Option(name: .long, parsing: .unconditional, help: "From when on: 2026-01-01T00:00:00Z, or -24h, -7d before now.")
    var from: Moment

    @Option(name: .long, parsing: .unconditional, help: "Until when, not included; it may lie in the future.")
    var to: Moment

    @Option(name: .long, help: "Only what this person did (e-mail address).")
    var user: String?

    @Option(name: .long, help: "Only what went to this server (alias).")
    var server: String?

    @Option(name: .long, help: "The folder to make; it must be absent or empty.")
    var out: String

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await report(output) { context in
            let folder = try ReportTarget(out)
            let now = UTCTime(microseconds: Int(MachineClock.system.wall()))
            let (from, to) = (from.text(before: now), to.text(before: now))
            var question: JSONObject = ["from": .text(from), "to": .text(to)]
            question["user"] = user.map { .text($0) }
            question["server"] = server.map { .text($0) }
            Output.note("The coordinator puts the report together ...")
            let archive = try await context.asAdmin { try await $0.archive(.object(question)) }
            let files = try Archive.files(in: archive)
            try folder.write(files)
            let records = files.first { $0.path == "records.jsonl" }?.bytes ?? []
            let count = records.lazy.filter { $0 == UInt8(ascii: "\n") }.count
            return Facts(
                ["path": .text(folder.path), "records": .int(count), "from": .text(from), "to": .text(to)],
                words: ["\(count) records in \(folder.path)", "Check it with: doorward verify \(folder.path)"]
            )
        }
    }
}

/// A time as it is typed: RFC 3339 in UTC, or how long before now.
struct Moment: ExpressibleByArgument {
    private enum Form {
        case at(UTCTime), before(seconds: Int)
    }

    private let form: Form

    init?(argument: String) {
        if let time = UTCTime(argument) {
            form = .at(time)
        } else if argument.hasPrefix("-"), let span = Lifetime(argument: String(argument.dropFirst())) {
            form = .before(seconds: span.seconds)
        } else {
            return nil
        }
    }

    /// The time as the coordinator reads it: to the microsecond where one was named.
    func text(before now: UTCTime) -> String {
        switch form {
        case .at(let time): time.microseconds % 1_000_000 == 0 ? time.shortText : time.text
        case .before(let seconds): UTCTime(seconds: max(0, now.seconds - seconds)).shortText
        }
    }
}

/// The folder that a report goes into: nothing that is there is written over.
private struct ReportTarget {
    let path: String

    init(_ out: String) throws {
        path = URL(fileURLWithPath: out).standardizedFileURL.path
        let present = try? FileManager.default.contentsOfDirectory(atPath: path)
        guard present?.isEmpty ?? !FileManager.default.fileExists(atPath: path) else {
            throw CommandFailure(
                "folder_in_use",
                "\(path) is there already and not an empty folder.",
                next: "Name another folder with --out."
            )
        }
    }

    func write(_ files: [Archive.File]) throws {
        do {
            for file in files {
                let place = URL(fileURLWithPath: path).appendingPathComponent(file.path)
                try FileManager.default.createDirectory(
                    at: place.deletingLastPathComponent(),
                    withIntermediateDirectories: true
                )
                try Data(file.bytes).write(to: place)
            }
        } catch {
            throw CommandFailure(
                "folder_unwritable",
                "The report could not be written to \(path).",
                next: "Name another folder with --out."
            )
        }
    }
}

extension AdminConnection {
    /// The archive of a report.
    func archive(_ question: JSONValue) async throws -> [UInt8] {
        let response = try await send(
            "POST",
            "/v1/reports",
            headers: [("Content-Type", "application/json"), ("Accept", "application/gzip")],
            body: question.bytes,
            timeout: .seconds(600),
            maxBytes: 1 << 30
        )
        try Self.check(response)
        return response.body
    }
}
