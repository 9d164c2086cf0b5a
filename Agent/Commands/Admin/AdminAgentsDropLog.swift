import ArgumentParser
internal import Fetch
import Foundation
internal import StrictJSON

extension AdminAgents {
    /// `doorward admin agents drop-log AGENT`.
    struct DropLog: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "drop-log",
            abstract: "Remove the stored records of a machine that is shut out, for good.",
            discussion: """
                For an owner, to make room. The machine's key must be revoked, or its log have forked. What proves other \
                records stays; the removal stands in the organisation's log, and reports of that time tell of it.
                """
        )

        @Argument(help: "The machine, as the list names it.")
        var agent: String

        @Option(name: .long, help: "Write the records to this file before they are removed; it must be absent.")
        var to: String?

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let path = "/v1/agents/\(try PathSegment.encoded(agent))/log"
                let (answer, copied) = try await context.asAdmin { connection in
                    let copied = try await to.map { LogCopy(path: $0) }?.take(path, connection)
                    return (try await connection.json("DELETE", path), copied)
                }
                var facts = answer.object ?? JSONObject()
                facts["file"] = copied.map { .text($0) }
                let count = answer["removed_below"]?.int ?? 0
                return Facts(
                    .object(facts),
                    words: [
                        "The \(count) records of \(agent) are removed: \((answer["bytes"]?.int ?? 0) >> 20) MiB,"
                            + " which the coordinator gives back to its disk little by little."
                    ] + (copied.map { ["They are kept in \($0)."] } ?? [])
                )
            }
        }
    }
}

/// The file that takes a machine's records before they are removed.
private struct LogCopy {
    let path: String

    init(path: String) {
        self.path = URL(fileURLWithPath: path).standardizedFileURL.path
    }

    /// Copies all records, and returns where they are once they are on the disk.
    func take(_ address: String, _ connection: AdminConnection) async throws -> String {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(errno) }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var from = 0
        while true {
            let response = try await connection.send(
                "GET",
                "\(address)?from=\(from)",
                timeout: .seconds(120),
                maxBytes: 32 << 20
            )
            try AdminConnection.check(response)
            guard let next = response.header("doorward-log-next").flatMap({ Int($0) }), next >= from else {
                throw CommandFailure(
                    "coordinator_answer",
                    "The coordinator did not say where its records go on.",
                    next: "doorward status"
                )
            }
            do {
                try file.write(contentsOf: response.body)
                if next == from {
                    try file.synchronize()
                    return path
                }
            } catch {
                throw failure(errno)
            }
            from = next
        }
    }

    private func failure(_ number: Int32) -> CommandFailure {
        CommandFailure(
            "file_unwritable",
            "\(path) cannot be written: \(String(cString: strerror(number))). Nothing was removed.",
            next: "Name another file with --to."
        )
    }
}
