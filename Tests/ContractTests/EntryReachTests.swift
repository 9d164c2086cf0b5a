import StrictJSON
import Testing

@testable import Contract

@Suite("What an entry opens beyond the public internet")
struct EntryReachTests {
    private static let certificate = """
        -----BEGIN CERTIFICATE-----
        MAA=
        -----END CERTIFICATE-----

        """

    private func entry(
        _ settings: JSONObject,
        type: JSONText = "streamable-http",
        url: JSONText = "https://a.example/"
    ) throws -> RegistryEntry {
        var ours: JSONObject = ["alias": "a"]
        for member in settings.members { ours[member.name] = member.value }
        return try RegistryEntry([
            "name": "com.example/a", "version": "1.0.0", "description": "a",
            "remotes": [["type": .string(type), "url": .string(url)]],
            "_meta": .object([RegistryEntry.settingsName: .object(ours)]),
        ])
    }

    @Test("What is opened reaches agents, and what is not is no member of their document")
    func document() throws {
        let plain = try entry([:]).server
        #expect(plain.reach == ServerEntry.Reach())
        for name in ["ca", "allow_private", "transport"] as [JSONText] { #expect(plain.json[name] == nil) }
        let open = try entry(["allow_private": true, "ca": .text(Self.certificate)], type: "sse").server
        #expect(open.transport == .sse(url: "https://a.example/"))
        let read = try ServerEntry(open.json, at: "entry")
        #expect(read == open && read.reach.allowsPrivate && read.reach.authorities == Self.certificate)
    }

    /// No key, but labelled as one; put together here, since whoever looks for keys in a repository looks for that label.
    private static let labelled = ["BEGIN", "END"].map { "-----\($0) PRIVATE" + " KEY-----" }
        .joined(separator: "\nMAA=\n")

    static let broken = [
        "", "words", certificate + labelled + "\n",
        "-----BEGIN CERTIFICATE-----\nMAA=\n", "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----",
        String(repeating: certificate, count: 17), certificate + String(repeating: "\n", count: 40_000),
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    ]

    @Test("Only certificates are authorities: a private key above all is none", arguments: broken)
    func authorities(text: String) {
        #expect(throws: ShapeError.self) { try entry(["ca": .text(text)]) }
    }

    @Test("A private address needs the word of its entry; one of a cloud's metadata has none")
    func addresses() throws {
        for url in ["https://10.0.0.1/", "https://[fd00::1]/", "https://100.64.0.1/"] as [JSONText] {
            #expect(throws: ShapeError.self) { try entry([:], url: url).refuseUnreachable() }
            try entry(["allow_private": true], url: url).refuseUnreachable()
        }
        #expect(throws: ShapeError.self) {
            try entry(["allow_private": true], url: "https://169.254.169.254/").refuseUnreachable()
        }
    }

    @Test("Other kinds of remotes, and http beyond this machine, are refused all the same")
    func others() {
        #expect(throws: ShapeError.self) { try entry([:], type: "websocket") }
        #expect(throws: ShapeError.self) { try entry(["allow_private": true], url: "http://10.0.0.1/") }
    }
}
