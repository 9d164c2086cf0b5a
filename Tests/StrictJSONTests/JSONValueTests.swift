import StrictJSON
import Testing

@Suite("Reading and writing JSON")
struct JSONValueTests {
    @Test("What is read is written back with its order and its spelling of numbers")
    func roundTrip() throws {
        let text = #"{"b":[1,-0,1.50,1e2,12345678901234567890],"a":{"é":"\u0000\n","n":null,"t":true,"f":false},"":""}"#
        #expect(try JSONValue(parsing: Array(text.utf8)).json == text)
    }
}
