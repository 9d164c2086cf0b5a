import ArgumentParser
internal import Bytes
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
    var from: TimeArgument

    @Option(name: .long, parsing: .unconditional, help: "Until when, not included; it may lie in the future.")
    var to: TimeArgument

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
            let count = try await folder.fill { archive in
                try await context.asAdmin { try await $0.pull(.object(question), into: archive.fileDescriptor) }
                return try ReportUnpacking.unpack(archive, into: folder.path)
            }
            return Facts(
                ["path": .text(folder.path), "records": .int(count), "from": .text(from), "to": .text(to)],
                words: ["\(count) records in \(folder.path)", "Check it with: doorward verify \(folder.path)"]
            )
        }
    }
}

/// A time as it is typed: RFC 3339 in UTC, or how long before now.
struct TimeArgument: ExpressibleByArgument {
    private enum Form {
        case at(UTCTime), before(seconds: Int)
    }

    private let form: Form

    init?(argument: String) {
        if let time = UTCTime(argument) {
            form = .at(time)
        } else if argument.hasPrefix("-"), let span = DurationArgument(argument: String(argument.dropFirst())) {
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

    /// Makes the folder and has it filled by `body`, which is lent a file for the archive; where that does not work the folder
    /// is gone again.
    ///
    /// The file has no name: it is gone when the program is, however that ends.
    func fill<Answer>(_ body: (FileHandle) async throws -> Answer) async throws -> Answer {
        let isNew = !FileManager.default.fileExists(atPath: path)
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            return try await body(try archive())
        } catch {
            if isNew { rmdir(path) }
            switch error {
            case let error as FetchError where error.kind == .unwritable: throw CommandFailure.unwritable(path, error)
            case is CocoaError, is POSIXError: throw CommandFailure.unwritable(path, error)
            default: throw error
            }
        }
    }

    private func archive() throws -> FileHandle {
        let name = "\(path)/.archive-\(UUID().uuidString)"
        let descriptor = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        unlink(name)
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }
}

extension CommandFailure {
    /// The report's folder does not take what is written into it.
    static func unwritable(_ path: String, _ error: any Error) -> CommandFailure {
        let why =
            switch error {
            case let error as FetchError: error.message
            case let error as POSIXError: String(cString: strerror(error.code.rawValue))
            default: error.localizedDescription
            }
        return CommandFailure(
            "folder_unwritable",
            "The report could not be written to \(path): \(why).",
            next: "Make room, or name another folder with --out."
        )
    }
}

extension AdminConnection {
    /// Pulls the archive of a report into a file.
    fileprivate func pull(_ question: JSONValue, into file: Int32) async throws {
        let response = try await send(
            "POST",
            "/v1/reports",
            headers: [("Content-Type", "application/json"), ("Accept", "application/gzip")],
            body: question.bytes,
            timeout: .seconds(600),
            maxBytes: 4 << 30,
            into: file
        )
        try Self.check(response)
    }
}
