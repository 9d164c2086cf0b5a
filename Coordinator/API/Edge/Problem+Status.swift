package import Contract
internal import StrictJSON

extension Problem {
    /// What the domain refuses, with the status and the title that its code has.
    ///
    /// A code without a row would be answered with 500: a test looks for one for each code of the domain.
    package init(_ refused: Refused) {
        let (status, title) = Self.forms[refused.code] ?? (500, "The coordinator failed")
        self.init(
            refused.code,
            status: status,
            title: title,
            detail: refused.message,
            next: refused.next,
            members: refused.members
        )
    }

    private static let forms: [String: (status: Int, title: String)] = [
        "alias_taken": (409, "There is a server of this alias"),
        "bad_checkpoint": (403, "The checkpoint is not this agent's"),
        "bad_record": (422, "A record does not have the form of one"),
        "bad_token": (401, "The token opens nothing"),
        "browser_needed": (403, "This is for browsers"),
        "csrf": (403, "The request does not come from a page of this session"),
        "import_refused": (422, "The import is refused, and nothing was taken in"),
        "invalid_entry": (422, "The registry entry is refused"),
        "invalid_health": (422, "The report is refused"),
        "invalid_reason": (422, "The reason is refused"),
        "invalid_request": (422, "The request is refused"),
        "invalid_tools": (422, "The report is refused"),
        "invitation_spent": (409, "The invitation was used"),
        "key_enrolled": (409, "This key is enrolled already"),
        "last_owner": (409, "There would be no owner"),
        "link_spent": (410, "The link opens nothing"),
        "log_conflict": (409, "The upload does not begin where the stored log ends"),
        "log_forked": (423, "This agent's log contradicts what it signed before"),
        "log_in_use": (409, "The machine still writes this log"),
        "machine_needed": (403, "This is for machines"),
        "malformed_upload": (400, "This is not a stretch of an agent's log"),
        "name_taken": (409, "There is a token of this name"),
        "no_room": (507, "The coordinator has no room for this"),
        "not_in_catalog": (404, "There is no such server"),
        "not_invited": (409, "This person has not come yet"),
        "nothing_stored": (409, "There is nothing to remove"),
        "other_entry": (409, "The server is another one now"),
        "other_origin": (403, "The request comes from another site"),
        "policy_refused": (422, "The policy is refused, and nothing was changed"),
        "precondition_failed": (412, "It has been changed"),
        "precondition_required": (428, "Say which state you mean to replace"),
        "proposal_withdrawn": (409, "The proposal was withdrawn"),
        "proposals_full": (409, "There are too many proposals"),
        "records_removed": (410, "These records were removed"),
        "registry_full": (409, "The registry is full"),
        "replay_busy": (503, "Other simulations are under way"),
        "replay_too_long": (413, "There are too many calls on record"),
        "report_busy": (503, "Other reports are under way"),
        "report_too_large": (413, "The report would be too large"),
        "revoked_key": (401, "The request is not taken for whom it says"),
        "role_needed": (403, "Your role does not allow this"),
        "scope_needed": (403, "The token does not open this"),
        "session_ended": (401, "The browser is not signed in"),
        "several_definitions": (409, "Several definitions wait"),
        "sign_in_again": (403, "This needs a recent sign-in"),
        "sign_in_pace": (429, "There were too many sign-ins"),
        "suggestion_too_large": (413, "What was used does not fit into one policy"),
        "token_spent": (401, "The token opens nothing"),
        "too_many": (409, "There are too many of them"),
        "too_many_requests": (429, "These are too many requests"),
        "tools_full": (409, "There are too many definitions of tools"),
        "unknown_agent": (404, "There is no such machine"),
        "unknown_invitation": (404, "There is no such invitation"),
        "unknown_key": (401, "This machine may not speak for this log"),
        "unknown_proposal": (404, "There is no such proposal"),
        "unknown_server": (404, "There is no such server"),
        "unknown_server_version": (404, "There was no such version"),
        "unknown_token": (404, "There is no such token"),
        "unknown_tool": (404, "No machine was shown this tool"),
        "unknown_user": (404, "There is no such person"),
        "unknown_version": (404, "There was no such policy"),
        "unknown_upstream": (404, "There is no such registry"),
        "upload_pace": (429, "This machine uploads faster than its records are taken"),
        "upload_quota": (507, "This machine has used up its room at the coordinator"),
        "upstream_failed": (502, "The registry cannot be read"),
        "which_owner": (409, "There are several owners"),
    ]
}
