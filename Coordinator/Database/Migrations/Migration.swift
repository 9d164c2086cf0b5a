/// One step of the schema.
///
/// Steps are only ever added at the end, never changed: databases outlive the code.
package struct Migration: Sendable {
    /// Stored in the database once the step was taken.
    package let name: String
    /// The statements of the step; they run in one transaction.
    package let sql: String

    /// A step of the given name.
    package init(name: String, sql: String) {
        self.name = name
        self.sql = sql
    }

    /// All steps, oldest first.
    package static let all: [Migration] = [
        .people,
        .registry,
        .policy,
        .audit,
        .tokenFamilies,
        .madeWith,
        .epochs,
        .storage,
        .search,
        .tools,
        .health,
        .policyHistory,
        .sessions,
        .measures,
        .proposals,
        .changes,
        .repetition,
        .locks,
        .groups,
        .versions,
        .upstreams,
        .identities,
        .sights,
        .enrolmentCodes,
        .lastSignIn,
        .identityAge,
        .identityNews,
    ]
}
