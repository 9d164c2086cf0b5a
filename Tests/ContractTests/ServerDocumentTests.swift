import StrictJSON
import Testing

@testable import Contract

@Suite("A server.json as its maker has published it")
struct ServerDocumentTests {
    static let whole = #"""
        {"$schema":"https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
         "name":"io.github.acme/weather","title":"Weather","description":"Says what the weather is.","version":"1.2.0",
         "websiteUrl":"https://weather.example/","repository":{"url":"https://github.com/acme/weather","source":"github"},
         "icons":[{"src":"https://weather.example/icon.png","mimeType":"image/png","sizes":["48x48"]}],
         "remotes":[
           {"type":"streamable-http","url":"https://{tenant}.weather.example/mcp",
            "variables":{"tenant":{"description":"Yours","isRequired":true,"choices":["a","b"]}},
            "headers":[{"name":"X-Region","value":"eu","isRequired":false}]},
           {"type":"sse","url":"https://weather.example/sse"}],
         "packages":[
           {"registryType":"pypi","identifier":"mcp-weather","version":"1.2.0","runtimeHint":"uvx",
            "transport":{"type":"stdio"},
            "packageArguments":[{"type":"named","name":"--units","default":"metric"},
                                {"type":"positional","valueHint":"place","isRequired":true}],
            "environmentVariables":[{"name":"WEATHER_KEY","isRequired":true,"isSecret":true}]}],
         "_meta":{"io.modelcontextprotocol.registry/publisher-provided":{"tool":"x"},"com.acme/notes":[1,{"a":null}]}}
        """#

    private func read(_ text: String, isOpen: Bool = false) throws -> ServerDocument {
        try ServerDocument(try JSONValue(parsing: Array(text.utf8)), isOpen: isOpen)
    }

    private func place(_ text: String) throws -> String? {
        do {
            _ = try read(text)
            return nil
        } catch let error as ShapeError {
            return error.place
        }
    }

    @Test("It is read as the official schema has it")
    func read() throws {
        let document = try read(Self.whole)
        #expect(document.summary.name == "io.github.acme/weather")
        #expect(document.summary.title == "Weather")
        #expect(document.summary.icons.map(\.source) == ["https://weather.example/icon.png"])
        #expect(document.remotes.map(\.type) == ["streamable-http", "sse"])
        #expect(document.remotes[0].variables["tenant"]?.choices == ["a", "b"])
        #expect(document.packages[0].arguments.map(\.label) == ["--units", "place"])
        #expect(document.packages[0].environment[0].input.isSecret)
        #expect(document.meta.settings == nil)
        #expect(document.meta.others["com.acme/notes"] == [1, ["a": nil]])
        #expect(document.unknown.isEmpty)
    }

    @Test("What others keep under _meta stays, and a name of ours that means nothing is refused")
    func meta() throws {
        let ours = Self.whole.replacing(
            #""com.acme/notes":[1,{"a":null}]"#,
            with: #""dev.doorward/entry":{"alias":"w"}"#
        )
        #expect(try read(ours).meta.settings == ["alias": "w"])
        for name in ["dev.doorward/other", "Dev.Doorward/entry", "DEV.DOORWARD/x"] {
            let text = Self.whole.replacing("com.acme/notes", with: name)
            #expect(try place(text) == "_meta/\(name)")
        }
    }

    @Test("A member that is not known is a mistake in one's own file, and noted in what others publish")
    func unknown() throws {
        let text = Self.whole.replacing(
            #""version":"1.2.0","#,
            with: #""version":"1.2.0","postInstallInstructions":"run","#,
            maxReplacements: 1
        )
        #expect(try place(text) == "postInstallInstructions")
        #expect(try read(text, isOpen: true).unknown == ["postInstallInstructions"])
        // Inside of what is used nothing is passed over.
        let inner = Self.whole.replacing(#""runtimeHint":"uvx","#, with: #""runtimeHint":"uvx","sudo":true,"#)
        #expect(throws: ShapeError.self) { try read(inner, isOpen: true) }
    }

    @Test(
        "What is wrong is refused with its place",
        arguments: [
            (#""name":"io.github.acme/weather","#, #""name":"weather","#, "name"),
            (#""name":"io.github.acme/weather","#, #""name":"a/b/c","#, "name"),
            (#""version":"1.2.0",\#n "websiteUrl""#, #""version":"latest", "websiteUrl""#, "version"),
            (#""description":"Says what the weather is.","#, "", "description"),
            (#""type":"sse""#, #""type":"stdio""#, "remotes/1/type"),
            (#""url":"https://weather.example/sse""#, #""url":7"#, "remotes/1/url"),
            (#""choices":["a","b"]"#, #""choices":"a""#, "remotes/0/variables/tenant/choices"),
            (#""transport":{"type":"stdio"},"#, "", "packages/0/transport"),
            (#""valueHint":"place","#, "", "packages/0/packageArguments/1/valueHint"),
            (#""type":"positional""#, #""type":"odd""#, "packages/0/packageArguments/1/type"),
            (#""isSecret":true"#, #""isSecret":"yes""#, "packages/0/environmentVariables/0/isSecret"),
        ]
    )
    func wrong(old: String, new: String, member: String) throws {
        let text = Self.whole.replacing("\n ", with: " ")
        let wrong = text.replacing(old.replacing("\n ", with: " "), with: new)
        try #require(wrong != text)
        #expect(try place(wrong) == member)
    }

    @Test("There are never more ways than anybody can look at")
    func many() throws {
        let remote = #"{"type":"sse","url":"https://weather.example/sse"}"#
        let text =
            #"{"name":"a/b","description":"d","version":"1","remotes":["#
            + Array(repeating: remote, count: 33).joined(separator: ",") + "]}"
        #expect(try place(text) == "remotes")
    }
}
