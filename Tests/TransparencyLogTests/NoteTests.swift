import Bytes
import Errors
import Kits
import StrictJSON
import Testing
import TransparencyLog

@Suite("Signed notes")
struct NoteTests {
    static let key = SigningKey()
    static let origin = "gate.example.com/audit"
    static let text = Array("gate.example.com/audit\nhello\n".utf8)

    @Test("A note of an independent program is read, and its signatures hold")
    func vector() throws {
        let vector = try JSONValue(parsing: try Vectors.bytes("merkle/note.json"))
        let bytes = Array(try #require(vector["note"]?.text).utf8)
        let key = try #require(VerifyingKey(try Vectors.hex(vector["public"]?.text)))
        let signing = try #require(SigningKey(seed: try Vectors.hex(vector["seed"]?.text)))
        #expect(signing.publicKey == key)
        #expect(key.fingerprint == vector["fingerprint"]?.text)
        #expect(key.vkey(name: Self.origin) == vector["vkey"]?.text)
        let parsed = try #require(VerifyingKey.parse(vkey: vector["vkey"]?.text ?? ""))
        #expect(parsed.name == Self.origin && parsed.key == key)

        let note = try Note(parsing: bytes)
        #expect(note.isSigned(name: Self.origin, key: key))
        let witness = try #require(vector["witness"]?.text)
        #expect(note.cosignatureTime(name: witness, key: key) == vector["time"]?.int.map(UInt64.init))
        let checkpoint = try Checkpoint(parsing: note.text)
        #expect(checkpoint.size == 5)
        #expect(checkpoint.root.bytes == (try Vectors.hex(vector["root"]?.text)))

        // Ed25519 as it is usually done gives the same bytes; a signature of ours holds for the others' key either way.
        let ours = try checkpoint.signed(by: signing)
        #expect(ours.isSigned(name: Self.origin, key: key))
    }

    @Test("What was signed is read again with the same bytes")
    func roundTrip() throws {
        let note = try Note.sign(origin: Self.origin, body: Array("{\"v\":1}".utf8), key: Self.key)
        let cosigned = note.adding(try note.cosignature(name: "w", key: Self.key, time: 7))
        let read = try Note(parsing: cosigned.bytes)
        #expect(read == cosigned)
        #expect(read.origin == Self.origin)
        #expect(read.body == Array("{\"v\":1}\n".utf8))
        #expect(read.cosignatureTime(name: "w", key: Self.key.publicKey) == 7)
    }

    @Test("A signature holds for its name, key and kind only")
    func roles() throws {
        let note = try Note.sign(Self.text, name: Self.origin, key: Self.key)
        #expect(note.isSigned(name: Self.origin, key: Self.key.publicKey))
        #expect(!note.isSigned(name: "gate.example.com/bundle", key: Self.key.publicKey))
        #expect(!note.isSigned(name: Self.origin, key: SigningKey().publicKey))
        #expect(note.cosignatureTime(name: Self.origin, key: Self.key.publicKey) == nil)
        let cosigned = note.adding(try note.cosignature(name: Self.origin, key: Self.key, time: 9))
        #expect(cosigned.isSigned(name: Self.origin, key: Self.key.publicKey))
    }

    @Test("A note with any byte changed is refused or no longer signed")
    func everyByte() throws {
        let note = try Note.sign(Self.text, name: Self.origin, key: Self.key)
        let bytes = note.adding(try note.cosignature(name: "w", key: Self.key, time: 7)).bytes
        for index in bytes.indices {
            for change: UInt8 in [1, 0x20, 0x80] {
                var changed = bytes
                changed[index] ^= change
                guard let read = try? Note(parsing: changed) else { continue }
                let isSigned = read.isSigned(name: Self.origin, key: Self.key.publicKey)
                let time = read.cosignatureTime(name: "w", key: Self.key.publicKey)
                #expect(!isSigned || time != 7)
            }
        }
    }

    @Test("A line that claims to be ours and does not fit spoils the note")
    func falseLine() throws {
        let note = try Note.sign(Self.text, name: Self.origin, key: Self.key)
        let other = try Note.sign(Array("other\n".utf8), name: Self.origin, key: Self.key)
        #expect(!note.adding(other.signatures[0]).isSigned(name: Self.origin, key: Self.key.publicKey))
    }

    @Test(
        "What is no note is refused",
        arguments: [
            "", "\n", "\n\n", "text\n", "text\n\n", "text\n\nno dash\n", "text\n\n\u{2014} name\n",
            "text\n\n\u{2014} name AAAA\n", "text\n\n\u{2014} name AAAAAAB=\n", "text\n\n\u{2014} na+me AAAAAAA=\n",
            "text\n\n\u{2014}  AAAAAAA=\n", "text\n\n\u{2014} name AAAAAAA=", "text\r\n\n\u{2014} name AAAAAAA=\n",
            "te\u{0}xt\n\n\u{2014} name AAAAAAA=\n", "text\n\u{2014} name AAAAAAA=\n",
            // Names are ASCII: in these a mark would join the space before it, and some would see one word less.
            "text\n\n\u{2014} \u{301}name AAAAAAA=\n", "text\n\n\u{2014} name\u{600} AAAAAAA=\n",
            "text\n\n\u{2014} n\u{e4}me AAAAAAA=\n", "text\n\n\u{2014} na\u{7F}me AAAAAAA=\n",
        ]
    )
    func refused(text: String) {
        #expect(throws: LogError(.malformed, "")) { try Note(parsing: Array(text.utf8)) }
    }

    @Test("Text that would not be read again is not signed")
    func unsignable() {
        for text in ["", "no line feed", "tab\t\n", "\u{7F}\n"] {
            #expect(throws: LogError(.malformed, "")) {
                try Note.sign(Array(text.utf8), name: Self.origin, key: Self.key)
            }
        }
    }

    @Test(
        "What is no checkpoint is refused",
        arguments: [
            "", "a\n1\n", "\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
            // No leaves, and another root than that of none.
            "a\n0\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
            "a\n01\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", "a\n1\n47DEQpj8HBSa\n",
            "a\n+1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
            "a\n9007199254740992\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
            "a\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nextension\n",
        ]
    )
    func refusedCheckpoint(text: String) {
        #expect(throws: LogError(.malformed, "")) { try Checkpoint(parsing: Array(text.utf8)) }
    }

    @Test("The root of a log without leaves is the hash of nothing")
    func emptyLog() throws {
        let text = Array("a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n".utf8)
        #expect(try Checkpoint(parsing: text).root == .empty)
    }

    @Test(
        "A key for which anybody can sign, or that is no encoding of a point, is refused",
        arguments: [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "f4ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ]
    )
    func weakKeys(hex: String) throws {
        var bytes = try Vectors.hex(hex)
        #expect(VerifyingKey(bytes) == nil)
        bytes[31] |= 0x80
        #expect(VerifyingKey(bytes) == nil)
        #expect(VerifyingKey(bytes.dropLast()) == nil)
    }

    @Test("Keys are read from exactly their own text")
    func keyText() throws {
        let key = Self.key.publicKey
        let vkey = key.vkey(name: Self.origin)
        #expect(VerifyingKey.parse(vkey: vkey)?.key == key)
        #expect(VerifyingKey.parse(vkey: "other" + vkey) == nil)
        #expect(VerifyingKey.parse(vkey: vkey.uppercased()) == nil)
        #expect(VerifyingKey.parse(vkey: vkey + "=") == nil)
        #expect(VerifyingKey(base64URL: key.base64URL) == key)
        #expect(VerifyingKey(base64URL: key.base64URL + "A") == nil)
        #expect("\(Self.key)" == "[signing key \(key.fingerprint)]")
    }

    @Test("Base64 has one text for one value")
    func base64() {
        for length in 0..<40 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 89 &+ length) }
            #expect(Base64.decodeStandard(Base64.standard(bytes).utf8) == bytes)
            #expect(Base64.decodeURL(Base64.url(bytes).utf8) == bytes)
        }
        for text in ["A", "AB", "AAA", "AAB=", "AA=A", "=AAA", "A===", "====", "AA==AA==", "A A=", "AAA\n", "AA-_"] {
            #expect(Base64.decodeStandard(text.utf8) == nil)
        }
        for text in ["A", "AB", "AAB", "AA==", "AA+/", "AA A"] {
            #expect(Base64.decodeURL(text.utf8) == nil)
        }
    }
}
