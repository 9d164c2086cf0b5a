import ArgumentParser
internal import Bytes
internal import Contract
internal import Fetch
import Foundation
internal import ServiceKit
internal import StrictJSON

/// Which calls on record a policy is tried on.
struct ReplayOptions: ParsableArguments {
    @Option(name: .long, parsing: .unconditional, help: "From when on: 2026-01-01T00:00:00Z, or -24h, -7d before now.")
    var since: TimeArgument

    @Option(name: .long, parsing: .unconditional, help: "Until when, not included; without it, now.")
    var until: TimeArgument?

    @Option(name: .long, help: "Only what this person did (e-mail address).")
    var user: String?

    @Option(name: .long, help: "Only what went to this server (alias).")
    var server: String?

    /// The members that the coordinator takes.
    func members() -> JSONObject {
        let now = UTCTime(microseconds: Int(MachineClock.system.wall()))
        var object: JSONObject = ["since": .text(since.text(before: now))]
        object["until"] = until.map { .text($0.text(before: now)) }
        object["user"] = user.map { .text($0) }
        object["server"] = server.map { .text($0) }
        return object
    }
}

extension AdminPolicy {
    /// `doorward admin policy simulate FILE --since T`: what a draft would have made of the calls on record.
    struct Simulate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "simulate",
            abstract: "Try a policy on the calls on record: what it would deny and allow, by person and tool.",
            discussion: """
                Nothing is changed. People have the roles that the file gives them now. What the records do not tell, such as \
                arguments and the URIs of resources, counts as unknown, and never as allowed.
                """
        )

        @Argument(help: "The policy file: YAML or JSON.")
        var file: String

        @OptionGroup var replay: ReplayOptions

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let text = try PolicyText.read(file)
                _ = try PolicyVerdict(text).check()
                var question = replay.members()
                question["file"] = .text(String(decoding: text, as: UTF8.self))
                let answer = try await context.asAdmin { try await $0.follow("/v1/policy/simulations", question) }
                return Facts(answer, words: Self.words(answer))
            }
        }

        private static func words(_ answer: JSONValue) -> [String] {
            func count(_ name: JSONText) -> Int { answer[name]?.int ?? 0 }
            let sum =
                "\(count("calls")) calls: \(count("would_allow")) would be allowed, \(count("would_deny")) denied, "
                + "\(count("unknown")) cannot be told."
            let changes = answer["changes"]?.array ?? []
            var words = [sum, ""]
            words += table(changes, empty: "Nothing would be decided otherwise than it was.")
            if count("changes_left_out") > 0 { words.append("... and \(count("changes_left_out")) calls more.") }
            let unknowns = answer["unknowns"]?.array ?? []
            guard !unknowns.isEmpty else { return words }
            words += ["", "What cannot be told:"] + table(unknowns, empty: "")
            if count("unknowns_left_out") > 0 { words.append("... and \(count("unknowns_left_out")) calls more.") }
            return words
        }

        private static func table(_ lines: [JSONValue], empty: String) -> [String] {
            let rows = lines.map { line in
                [
                    "\(line["count"]?.int ?? 0)", line["user"]?.text ?? "",
                    PlainText.visible(line["server"]?.text ?? ""),
                    PlainText.visible(item(line)), line["was"]?.text ?? "",
                    [line["would"]?.text, line["why"]?.text.map { "(\($0))" }].compactMap { $0 }.joined(separator: " "),
                ]
            }
            return Table.lines(["CALLS", "USER", "SERVER", "TOOL", "WAS", "WOULD"], rows, empty: empty)
        }

        /// The tool, or what else was asked.
        private static func item(_ line: JSONValue) -> String {
            if let tool = line["tool"]?.text { return tool }
            let method = line["method"]?.text ?? ""
            guard let name = line["prompt"]?.text ?? line["uri_hash"]?.text else { return method }
            return "\(method) \(name)"
        }
    }
}

extension AdminConnection {
    /// Asks what takes its time, and says on standard error how far it is; returns the answer.
    fileprivate func follow(_ path: String, _ question: JSONObject) async throws -> JSONValue {
        let pipe = Pipe()
        let lines = Task.detached { ProgressLines.read(pipe.fileHandleForReading) }
        let response: FetchResponse
        do {
            defer { try? pipe.fileHandleForWriting.close() }
            response = try await send(
                "POST",
                path,
                headers: [("Content-Type", "application/json"), ("Accept", "application/jsonl")],
                body: JSONValue.object(question).bytes,
                timeout: .seconds(600),
                maxBytes: 64 << 20,
                into: pipe.fileHandleForWriting.fileDescriptor
            )
        }
        let last = await lines.value
        try Self.check(response)
        guard let last else {
            throw CommandFailure("coordinator_answer", "The coordinator's answer broke off.", next: "doorward status")
        }
        if let problem = Problem(last) { throw problem }
        return last
    }
}

/// The lines of an answer that says how far it is.
private enum ProgressLines {
    private static let limits = JSONLimits(maxBytes: 64 << 20, maxDepth: 16)

    /// Reads to the end, and says what is said; returns the last line.
    static func read(_ file: FileHandle) -> JSONValue? {
        var rest: [UInt8] = []
        var last: JSONValue?
        var said = 0
        while let bytes = try? file.read(upToCount: 64 << 10), !bytes.isEmpty {
            rest += bytes
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                last = try? JSONValue(parsing: Array(rest[..<end]), limits: limits)
                rest.removeSubrange(...end)
                guard let judged = last?["judged"]?.int, judged > said else { continue }
                said = judged
                Output.note("\(judged) calls judged ...")
            }
        }
        return last
    }
}
