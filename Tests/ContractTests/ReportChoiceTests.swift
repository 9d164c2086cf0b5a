import Contract
import StrictJSON
import Testing

@Suite("What a report is asked for")
struct ReportChoiceTests {
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
        for choice in choices { #expect(try ReportChoice(choice.json) == choice) }
        let plain = try JSONValue(
            parsing: Array(#"{"from":"2020-01-01T00:00:00Z","to":"2099-01-01T00:00:00.5Z"}"#.utf8)
        )
        let choice = try ReportChoice(plain)
        #expect(choice.from.text == "2020-01-01T00:00:00.000000Z")
        #expect(choice.to.text == "2099-01-01T00:00:00.500000Z")
        #expect(choice.user == nil && choice.server == nil)
        let spelled = ReportChoice(from: choice.from, to: choice.to, user: "Ann@Example.com")
        #expect(try ReportChoice(spelled.json).user == "ann@example.com")
    }

    @Test(
        "What is missing, unknown, or no time in UTC is refused with its place",
        arguments: [
            (#"{"from":"2020-01-01T00:00:00Z"}"#, "to"),
            (#"{"to":"2020-01-01T00:00:00Z"}"#, "from"),
            (#"{"from":"-24h","to":"2020-01-01T00:00:00Z"}"#, "from"),
            (#"{"from":"2020-01-01T00:00:00+01:00","to":"2020-01-01T00:00:00Z"}"#, "from"),
            (#"{"from":"2020-01-01T00:00:00Z","to":"2019-01-01T00:00:00Z"}"#, "to"),
            (#"{"from":"2020-01-01T00:00:00Z","to":"2020-01-01T00:00:00Z","user":"ann"}"#, "user"),
            (#"{"from":"2020-01-01T00:00:00Z","to":"2020-01-01T00:00:00Z","server":"a\nb"}"#, "server"),
            (#"{"from":"2020-01-01T00:00:00Z","to":"2020-01-01T00:00:00Z","agent":"a"}"#, "agent"),
        ]
    )
    func refused(_ text: String, _ place: String) throws {
        let json = try JSONValue(parsing: Array(text.utf8))
        #expect { _ = try ReportChoice(json) } throws: { ($0 as? ShapeError)?.place == place }
    }
}
