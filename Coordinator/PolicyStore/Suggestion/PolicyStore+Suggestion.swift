internal import AuditSink
internal import Bytes
package import Contract
internal import Database
internal import People
internal import Policy
internal import PolicyFile
package import Rights
package import StrictJSON
internal import Synchronization

/// A policy that opens what people were seen to use.
package struct PolicySuggestion: Sendable, Equatable {
    package let choice: ReplayChoice
    /// The file: YAML, with tests that it passes.
    package let file: [UInt8]
    /// How many calls it goes back to, and of how many people.
    package let calls: Int
    package let people: Int
    /// What its reader has to know.
    package let notes: [String]

    /// As `POST /v1/policy/suggestions` answers.
    package var json: JSONValue {
        [
            "since": .text(choice.since.text), "until": .text(choice.until.text), "calls": .int(calls),
            "people": .int(people), "notes": .array(notes.map { .text($0) }),
            "file": .text(String(decoding: file, as: UTF8.self)),
        ]
    }
}

extension PolicyStore {
    /// Suggests the least policy for what was seen: all that passed stays open, and nothing else is.
    ///
    /// - Parameters:
    ///   - choice: which calls.
    ///   - hasPrefixes: whether names that begin alike are opened by their beginning.
    ///   - permit: who asks.
    /// - Returns: the policy; nothing is applied.
    /// - Throws: `Refused`: `unknown_user`, `suggestion_too_large`, and as `Simulation.run`.
    package func suggestion(
        from choice: ReplayChoice,
        hasPrefixes: Bool,
        for permit: Permit<Right.ReadRecords>
    ) async throws -> PolicySuggestion {
        let sub = try await database.read { view in try choice.user.map { try self.sub(of: $0, in: view) } }
        let seen = Mutex(ObservedUse())
        try await records.begin(RecordedCalls.Choice(choice, sub: sub)).each { sub, call in
            seen.withLock { $0.note(call, of: sub) }
        }
        let use = seen.withLock { $0 }
        let (people, resources, present) = try await database.read { view in
            (
                try self.addresses(of: use.people.keys.sorted() + use.leftOut.sorted(), in: view),
                try self.resources(of: use, in: view), try self.current(in: view).file.bytes
            )
        }
        return try await bench.work {
            Result { try Self.suggestion(use, people, resources, present, choice, hasPrefixes: hasPrefixes) }
        }.get()
    }

    private static func suggestion(
        _ use: ObservedUse,
        _ people: [String: EmailAddress],
        _ resources: [ServerUse.ResourceGrant: [Pattern]],
        _ present: [UInt8],
        _ choice: ReplayChoice,
        hasPrefixes: Bool
    ) throws -> PolicySuggestion {
        var byAddress: [EmailAddress: [JSONText: ServerUse]] = [:]
        for (sub, servers) in use.people { if let person = people[sub] { byAddress[person] = servers } }
        let roles = SuggestedRole.roles(of: byAddress, hasPrefixes: hasPrefixes) { resources[$0] ?? [.everything] }
        let notes = notes(use, people, choice)
        let users = byAddress.count == 1 ? "one person" : "\(byAddress.count) people"
        var policy = SuggestedPolicy(
            roles: roles,
            use: byAddress,
            present: present,
            head: [
                "What was seen to be used from \(choice.since.shortText) to \(choice.until.shortText): "
                    + "\(use.calls) calls on record, by \(users).",
                "People with the same use have one role. Read it before you apply it.",
            ] + notes
        )
        let file = try policy.file()
        return PolicySuggestion(
            choice: choice,
            file: file,
            calls: use.calls,
            people: byAddress.count,
            notes: notes + policy.notes
        )
    }

    private static func notes(
        _ use: ObservedUse,
        _ people: [String: EmailAddress],
        _ choice: ReplayChoice
    ) -> [String] {
        var notes: [String] = []
        if let user = choice.user { notes.append("It is about \(user) alone, and no policy for everybody.") }
        if let server = choice.server { notes.append("It is about the server \(server) alone.") }
        if use.unnamed > 0 {
            notes.append("Calls of names that are recorded as hashes, which nothing here opens: \(use.unnamed).")
        }
        for sub in use.leftOut.sorted() {
            let person = people[sub]?.text ?? sub
            notes.append("\(person) has used more names than can be listed, and is left out: write that part by hand.")
        }
        return notes
    }

    /// The addresses of people with these pseudonyms.
    private func addresses(of subs: [String], in view: some SQLReading) throws -> [String: EmailAddress] {
        var addresses: [String: EmailAddress] = [:]
        for sub in subs {
            addresses[sub] = try people.person(sub: sub, in: view).flatMap { EmailAddress($0.email) }
        }
        return addresses
    }

    /// What the grants name that have opened resources, in the versions that were in force then.
    private func resources(
        of use: ObservedUse,
        in view: some SQLReading
    ) throws -> [ServerUse.ResourceGrant: [Pattern]] {
        let grants = Set(use.people.values.flatMap { $0.values.flatMap(\.resources) })
        var patterns: [ServerUse.ResourceGrant: [Pattern]] = [:]
        for (version, grants) in Dictionary(grouping: grants, by: \.policy) {
            let row = try view.first("SELECT rules FROM policy WHERE version = ?", [.integer(version)])
            // What a release has applied whose rules this one does not know is opened as a whole.
            let rules = row.flatMap { try? PolicyRules(JSONValue(canonical: $0.blob("rules"), limits: .bundle)) }
            for grant in grants {
                patterns[grant] = rules.flatMap { $0.grant(named: grant.rule) }?.items.resources ?? [.everything]
            }
        }
        return patterns
    }
}

extension PolicyRules {
    /// The grant of this name: `roles/dev/grant/0`.
    fileprivate func grant(named name: JSONText?) -> Grant? {
        guard let name else { return nil }
        let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count == 4, let role = roles.first(where: { $0.name.utf8.elementsEqual(parts[1]) }),
            let index = Int(String(decoding: parts[3], as: UTF8.self)), role.grants.indices.contains(index)
        else { return nil }
        return role.grants[index]
    }
}
