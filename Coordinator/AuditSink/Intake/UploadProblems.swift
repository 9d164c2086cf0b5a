package import Contract
internal import StrictJSON

extension Refused {
    /// The body is not an upload, or its parts contradict each other.
    static func malformedUpload(_ detail: String) -> Refused {
        Refused(
            "malformed_upload",
            detail,
            next: "Update the agent."
        )
    }

    /// The checkpoint is not one that this agent's key has signed for this agent's log.
    static let foreignCheckpoint = Refused(
        "bad_checkpoint",
        "The checkpoint is not signed by the key that this machine enrolled with, or it is of another log.",
        next: "Enrol this machine again with `doorward login`."
    )

    /// A record that no verifier would take.
    ///
    /// It is not stored: a report with it could not be verified. The agent keeps it, as it does everything that was not
    /// countersigned.
    static func badRecord(_ number: Int, _ why: String) -> Refused {
        Refused(
            "bad_record",
            "Record \(number): \(why).",
            next: "Update the coordinator; if it is newer than the agent, update the agent.",
            members: ["record": .int(number)]
        )
    }

    /// The upload does not begin where the stored log ends.
    static func conflict(size: Int) -> Refused {
        Refused(
            "log_conflict",
            "\(size) records of this agent are stored.",
            members: ["size": .int(size)]
        )
    }

    /// The agent has signed two logs that contradict each other; nothing more is taken from it.
    static let forked = Refused(
        "log_forked",
        "Both statements are kept as evidence, and nothing more is taken from this agent: its folder was copied, "
            + "or restored from a backup while the coordinator was away.",
        next: "Ask an administrator to look at the evidence, then enrol this machine anew with `doorward login`."
    )

    /// The disk is too full for records; what there is of administration goes on.
    package static let noRoom = Refused(
        "no_room",
        "The coordinator's disk is nearly full, so nothing of this was stored. An agent keeps its records and "
            + "sends them again later.",
        next: "Ask the coordinator's administrator to make room on its disk.",
        members: ["retry_after": 60]
    )

    /// The machine uploads faster than is taken of one.
    static func uploadPace(_ limit: Int, seconds: Int) -> Refused {
        Refused(
            "upload_pace",
            "The coordinator takes \(limit >> 20) MiB a minute of each machine. Nothing of this was stored, "
                + "and it can be sent again in \(seconds) s.",
            members: ["retry_after": .int(seconds)]
        )
    }

    /// As much is stored of the machine as may be.
    static func uploadQuota(_ limit: Int, stored: Int) -> Refused {
        Refused(
            "upload_quota",
            "The coordinator stores \(stored >> 20) MiB of this machine's records and keeps at most "
                + "\(limit >> 20) MiB. The machine keeps its records until there is room.",
            next: "Ask an administrator: `doorward admin agents list` shows what each machine has stored.",
            members: ["retry_after": 300, "stored": .int(stored), "quota": .int(limit)]
        )
    }

    /// The agent's key was never one that is enrolled.
    static let unknownKey = Refused(
        SignatureRefusal.unknownKey.rawValue,
        SignatureRefusal.unknownKey.detail,
        next: "Enrol this machine again with `doorward login`."
    )
}
