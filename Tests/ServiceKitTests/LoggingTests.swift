import Errors
import Logging
import StrictJSON
import Synchronization
import Testing

@testable import ServiceKit

/// Lines that a logger of a test wrote.
final class Lines: Sendable {
    private let written = Mutex<[[UInt8]]>([])

    func logger(_ form: LogLine.Form) -> Logger {
        Logger(label: "test") { label in
            StandardLogHandler(
                label: label,
                level: .info,
                form: form,
                clock: MachineClock(wall: { 1_796_000_000_000_000 }, boot: { 0 })
            ) { line in self.written.withLock { $0.append(line) } }
        }
    }

    var all: [[UInt8]] { written.withLock { $0 } }

    func json() throws -> [JSONValue] {
        try all.map { try JSONValue(parsing: $0) }
    }

    var text: String { all.map { String(decoding: $0, as: UTF8.self) }.joined() }
}

@Suite("Logs")
struct LoggingTests {
    /// What a stranger may choose, and what it must not do to a line.
    static let attacks = [
        "two\nlines", "two\r\nlines", "\u{1B}[2Jcleared", "\u{9B}31mred", "a\u{202E}b", "a\u{2028}b", "nul\u{0}",
        "\u{7F}",
        "quote\"}\n{\"level\":\"error\"", "back\\slash", "zero\u{200B}width", "tag\u{E0001}",
    ]

    @Test("An event is one JSON object with time, level and message")
    func event() throws {
        let lines = Lines()
        lines.logger(.json).warning("Something happened.", metadata: ["count": .stringConvertible(3), "who": "ann"])
        let line = try #require(try lines.json().first)
        #expect(line["time"]?.text == "2026-11-29T23:33:20.000000Z" || line["time"]?.text?.count == 27)
        #expect(line["level"] == "warning")
        #expect(line["message"] == "Something happened.")
        #expect(line["count"] == 3)
        #expect(line["who"] == "ann")
    }

    @Test("Less than the level is not written")
    func level() {
        let lines = Lines()
        lines.logger(.json).debug("Nobody asked.")
        #expect(lines.all.isEmpty)
    }

    @Test("Whatever an event holds, it is one line of strict JSON that reads as it was", arguments: attacks)
    func injectionIntoJSON(attack: String) throws {
        let lines = Lines()
        lines.logger(.json).info("\(attack)", metadata: ["value": "\(attack)", "list": [.string(attack)]])
        let line = try #require(lines.all.first)
        #expect(line.filter { $0 == UInt8(ascii: "\n") }.count == 1)
        #expect(line.dropLast().allSatisfy { $0 >= 0x20 && $0 != 0x7F })
        let value = try #require(try lines.json().first)
        #expect(value["message"] == .text(attack))
        #expect(value["value"] == .text(attack))
    }

    @Test("A name of a value cannot break out of its line either", arguments: attacks)
    func injectionThroughNames(attack: String) throws {
        let lines = Lines()
        lines.logger(.json).info("Named.", metadata: [attack: "value"])
        // A strict reader refuses a control character in a name: the line is still one, and still tells the truth.
        #expect(lines.all.count == 1)
        #expect(lines.all[0].dropLast().allSatisfy { $0 >= 0x20 && $0 != 0x7F })
        #expect(lines.text.contains("\"level\":\"info\""))
    }

    @Test("On a terminal nothing but text is written", arguments: attacks)
    func injectionIntoPlainLines(attack: String) throws {
        let lines = Lines()
        lines.logger(.plain).info("\(attack)", metadata: [attack: "\(attack)"])
        let line = try #require(lines.all.first)
        #expect(line.dropLast().allSatisfy { $0 >= 0x20 && $0 != 0x7F })
        for scalar in String(decoding: line.dropLast(), as: UTF8.self).unicodeScalars {
            #expect(![.control, .format, .lineSeparator].contains(scalar.properties.generalCategory))
        }
    }

    @Test("A value cannot pass for the line's own members")
    func collision() throws {
        let lines = Lines()
        lines.logger(.json).info("True.", metadata: ["level": "critical", "time": "never", "message": "False."])
        let line = try #require(try lines.json().first)
        #expect(line["level"] == "info")
        #expect(line["message"] == "True.")
        #expect(line["level_"] == "critical")
    }

    @Test(
        "What looks like a credential does not reach a log",
        arguments: [
            "Bearer dwt1_abcdefghijklmnopqrstuvwxyz", "bearer abcdefghijklmnop", "Basic YW5uOnNlY3JldHNlY3JldA==",
            "dwi1.AAAAAAAAAAAAAAAAAAAAAA.BBBBBBBBBBBBBBBBBBBBBBBBBB", "dwc1_abcdefghijklmnopqrstuvwxyz0123456789",
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl", "-----BEGIN " + "PRIVATE KEY-----\nMIIEvg",
            "https://example.com/?access_token=abcdefghijklmnop",
        ]
    )
    func credentials(secret: String) {
        for form in [LogLine.Form.json, .plain] {
            let lines = Lines()
            let tail = String(secret.suffix(6))
            lines.logger(form).info(
                "It was (\(secret)).",
                metadata: ["note": "\(secret)", "deep": ["inner": [.string(secret)]], secret: "x"]
            )
            #expect(!lines.text.contains(tail), "\(lines.text)")
            #expect(lines.text.contains(Redaction.mark))
        }
    }

    @Test(
        "A value with the name of a secret is not shown, whatever it looks like",
        arguments: [
            "authorization", "Authorization", "set-cookie", "client_secret", "refresh_token", "http.authorization",
        ]
    )
    func secretNames(name: String) throws {
        let lines = Lines()
        lines.logger(.json).info("Named.", metadata: [name: "hunter2", "outer": [name: "hunter2"]])
        #expect(!lines.text.contains("hunter2"))
    }

    @Test(
        "Words that are no credentials stay",
        arguments: ["Bearer token required", "basic idea", "eye", "the dwi1.x"]
    )
    func words(text: String) {
        #expect(Redaction.redacted(text) == text)
    }

    @Test("Lines are bounded")
    func bounds() throws {
        let lines = Lines()
        let metadata = Dictionary(
            uniqueKeysWithValues: (0..<500).map { ("key\($0)", Logger.MetadataValue.string("x")) }
        )
        lines.logger(.json).info("\(String(repeating: "é", count: 1_000_000))", metadata: metadata)
        let line = try #require(lines.all.first)
        #expect(line.count < 8 * 1024)
        _ = try JSONValue(parsing: line)
    }

    @Test("An error is shown in its own words, a foreign one by its kind alone")
    func errors() throws {
        struct Leak: Error, CustomStringConvertible { let description = "hunter2" }
        let lines = Lines()
        let logger = lines.logger(.json)
        logger.error("Failed.", error: Leak())
        logger.error("Failed.", error: FileError(.tooLarge, "F has more than 3 bytes.", next: nil))
        #expect(!lines.text.contains("hunter2"))
        #expect(lines.text.contains("file_too_large: F has more than 3 bytes."))
    }
}
