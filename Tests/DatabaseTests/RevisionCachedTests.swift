import Testing

@testable import Database

@Suite("Values by revision")
struct RevisionCachedTests {
    @Test("A value is read once for a revision, and an older view reads for itself and replaces nothing")
    func cached() throws {
        let cached = RevisionCached<String>()
        var reads = 0
        func value(at revision: Int) throws -> String {
            try cached.value(at: revision) {
                reads += 1
                return "\(revision)"
            }
        }
        #expect(try [value(at: 2), value(at: 2)] == ["2", "2"])
        #expect(reads == 1)
        #expect(try [value(at: 1), value(at: 2)] == ["1", "2"])
        #expect(reads == 2)
        #expect(try [value(at: 3), value(at: 3)] == ["3", "3"])
        #expect(reads == 3)
    }

    @Test("A read that fails leaves what there was")
    func failure() throws {
        struct Stop: Error {}
        let cached = RevisionCached<Int>()
        #expect(try cached.value(at: 1) { 10 } == 10)
        #expect(throws: Stop.self) { try cached.value(at: 2) { throw Stop() } }
        #expect(try cached.value(at: 1) { 11 } == 10)
    }
}
