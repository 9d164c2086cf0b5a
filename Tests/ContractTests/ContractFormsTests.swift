import Bytes
import StrictJSON
import Testing
import TransparencyLog

@testable import Contract

@Suite("The forms of the contract")
struct ContractFormsTests {
    @Test("Base64 has one text for each sequence of bytes", arguments: 0..<70)
    func base64(length: Int) {
        let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ length) }
        #expect(Base64.decodeURL(Base64.url(bytes).utf8) == bytes)
        #expect(Base64.decodeStandard(Base64.standard(bytes).utf8) == bytes)
    }

    @Test(
        "Base64 that no encoder writes is refused",
        arguments: ["A", "AB", "AA=", "AA==A", "A A", "AA\n", "+/", "_-", "é"]
    )
    func looseBase64(text: String) {
        #expect(Base64.decodeStandard(text.utf8) == nil)
        if text != "_-" { #expect(Base64.decodeURL(text.utf8) == nil) }
    }

    @Test("A token comes back as it was, and tells nothing when printed")
    func token() throws {
        let token = EnrolmentToken(
            secret: Array(1...16),
            keyHash: Array(repeating: 7, count: 32),
            authority: [48, 130, 1]
        )
        #expect(EnrolmentToken(token.text) == token)
        #expect(EnrolmentToken("\n \(token.text) \r\n") == token)
        #expect(token.text.hasPrefix("\(token.proof)."))
        #expect(EnrolmentToken.secret(proof: token.proof) == token.secret)
        #expect(!"\(token)".contains(Base64.url(token.secret)))
        let bare = EnrolmentToken(secret: token.secret, keyHash: token.keyHash, authority: nil)
        #expect(EnrolmentToken(bare.text) == bare)
    }

    @Test(
        "What is no token is refused",
        arguments: ["", "dwi1", "dwi1.AA.BB", "dwi2.AQIDBAUGBwgJCgsMDQ4PEA.x", "  ", "dwi1..."]
    )
    func noToken(text: String) {
        #expect(EnrolmentToken(text) == nil)
    }

    @Test(
        "Times are written in fixed width and read back",
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z"), (1_795_347_350_123_456, "2026-11-22T11:35:50.123456Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (4_107_542_399_999_999, "2100-02-28T23:59:59.999999Z"),
        ]
    )
    func time(microseconds: Int, text: String) {
        #expect(UTCTime(microseconds: microseconds).text == text)
        #expect(UTCTime(text)?.microseconds == microseconds)
    }

    @Test("Every day of a thousand years has its own text")
    func days() {
        for day in stride(from: 0, to: 200_000, by: 37) {
            let time = UTCTime(seconds: day * 86_400 + 4711)
            #expect(UTCTime(time.text) == time)
            #expect(UTCTime(time.shortText) == time)
        }
    }

    @Test(
        "An invalid time is refused",
        arguments: [
            "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00",
            "2026-01-01T00:00:00+00:00", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00.Z", "2026-1-01T00:00:00Z", "x",
        ]
    )
    func noTime(text: String) {
        #expect(UTCTime(text) == nil)
    }

    @Test("An upload comes back as it was")
    func upload() throws {
        let note = Array("o/agent/a\n2\nAAAA\n\n— o/agent/a BBBB\n".utf8)
        let records = [Array(#"{"a":1}"#.utf8)[...], Array(#"{"b":2}"#.utf8)[...]]
        let upload = LogUpload(old: 0, note: note, records: records)
        let again = try #require(LogUpload(upload.bytes))
        #expect(again.old == 0)
        #expect(again.note == note)
        #expect(again.records.map { Array($0) } == records.map { Array($0) })
        let empty = LogUpload(old: 12, note: note, records: [])
        #expect(LogUpload(empty.bytes) == empty)
    }

    @Test(
        "A malformed upload is refused",
        arguments: [
            "", "old 1", "old 1\n\n", "old 01\n\nt\n\ns\n\n", "old -1\n\nt\n\ns\n\n", "old 1\n\nt\n\ns\n\nr",
            "old 1\n\nt\n\ns\n\nr\n\nq\n", "old 1\n\nt\n\ns\n\n\n", "new 1\n\nt\n\ns\n\n", "old \n\nt\n\ns\n\n",
        ]
    )
    func badUpload(text: String) {
        #expect(LogUpload(Array(text.utf8)) == nil)
    }

    @Test("The note of an upload is judged before its records are cut apart, and there are never too many of those")
    func order() throws {
        struct Refused: Error {}
        let head = Array("old 1\n\nt\n\ns\n\n".utf8)
        // Cut apart, this would be none.
        #expect(throws: Refused.self) {
            try ReceivedUpload(head + Array("\n\n".utf8)) { old, note in
                #expect(old == 1 && note == Array("t\n\ns\n".utf8))
                throw Refused()
            }
        }
        let line = Array("a\n".utf8)
        let most = (0..<LogUpload.most).flatMap { _ in line }
        #expect(LogUpload(head + most)?.records.count == LogUpload.most)
        #expect(LogUpload(head + most + line) == nil)
    }

    @Test("The messages come back as they were")
    func messages() throws {
        let request = EnrolmentRequest(
            token: "dwi1.x",
            publicKey: Array(repeating: 1, count: 32),
            hostname: "host",
            custody: "keyring",
            version: "0.1.0"
        )
        #expect(try EnrolmentRequest(request.json) == request)
        let leaf = ProvenLeaf(leaf: Array(#"{"k":"é"}"#.utf8), index: 3, proof: [Array(repeating: 9, count: 32)])
        let receipt = EnrolmentReceipt(
            agentID: AgentID.make(random: Array(0..<10)),
            user: "ann@example.com",
            sub: "s",
            coordinatorKey: Array(repeating: 2, count: 32),
            origin: "h/audit",
            orgCheckpoint: "c",
            enrol: leaf
        )
        #expect(try EnrolmentReceipt(receipt.json) == receipt)
        let log = LogReceipt(size: 4, cosignature: "c", orgCheckpoint: "o", leaf: leaf)
        #expect(try LogReceipt(log.json) == log)
        let state = LogState(
            size: 3,
            checkpoint: nil,
            peaks: [[UInt8](repeating: 1, count: 32), [UInt8](repeating: 2, count: 32)]
        )
        #expect(try LogState(state.json) == state)
        for restart in [nil, leaf] {
            let sync = SyncAnswer(
                state: "s",
                bundle: "b",
                binding: nil,
                entries: "e",
                orgCheckpoint: "o",
                consistency: [Array(repeating: 9, count: 32)],
                restart: restart
            )
            #expect(try SyncAnswer(sync.json) == sync)
        }
        for bundle in [nil, Hash.of([1])] {
            let signed = StateDocument(
                agentID: AgentID.make(random: Array(0..<10)),
                epoch: 7,
                counter: 5,
                made: UTCTime(seconds: 1),
                expires: UTCTime(seconds: 2),
                bundle: bundle,
                binding: .of([2]),
                entries: .of([3]),
                org: .of([4])
            )
            let text = try SignedDocument.text(signed.json, origin: "h/state")
            #expect(try StateDocument(try #require(SignedDocument.json(text: text, origin: "h/state"))) == signed)
        }
        #expect(throws: ShapeError.self) {
            var json = try #require(state.json.object)
            json["unknown"] = 1
            _ = try LogState(.object(json))
        }
    }

    @Test("A signed document is read for its own origin only")
    func signedDocument() throws {
        let bundle = try PolicyBundle(
            version: 3,
            rules: ["roles": []],
            notBefore: UTCTime(seconds: 1),
            expires: UTCTime(seconds: 2)
        )
        let text = try SignedDocument.text(bundle.json, origin: "h/bundle")
        let json = try #require(SignedDocument.json(text: text, origin: "h/bundle"))
        #expect(try PolicyBundle(json) == bundle)
        #expect(SignedDocument.json(text: text, origin: "h/binding") == nil)
        #expect(SignedDocument.json(text: text + Array("x\n".utf8), origin: "h/bundle") == nil)
        #expect(SignedDocument.json(text: text.dropLast(), origin: "h/bundle") == nil)
        var changed = try #require(json.object)
        changed["rules"] = ["roles": [1]]
        #expect(throws: ShapeError.self) { try PolicyBundle(.object(changed)) }
    }

    @Test("A problem comes back as it was")
    func problem() {
        let problem = Problem("size", status: 409, title: "T", detail: "D", next: "N", members: ["size": 12])
        #expect(Problem(problem.json) == problem)
        #expect(problem.type.hasSuffix("/size"))
        #expect(Problem(["type": "about:blank", "status": 404]) == nil)
    }
}
