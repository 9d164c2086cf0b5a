import Testing

@testable import Contract

@Suite("Words of keys")
struct KeyWordsTests {
    private let machine = [UInt8](repeating: 1, count: 32)
    private let coordinator = [UInt8](repeating: 2, count: 32)

    @Test("They are the same wherever they are made: page and terminal may be of different releases")
    func fixed() {
        let words = KeyWords(machine: machine, coordinator: coordinator)
        #expect(words.description == "organ melody clerk hello service dash")
    }

    @Test("Another key of either side has other words")
    func others() {
        var seen: Set<String> = []
        for byte in UInt8.min ... .max {
            let other = [byte] + machine.dropFirst()
            #expect(seen.insert(KeyWords(machine: Array(other), coordinator: coordinator).description).inserted)
        }
        #expect(
            KeyWords(machine: machine, coordinator: coordinator).words
                != KeyWords(machine: coordinator, coordinator: machine).words
        )
    }

    @Test("There are 2048 words, and no two of them begin alike")
    func list() {
        #expect(WordList.words.count == 2048)
        #expect(Set(WordList.words.map { $0.prefix(4) }).count == 2048)
        #expect(
            WordList.words.allSatisfy {
                (3...8).contains($0.utf8.count) && $0.utf8.allSatisfy { (0x61...0x7A).contains($0) }
            }
        )
    }

    @Test("A code is told from a token")
    func code() {
        let secret = [UInt8](repeating: 7, count: 16)
        #expect(EnrolmentCode.secret(proof: EnrolmentCode.proof(secret: secret)) == secret)
        #expect(EnrolmentToken.secret(proof: EnrolmentCode.proof(secret: secret)) == nil)
        #expect(EnrolmentCode.secret(proof: EnrolmentToken.proof(secret: secret)) == nil)
        for text in ["", "dwe1.", "dwe1.AAAA", "dwe1.\(String(repeating: "A", count: 23))"] {
            #expect(EnrolmentCode.secret(proof: text) == nil)
        }
    }
}
