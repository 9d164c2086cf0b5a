import Bytes
import Contract
import StrictJSON
import Testing

@Suite("What a report is asked for")
struct ReportChoiceTests {
    private static let now = UTCTime(seconds: 1_785_196_800)

    @Test(
        "A time can be so long before now",
        arguments: [("-90s", 90), ("-15min", 900), ("-24h", 86_400), ("-7d", 604_800), ("-3650d", 315_360_000)]
    )
    func before(text: String, seconds: Int) throws {
        let json: JSONValue = ["from": .text(text), "to": "-1s"]
        let choice = try ReportChoice(json, now: Self.now)
        #expect(choice.from == UTCTime(seconds: 1_785_196_800 - seconds))
        #expect(choice.to == UTCTime(seconds: 1_785_196_799))
    }

    @Test(
        "What is neither a time nor so long before now is refused",
        arguments: [
            "", "-", "24h", "-0h", "-h", "-24", "-24 h", "-24H", "-1w", "--1h", "-3651d", "-9223372036854775807d",
        ]
    )
    func noMoment(text: String) throws {
        let json: JSONValue = ["from": .text(text), "to": "-1s"]
        #expect { _ = try ReportChoice(json, now: Self.now) } throws: { ($0 as? ShapeError)?.place == "from" }
    }

    @Test("A choice is read as it was written")
    func roundTrip() throws {
        let choices = [
            ReportChoice(from: UTCTime(seconds: 0), to: UTCTime(seconds: 0)),
            ReportChoice(
                from: UTCTime(seconds: 1),
                to: UTCTime(microseconds: 1_000_001),
                user: "ann@example.com",
                server: "files"
            ),
        ]
        for choice in choices { #expect(try ReportChoice(choice.json, now: Self.now) == choice) }
        let plain = try JSONValue(
            parsing: Array(#"{"from":"2020-01-01T00:00:00Z","to":"2099-01-01T00:00:00.5Z"}"#.utf8)
        )
        let choice = try ReportChoice(plain, now: Self.now)
        #expect(choice.from.text == "2020-01-01T00:00:00.000000Z")
        #expect(choice.to.text == "2099-01-01T00:00:00.500000Z")
        #expect(choice.user == nil && choice.server == nil)
        let spelled = ReportChoice(from: choice.from, to: choice.to, user: "Ann@Example.com")
        #expect(try ReportChoice(spelled.json, now: Self.now).user == "ann@example.com")
    }

    @Test(
        "What is missing, unknown, or no time in UTC is refused with its place",
        arguments: [
            (#"{"from":"2020-01-01T00:00:00Z"}"#, "to"),
            (#"{"to":"2020-01-01T00:00:00Z"}"#, "from"),
            (#"{"from":"-24h","to":"-25h"}"#, "to"),
            (#"{"from":"2020-01-01T00:00:00+01:00","to":"2020-01-01T00:00:00Z"}"#, "from"),
            (#"{"from":"2020-01-01T00:00:00Z","to":"2019-01-01T00:00:00Z"}"#, "to"),
            (#"{"from":"2020-01-01T00:00:00Z","to":"2020-01-01T00:00:00Z","user":"ann"}"#, "user"),
            (#"{"from":"2020-01-01T00:00:00Z","to":"2020-01-01T00:00:00Z","server":"a\nb"}"#, "server"),
            (#"{"from":"2020-01-01T00:00:00Z","to":"2020-01-01T00:00:00Z","agent":"a"}"#, "agent"),
        ]
    )
    func refused(_ text: String, _ place: String) throws {
        let json = try JSONValue(parsing: Array(text.utf8))
        #expect { _ = try ReportChoice(json, now: Self.now) } throws: { ($0 as? ShapeError)?.place == place }
    }
}
