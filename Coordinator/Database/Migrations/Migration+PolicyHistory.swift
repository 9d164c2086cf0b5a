extension Migration {
    /// Why a policy was applied.
    static let policyHistory = Migration(
        name: "0012-policy-history",
        sql: """
            -- In the words of the person who applied it; its digest is in the organisation's log.
            ALTER TABLE policy ADD COLUMN why TEXT;
            -- The version whose file was put into force again.
            ALTER TABLE policy ADD COLUMN rolled_back_to INTEGER REFERENCES policy (version);
            """
    )
}
