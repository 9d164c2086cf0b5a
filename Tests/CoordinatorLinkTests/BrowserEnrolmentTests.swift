import Addresses
import AgentState
import Bytes
import Contract
import Errors
import Fetch
import Foundation
import Keyring
import StrictJSON
import Synchronization
import Testing
import TransparencyLog

@testable import CoordinatorLink

@Suite("Enrolment by browser")
struct BrowserEnrolmentTests {
    private let server: CoordinatorServer
    private let scratch: Scratch
    private let secrets = MemorySecretStore()
    private let fetcher = Fetcher()

    init() throws {
        server = try CoordinatorServer()
        scratch = try Scratch()
    }

    private func begin() async throws -> BrowserEnrolment {
        var identity = try #require(try server.model.withLock { try $0.identity }.object)
        identity["browser_sign_in"] = true
        server.happens(.answer(.json(.object(identity))), to: "/v1/identity")
        return try await Enrolment(home: scratch.home, secrets: secrets, fetcher: fetcher)
            .begin(url: server.url, hostname: "desk")
    }

    private func fields(_ question: BrowserEnrolment) throws -> [String: String] {
        try #require(WebURL(question.url)?.query.flatMap { FormBody.decode($0) })
    }

    /// What a browser does that is sent back.
    private func browse(_ question: BrowserEnrolment, _ answer: [(String, String)]) async throws -> Int {
        let port = try #require(try fields(question)["port"])
        let url = "http://127.0.0.1:\(port)/callback?\(FormBody.query(answer))"
        return try await fetcher.fetch(FetchRequest("GET", url, addresses: .any)).status
    }

    @Test(
        "The page is told the key, the hash of a proof and where to answer; neither the proof nor the key's other half"
    )
    func question() async throws {
        let question = try await begin()
        let fields = try fields(question)
        #expect(question.url.hasPrefix("\(server.url)/enrol?"))
        #expect(Set(fields.keys) == ["key", "challenge", "state", "port", "hostname", "custody"])
        #expect(fields["hostname"] == "desk")
        #expect(fields["custody"] == secrets.custody)
        let key = try #require(fields["key"].flatMap { Base64.decodeURL($0.utf8) })
        let coordinator = server.model.withLock { $0.key.publicKey.bytes }
        #expect(question.words == KeyWords(machine: key, coordinator: coordinator))
        #expect(fields["challenge"] == Hash.of(Array(question.verifier.utf8)).base64URL)
        #expect(!question.url.contains(question.verifier))
    }

    @Test("What the browser brings is sent with the proof, signed by the key, and the membership is kept")
    func enrols() async throws {
        let question = try await begin()
        let fields = try fields(question)
        // The model takes what opens there, whatever it is called.
        let code = server.model.withLock { $0.token(1) }.proof
        async let membership = question.finish()
        #expect(try await browse(question, [("code", code), ("state", try #require(fields["state"]))]) == 200)
        let kept = try await membership
        #expect(try Membership.load(scratch.home) == kept)
        #expect(kept.publicKey.base64URL == fields["key"])
        let sent = try #require(server.seen.withLock { $0.last { $0.path == "/v1/enrolments" } })
        #expect(try EnrolmentRequest(try JSONValue(parsing: sent.body)).verifier == question.verifier)
    }

    @Test("An answer that is not this question's changes nothing")
    func foreign() async throws {
        let question = try await begin()
        let state = try #require(try fields(question)["state"])
        async let membership = question.finish()
        for answer in [
            [("code", "dwe1.AAAA")], [("code", "dwe1.AAAA"), ("state", "x")], [("code", "dwe1.AAAA"), ("state", "")],
            [("state", state)], [("code", "dwe1.AAAA"), ("state", state + "A")],
        ] {
            #expect(try await browse(question, answer) != 200)
        }
        #expect(server.count("/v1/enrolments") == 0)
        let code = server.model.withLock { $0.token(1) }.proof
        #expect(try await browse(question, [("code", code), ("state", state)]) == 200)
        _ = try await membership
    }

    @Test("No is an answer")
    func refusal() async throws {
        let question = try await begin()
        let state = try #require(try fields(question)["state"])
        async let end: Void = {
            await #expect(throws: LinkError(.refused, "")) { try await question.finish() }
        }()
        #expect(try await browse(question, [("error", "access_denied"), ("state", state)]) == 200)
        await end
        #expect(server.count("/v1/enrolments") == 0)
        #expect(try Membership.load(scratch.home) == nil)
    }

    @Test("Where nobody signs in with a browser, it says so before a key is made")
    func unavailable() async throws {
        let enrolment = Enrolment(home: scratch.home, secrets: secrets, fetcher: fetcher)
        await #expect(throws: LinkError(.noBrowserSignIn, "")) {
            _ = try await enrolment.begin(url: server.url, hostname: "desk")
        }
        #expect(secrets.writes == 0)
    }

    @Test("Who asks twice asks with the same key; another proof, another state")
    func again() async throws {
        let (first, second) = (try await begin(), try await begin())
        let (one, other) = (try fields(first), try fields(second))
        #expect(one["key"] == other["key"])
        #expect(first.words == second.words)
        for name in ["challenge", "state"] { #expect(one[name] != other[name]) }
        #expect(secrets.writes == 1)
    }
}
