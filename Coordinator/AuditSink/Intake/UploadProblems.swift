package import Contract
internal import StrictJSON

extension Problem {
    /// The body is not an upload, or its parts contradict each other.
    static func malformedUpload(_ detail: String) -> Problem {
        Problem(
            "malformed_upload",
            status: 400,
            title: "This is not a stretch of an agent's log",
            detail: detail,
            next: "Update the agent."
        )
    }

    /// The checkpoint is not one that this agent's key has signed for this agent's log.
    static let foreignCheckpoint = Problem(
        "bad_checkpoint",
        status: 403,
        title: "The checkpoint is not this agent's",
        detail: "The checkpoint is not signed by the key that this machine enrolled with, or it is of another log.",
        next: "Enrol this machine again with `doorward login`."
    )

    /// A record that no verifier would take.
    ///
    /// It is not stored: a report with it could not be verified. The agent keeps it, as it does everything that was not
    /// countersigned.
    static func badRecord(_ number: Int, _ why: String) -> Problem {
        Problem(
            "bad_record",
            status: 422,
            title: "A record does not have the form of one",
            detail: "Record \(number): \(why).",
            next: "Update the coordinator; if it is newer than the agent, update the agent.",
            members: ["record": .int(number)]
        )
    }

    /// The upload does not begin where the stored log ends.
    static func conflict(size: Int) -> Problem {
        Problem(
            "log_conflict",
            status: 409,
            title: "The upload does not begin where the stored log ends",
            detail: "\(size) records of this agent are stored.",
            members: ["size": .int(size)]
        )
    }

    /// The agent has signed two logs that contradict each other; nothing more is taken from it.
    static let forked = Problem(
        "log_forked",
        status: 423,
        title: "This agent's log contradicts what it signed before",
        detail:
            "Both statements are kept as evidence, and nothing more is taken from this agent: its folder was copied, "
            + "or restored from a backup while the coordinator was away.",
        next: "Ask an administrator to look at the evidence, then enrol this machine anew with `doorward login`."
    )

    /// The disk is too full for records; what there is of administration goes on.
    package static let noRoom = Problem(
        "no_room",
        status: 507,
        title: "The coordinator has no room for this",
        detail: "The coordinator's disk is nearly full, so nothing of this was stored. An agent keeps its records and "
            + "sends them again later.",
        next: "Ask the coordinator's administrator to make room on its disk.",
        members: ["retry_after": 60]
    )

    /// The machine uploads faster than is taken of one.
    static func uploadPace(_ limit: Int, seconds: Int) -> Problem {
        Problem(
            "upload_pace",
            status: 429,
            title: "This machine uploads faster than its records are taken",
            detail: "The coordinator takes \(limit >> 20) MiB a minute of each machine. Nothing of this was stored, "
                + "and it can be sent again in \(seconds) s.",
            members: ["retry_after": .int(seconds)]
        )
    }

    /// As much is stored of the machine as may be.
    static func uploadQuota(_ limit: Int, stored: Int) -> Problem {
        Problem(
            "upload_quota",
            status: 507,
            title: "This machine has used up its room at the coordinator",
            detail: "The coordinator stores \(stored >> 20) MiB of this machine's records and keeps at most "
                + "\(limit >> 20) MiB. The machine keeps its records until there is room.",
            next: "Ask an administrator: `doorward admin agents list` shows what each machine has stored.",
            members: ["retry_after": 300, "stored": .int(stored), "quota": .int(limit)]
        )
    }

    /// The agent's key is no longer, or was never, one that is enrolled.
    static func refused(_ refusal: SignatureRefusal) -> Problem {
        Problem(
            refusal.rawValue,
            status: 401,
            title: "This machine may not speak for this log",
            detail: refusal.detail,
            next: "Enrol this machine again with `doorward login`."
        )
    }
}
