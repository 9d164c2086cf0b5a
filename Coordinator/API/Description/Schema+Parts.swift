internal import Contract
internal import Fleet
internal import People
internal import Rights
internal import StrictJSON

// What several documents have in them.
extension Schema {
    static let role = word(Role.self)
    /// An e-mail address as it is taken: narrower than the mail standards, no quoted parts, nothing beyond ASCII.
    static let address = text(
        #"[A-Za-z0-9!#$%&'+/=?^_`{|}~-]{1,32}@([A-Za-z0-9_]([A-Za-z0-9_-]{0,20}[A-Za-z0-9_])?\.){0,3}[A-Za-z0-9_]([A-Za-z0-9_-]{0,20}[A-Za-z0-9_])?"#
    )
    /// A name in a path.
    static let name = text("[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
    static let alias = text("[a-z0-9][a-z0-9-]{0,31}")
    /// A SHA-256 in base64url.
    static let hash = text("[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
    /// One line for those who look at it later.
    static let why = text(#"[^\x00-\x1f\x7f-\x9f]{1,200}"#)
    /// A time in UTC, or how long before now.
    static let moment = text(
        #"-[1-9][0-9]{0,2}(s|min|h|d)|(19[7-9]|20[0-9])[0-9]-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?Z"#
    )
    static let tag = text(#""[!#-~]+""#).about("What goes into If-Match.")

    static let lock = object(["since": time, "why": text.orNull]).named("Lock")

    static let user = object([
        "id": text, "sub": text, "email": text, "role": role.orNull, "created": time, "locked": lock.orNull,
        "etag": tag.optional,
    ]).named("User")

    static let group = object([
        "name": text, "members": array(text), "from_provider": array(text), "etag": tag.optional,
    ]).named("Group")

    static let invitation = object([
        "id": text, "email": text, "role": role, "state": word(InvitationState.self), "created": time, "expires": time,
        "made_by": text, "made_with": text.optional, "agent_id": text.optional, "etag": tag.optional,
    ]).named("Invitation")

    static let token = object([
        "name": text, "user": text, "scopes": array(word(Scope.self)), "created": time, "expires": time,
        "last_used": time.optional, "made_with": text.optional, "etag": tag.optional,
    ]).named("Token")

    static let health = object([
        "alias": text, "state": word(HealthReport.Server.State.self), "since": text.optional, "error": text.optional,
    ]).named("ServerHealth")

    static let agent = object([
        "agent_id": text, "user": text, "key": text, "hostname": text, "custody": text, "version": text,
        "policy_version": count, "enrolled": time, "last_seen": time, "presence": word(AgentSummary.Presence.self),
        "locked": lock.orNull, "user_locked": boolean, "revoked": text.optional, "stored_bytes": count,
        "removed_below": count.optional, "pending_records": count.optional, "clock_ahead_s": integer.optional,
        "servers": array(health).optional, "servers_at": time.optional, "etag": tag.optional,
    ]).named("Agent")

    /// What went away with something.
    static let ended = object([
        "ended": object(["agents": array(text), "tokens": array(text), "invitations": array(text)]),
        "enrolled": array(object(["agent_id": text, "user": text, "enrolled": time])),
        "raised": array(object(["email": text, "role": role])),
    ]).named("Ended")

    /// A leaf of the organisation's log with the hashes of RFC 6962 that prove it.
    static let provenLeaf = object(["leaf": text, "index": count, "proof": array(hash)]).named("ProvenLeaf")

    /// What is wrong in a document, and where.
    static let fieldProblem = object(["where": text, "why": text]).named("FieldProblem")
}
