import AuditLog
import Bytes
import Contract
import Policy
import StrictJSON
import TransparencyLog

extension ModelCoordinator {
    func note(_ json: JSONValue, origin: String, by other: SigningKey? = nil) throws -> String {
        let note = try Note.sign(try SignedDocument.text(json, origin: origin), name: origin, key: other ?? key)
        return String(decoding: note.bytes, as: UTF8.self)
    }

    /// A bundle that grants `server`.
    func bundle(_ version: Int, server: JSONText = "s", expires: Int = 1_900_000_000, from: Int = 0) throws -> String {
        try note(
            try PolicyBundle(
                version: version,
                rules: Self.rules(server),
                notBefore: UTCTime(seconds: from),
                expires: UTCTime(seconds: expires)
            ).json,
            origin: names.bundle
        )
    }

    static func rules(_ server: JSONText) -> JSONValue {
        [
            "version": 1, "forbid": [], "limits": [],
            "roles": [["name": "dev", "grant": [["server": .string(server)]]]],
        ]
    }

    func binding(_ agent: String, sub: JSONText, policy: Int, role: JSONText = "dev") throws -> String {
        let binding = Binding(
            sub: sub,
            user: "ann@example.com",
            groups: [],
            roles: [Binding.Membership(role: role, rule: "bind/0")]
        )
        return try note(
            BindingDocument(
                agentID: agent,
                policyVersion: policy,
                expires: UTCTime(seconds: 1_900_000_000),
                binding: binding.members
            ).json,
            origin: names.binding
        )
    }

    func entries(_ agent: String, _ aliases: [String]) throws -> String {
        let entries = aliases.map {
            ServerEntry(
                alias: $0,
                name: "com.example/\($0)",
                transport: .http(url: "https://\($0).example/mcp"),
                authorization: ServerEntry.Authorization(kind: .none)
            )
        }
        return try note(EntriesDocument(agentID: agent, entries: entries).json, origin: names.entries)
    }

    func digest(_ note: String) -> Hash {
        .of((try? Note(parsing: Array(note.utf8)).text) ?? [])
    }

    /// The state that names these notes.
    func state(
        _ agent: String,
        counter: Int,
        epoch: Int? = nil,
        made: Int? = nil,
        expires: Int = 1_900_000_000,
        bundle: String?,
        binding: String,
        entries: String,
        org: String,
        lock: MachineLock? = nil
    ) throws -> String {
        try note(
            StateDocument(
                agentID: agent,
                epoch: epoch ?? self.epoch,
                counter: counter,
                made: UTCTime(seconds: made ?? counter),
                expires: UTCTime(seconds: expires),
                bundle: bundle.map(digest),
                binding: digest(binding),
                entries: digest(entries),
                org: digest(org),
                lock: lock
            ).json,
            origin: names.state
        )
    }

    /// A whole answer of one version of everything.
    func answer(
        _ agent: String,
        counter: Int,
        version: Int,
        made: Int? = nil,
        expires: Int = 1_900_000_000,
        aliases: [String] = ["one", "two"],
        org: UInt64? = nil,
        lock: MachineLock? = nil,
        from known: UInt64 = 0
    ) throws -> SyncAnswer {
        let bundle = version == 0 ? nil : try bundle(version)
        let binding = try binding(agent, sub: "u-1", policy: version, role: JSONText("role-\(version)"))
        let entries = try entries(agent, aliases)
        let head = try head(size: org)
        return SyncAnswer(
            state: try state(
                agent,
                counter: counter,
                made: made,
                expires: expires,
                bundle: bundle,
                binding: binding,
                entries: entries,
                org: head,
                lock: lock
            ),
            bundle: bundle,
            binding: binding,
            entries: entries,
            orgCheckpoint: head,
            consistency: known > self.org.size ? nil : try consistency(from: known)
        )
    }
}

extension SyncAnswer {
    /// The answer with some of its parts as a proxy on the way would have them.
    func with(
        state: String? = nil,
        bundle: String?? = nil,
        binding: String?? = nil,
        entries: String?? = nil,
        org: String? = nil,
        consistency: [[UInt8]]?? = nil,
        restart: ProvenLeaf?? = nil
    ) -> SyncAnswer {
        SyncAnswer(
            state: state ?? self.state,
            bundle: bundle ?? self.bundle,
            binding: binding ?? self.binding,
            entries: entries ?? self.entries,
            orgCheckpoint: org ?? orgCheckpoint,
            consistency: consistency ?? self.consistency,
            restart: restart ?? self.restart
        )
    }
}
