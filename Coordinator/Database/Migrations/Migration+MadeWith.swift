extension Migration {
    /// What a machine or a token has made, so that it can end with it; and what was taken away.
    static let madeWith = Migration(
        name: "0006-made-with",
        sql: """
            -- `machine` is the one that made it, itself or by a token that it made; what is made with a token has the
            -- token's machine. So all that goes back to a machine is found, though the tokens between are gone.
            ALTER TABLE token ADD COLUMN machine TEXT REFERENCES agent (agent_id);
            CREATE INDEX token_of_machine ON token (machine) WHERE machine IS NOT NULL;
            CREATE INDEX token_of_person ON token (sub);

            ALTER TABLE invitation ADD COLUMN machine TEXT REFERENCES agent (agent_id);
            -- No reference: an invitation that was used stays when the token is gone.
            ALTER TABLE invitation ADD COLUMN token TEXT;
            ALTER TABLE invitation ADD COLUMN ended_at INTEGER CHECK (ended_at IS NULL OR spent_at IS NULL);
            CREATE INDEX invitation_of_machine ON invitation (machine) WHERE machine IS NOT NULL;
            CREATE INDEX invitation_of_token ON invitation (token) WHERE token IS NOT NULL;
            CREATE INDEX invitation_by_person ON invitation (created_by) WHERE created_by IS NOT NULL;
            CREATE INDEX invitation_for ON invitation (email);

            -- Somebody who was removed keeps his pseudonym, which stands in records, and has no role.
            ALTER TABLE person ADD COLUMN removed_at INTEGER CHECK (removed_at IS NULL OR role IS NULL);
            -- Who gave him his role, and with which machine or token; no references, as these may be gone.
            ALTER TABLE person ADD COLUMN role_by TEXT;
            ALTER TABLE person ADD COLUMN role_machine TEXT;
            ALTER TABLE person ADD COLUMN role_token TEXT;
            """
    )
}
