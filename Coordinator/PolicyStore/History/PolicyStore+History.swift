internal import Contract
package import Database
internal import PolicyFile
package import Rights
internal import ServiceKit

extension PolicyStore {
    /// The policies that were put into force, from the newest on.
    package func history(_ page: PageRequest, for _: Permit<Right.ReadPolicy>) async throws -> Page<PolicyVersion> {
        try await database.read { view in
            try PolicyVersion.listing.page(page, in: view) { row in try PolicyVersion(row) }
        }
    }

    /// One of the policies that were put into force; throws `Refused`, `unknown_version`.
    package func version(_ version: Int, for _: Permit<Right.ReadPolicy>) async throws -> PolicyVersion {
        try await stored(version)
    }

    private func stored(_ version: Int) async throws -> PolicyVersion {
        let row = try await database.read { view in
            try view.first("\(PolicyVersion.query) WHERE version = ?", [.integer(version)])
        }
        guard let row else { throw Refused.unknownVersion(version) }
        return try PolicyVersion(row)
    }

    /// What differs between two of them, line by line; empty where nothing does.
    ///
    /// - Parameters:
    ///   - old: a version; 0 is the empty file before any was applied.
    ///   - new: another.
    ///   - permit: who asks.
    /// - Returns: the lines.
    /// - Throws: `Refused`, `unknown_version`.
    package func difference(from old: Int, to new: Int, for permit: Permit<Right.ReadPolicy>) async throws -> String {
        let files = (try await file(old), try await file(new))
        return await bench.work { LineDiff.text(from: files.0, to: files.1) }
    }

    /// What differs between the policy in force and a draft, with the version that is in force.
    package func difference(
        to draft: [UInt8],
        for _: Permit<Right.CheckPolicy>
    ) async throws -> (version: Int, text: String) {
        let present = try await current()
        return await bench.work { (present.version, LineDiff.text(from: present.file.bytes, to: draft)) }
    }

    private func file(_ version: Int) async throws -> [UInt8] {
        version == 0 ? PolicyFile.empty.bytes : try await stored(version).file
    }

    /// Puts the file of an earlier version in force again, as a new version: with all checks, since what the release takes
    /// as a policy, and what its tests say, may have changed since.
    ///
    /// - Parameters:
    ///   - version: whose file.
    ///   - expectation: what is believed to be in force.
    ///   - reason: why, in the caller's words.
    ///   - permit: the person who does it.
    /// - Returns: the policy with its new version.
    /// - Throws: as `apply`, and `Refused`, `unknown_version`.
    package func rollBack(
        to version: Int,
        expecting expectation: Expectation?,
        why reason: ChangeReason?,
        by permit: Permit<Right.EditPolicy>
    ) async throws -> AppliedPolicy {
        let file = try await stored(version).file
        return try await put(file, expecting: expectation, why: reason, rolledBackTo: version, by: permit)
    }
}

extension Refused {
    static func unknownVersion(_ version: Int) -> Refused {
        Refused(
            "unknown_version",
            "No policy of version \(version) was ever in force.",
            next: "Run `doorward admin policy history` to see which there are."
        )
    }
}
