package import Policy
package import StrictJSON

/// A policy as people write it: YAML or JSON, people by their e-mail addresses, with the tests that it has to pass.
///
/// Only a valid one exists: the owner of a `PolicyFile` can sign its rules.
package struct PolicyFile: Sendable {
    /// The file, byte by byte.
    package let bytes: [UInt8]
    package let roles: [PolicyRules.Role]
    package let binds: [PolicyBind]
    package let limits: [LimitRule]
    package let tests: [PolicyTest]
    package let mode: PolicyRules.Mode
    /// With people under their addresses.
    let forbids: [PolicyRules.Forbid]
    let requirements: [PolicyRules.Requirement]
    let index: BindIndex

    /// The largest file in bytes.
    package static let largest = 1 << 20
    /// What the rules may take in a bundle, whose envelope needs the rest of its 1 MiB.
    package static let largestRules = JSONLimits.bundle.maxBytes - 1024

    /// The file before any was applied: no rule, so everything is denied.
    package static let empty = PolicyFile(
        bytes: Array("version: 1\n".utf8),
        roles: [],
        binds: [],
        limits: [],
        tests: [],
        mode: .enforce,
        forbids: [],
        requirements: []
    )

    /// Reads a file and runs its tests.
    ///
    /// - Parameter bytes: the file.
    /// - Throws: `PolicyRefusal` with everything that is wrong with it.
    package init(parsing bytes: [UInt8]) throws(PolicyRefusal) {
        try self.init(stored: bytes)
        let problems = failures
        if !problems.isEmpty { throw PolicyRefusal(problems) }
    }

    /// Reads a file that was good when it was stored, and so does not run its tests again.
    ///
    /// - Parameter bytes: the file.
    /// - Throws: `PolicyRefusal` for a file that this release does not take any more.
    package init(stored bytes: [UInt8]) throws(PolicyRefusal) {
        var reading = PolicyReading()
        let parts = try reading.parts(of: bytes)
        self.init(
            bytes: bytes,
            roles: parts.roles,
            binds: parts.binds,
            limits: parts.limits,
            tests: parts.tests,
            mode: parts.mode,
            forbids: parts.forbids,
            requirements: parts.requirements
        )
    }

    private init(
        bytes: [UInt8],
        roles: [PolicyRules.Role],
        binds: [PolicyBind],
        limits: [LimitRule],
        tests: [PolicyTest],
        mode: PolicyRules.Mode,
        forbids: [PolicyRules.Forbid],
        requirements: [PolicyRules.Requirement]
    ) {
        self.bytes = bytes
        self.roles = roles
        self.binds = binds
        self.limits = limits
        self.tests = tests
        self.mode = mode
        self.forbids = forbids
        self.requirements = requirements
        index = BindIndex(binds)
    }

    // MARK: What agents get of it

    /// All people whom a rule names; those whom only a test names are left out.
    package var people: [EmailAddress] {
        var people: Set<EmailAddress> = []
        for case .user(let email) in binds.map(\.who) { people.insert(email) }
        for case let person? in forbids.map(\.scope.person) + requirements.map(\.scope.person) {
            if let email = EmailAddress(person.string) { people.insert(email) }
        }
        return people.sorted { $0.text < $1.text }
    }

    /// The rules as they are signed, with pseudonyms in place of people.
    ///
    /// - Parameter pseudonyms: those of all in `people`; a rule about a person without one would be about no person, so
    ///   it is refused.
    /// - Returns: the rules, as agents read them.
    /// - Throws: `PolicyRefusal`, also if the rules are too large to be sent.
    package func rules(pseudonyms: [EmailAddress: String]) throws(PolicyRefusal) -> PolicyRules {
        func named(_ scope: RuleScope, _ place: String) throws(PolicyRefusal) -> RuleScope {
            guard let person = scope.person else { return scope }
            guard let sub = EmailAddress(person.string).flatMap({ pseudonyms[$0] }) else {
                throw PolicyRefusal([PolicyProblem("\(place)/user", "is somebody without a pseudonym")])
            }
            var scope = scope
            scope.person = JSONText(sub)
            return scope
        }
        var (forbids, requirements) = (forbids, requirements)
        for index in forbids.indices { forbids[index].scope = try named(forbids[index].scope, "forbid/\(index)") }
        for index in requirements.indices {
            requirements[index].scope = try named(requirements[index].scope, "require/\(index)")
        }
        let rules = PolicyRules(
            roles: roles,
            forbids: forbids,
            requirements: requirements,
            limits: limits,
            mode: mode
        )
        // Read back as an agent will read it, so that nothing is signed that no agent takes.
        guard let bytes = try? rules.json.canonicalBytes(), bytes.count <= Self.largestRules,
            let json = try? JSONValue(canonical: bytes, limits: .bundle), (try? PolicyRules(json)) == rules
        else { throw PolicyRefusal([PolicyProblem("", "the rules are too large for a bundle of 1 MiB")]) }
        return rules
    }

    /// Which roles a person has, and through which rules.
    package func memberships(of email: EmailAddress, groups: [JSONText]) -> [Binding.Membership] {
        index.candidates(email).compactMap { index in
            let bind = binds[index]
            guard bind.binds(email, groups: groups) else { return nil }
            return Binding.Membership(role: bind.role, rule: JSONText("bind/\(index)"), clients: bind.clients)
        }
    }
}
