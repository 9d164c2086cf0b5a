import ArgumentParser
internal import StrictJSON
internal import Fetch

/// `doorward admin api METHOD PATH [JSON]`: one signed request, for what has no command of its own.
struct AdminAPI: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api",
        abstract: "Send one signed request to the coordinator as this user."
    )

    @Argument(help: "GET, POST, PUT or DELETE.")
    var method: String

    @Argument(help: "The path, with its query.")
    var path: String

    @Argument(help: "The body, as JSON.")
    var body: String?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard path.hasPrefix("/"), method.utf8.allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) })
        else { throw ValidationError("Give a method in capital letters and a path that begins with /.") }
    }

    func run() async throws {
        try await report(output) { context in
            let response = try await context.asAdmin { admin in
                try await admin.send(
                    method,
                    path,
                    headers: body == nil ? [] : [("Content-Type", "application/json")],
                    body: body.map { Array($0.utf8) }
                )
            }
            var headers = JSONObject()
            for header in response.headers { headers[JSONText(header.name)] = .text(header.value) }
            let json = try? JSONValue(parsing: response.body, limits: .reply, topLevel: .anything)
            let text = String(decoding: response.body, as: UTF8.self)
            let document: JSONValue = [
                "status": .int(response.status), "headers": .object(headers), "body": json ?? .text(text),
            ]
            guard (200..<300).contains(response.status) else {
                throw CommandFailure(
                    "status_\(response.status)",
                    "The coordinator answered \(response.status): \(text)",
                    next: "doorward admin --help",
                    json: document
                )
            }
            return Facts(document, words: text.isEmpty ? [] : [text])
        }
    }
}
