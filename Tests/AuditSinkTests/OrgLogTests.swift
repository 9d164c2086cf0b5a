import AuditLog
import AuditSink
import Contract
import Database
import Errors
import Kits
import StrictJSON
import Testing
import TransparencyLog

@Suite("The organisation's log")
struct OrgLogTests {
    private func change(_ number: Int) -> OrgLeaf.Body {
        .adminChange(OrgLeaf.AdminChange(who: "u-1", what: JSONText("servers/s\(number)"), before: nil, after: nil))
    }

    @Test("Proofs of every size lead to the root of a tree in memory")
    func proofs() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var tree = MerkleTree()
        for size in 0...300 {
            let isFull = [1, 2, 3, 7, 8, 9, 63, 64, 65, 300].contains(size)
            let positions =
                isFull ? Array(0..<size) : [0, size / 2, size / 3, size - 1].filter { (0..<size).contains($0) }
            let olds = isFull ? Array(0...size) : [0, min(1, size), size / 2, max(size - 1, 0), size]
            let (head, leaves, consistencies) = try await sink.database.read { [log = sink.log] view in
                (
                    try log.head(in: view), try positions.map { try log.proven($0, in: view) },
                    try olds.map { try log.consistency(from: $0, in: view) }
                )
            }
            let checkpoint = try verified(head.checkpoint, sink.key)
            let root = try tree.root(size: UInt64(size))
            #expect(checkpoint == Checkpoint(origin: sink.key.names.audit, size: UInt64(size), root: root))
            for leaf in leaves {
                #expect(isProven(leaf, in: checkpoint))
                #expect(Hash.leaf(leaf.leaf) == tree.hash(level: 0, index: UInt64(leaf.index)))
            }
            for (old, proof) in zip(olds, consistencies) {
                let before = (size: UInt64(old), root: try tree.root(size: UInt64(old)))
                let hashes = try #require(proof).compactMap { Hash($0) }
                #expect(MerkleProof.isConsistent(from: before, to: (checkpoint.size, root), proof: hashes))
            }
            let body = change(size)
            let position = try await sink.database.write { [log = sink.log] transaction in
                try log.append(body, at: Sink.noon, in: transaction)
            }
            #expect(position == size)
            let bytes = try await sink.database.read { [log = sink.log] view in try log.proven(size, in: view).leaf }
            #expect(try OrgLeaf(parsing: bytes).body == body)
            tree.append(bytes)
        }
    }

    @Test("A log goes on after a restart where it ended")
    func restart() async throws {
        var sink = try Sink()
        defer { sink.remove() }
        var tree = MerkleTree()
        for number in 0..<20 {
            sink = try sink.reopened()
            let body = change(number)
            let (head, leaf) = try await sink.database.write { [log = sink.log] transaction in
                try log.check(in: transaction)
                let position = try log.append(body, at: Sink.noon, in: transaction)
                return (try log.head(in: transaction), try log.proven(position, in: transaction))
            }
            tree.append(leaf.leaf)
            let checkpoint = try verified(head.checkpoint, sink.key)
            #expect(checkpoint.root == (try tree.root(size: UInt64(number + 1))))
            #expect(isProven(leaf, in: checkpoint))
        }
    }

    @Test("A change that is taken back leaves no leaf, and others in the same commit keep theirs")
    func takenBack() async throws {
        struct Refused: Error {}
        let sink = try Sink()
        defer { sink.remove() }
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<100 {
                group.addTask { [log = sink.log, database = sink.database] in
                    _ = try? await database.write { transaction in
                        try log.append(self.change(number), at: Sink.noon, in: transaction)
                        if number.isMultiple(of: 3) { throw Refused() }
                    }
                }
            }
        }
        #expect(try await sink.count("org_leaf") == 66)
        try await sink.database.read { [log = sink.log] view in try log.check(in: view) }
    }

    @Test("A leaf is found by what it is about")
    func subjects() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        let ann = try await sink.enrol("ann")
        let bob = try await sink.enrol("bob")
        let positions = try await sink.database.read { [log = sink.log] view in
            [
                try log.positions(kind: "key.enrol", subject: ann.id, in: view),
                try log.positions(kind: "key.enrol", subject: bob.id, in: view),
                try log.positions(kind: "key.revoke", subject: bob.id, in: view),
            ]
        }
        #expect(positions == [[0], [1], []])
    }

    @Test("A machine that knows a longer log than there is gets no proof")
    func setBack() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        _ = try await sink.enrol("ann")
        let proofs = try await sink.database.read { [log = sink.log] view in
            [try log.consistency(from: 1, in: view), try log.consistency(from: 2, in: view)]
        }
        #expect(proofs == [[], nil])
    }

    @Test(
        "A log of another key, under another name or with parts that do not fit is refused at the start",
        arguments: [
            "UPDATE org_leaf SET leaf = x'7b7d' WHERE position = 2",
            "DELETE FROM org_leaf WHERE position = 0",
            "DELETE FROM org_head",
            "UPDATE org_head SET size = 1, peaks = substr(peaks, 1, 32)",
            "UPDATE org_head SET peaks = zeroblob(64)",
        ]
    )
    func damaged(_ damage: String) async throws {
        let sink = try Sink()
        defer { sink.remove() }
        for name in ["ann", "bob", "cat"] { _ = try await sink.enrol(name) }
        try await sink.database.read { [log = sink.log] view in try log.check(in: view) }

        let others = [
            CoordinatorKey(signing: SigningKey(), names: sink.key.names),
            CoordinatorKey(signing: sink.key.signing, names: LogNames(host: "other.example.com")),
        ]
        for other in others {
            await #expect(throws: AuditSinkError(.foreign, "", next: "")) {
                try await sink.database.read { view in try OrgLog(key: other).check(in: view) }
            }
        }
        try await sink.database.write { transaction in try transaction.execute(damage) }
        await #expect(throws: AuditSinkError(.damaged, "", next: "")) {
            try await sink.database.read { [log = sink.log] view in try log.check(in: view) }
        }
    }
}
