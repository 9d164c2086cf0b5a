internal import Contract
internal import StrictJSON

extension Refused {
    static let otherOrigin = Refused(
        "other_origin",
        "A browser asked for this from a page of another origin, or by another name of the coordinator.",
        next: "Open the coordinator at its own URL, and do it there."
    )

    static let notOurForm = Refused(
        "csrf",
        "The request lacks the proof that it comes from a page of this session.",
        next: "Load the page again, and send the form once more."
    )

    /// The link was used, has expired, or is none of this coordinator's: the answer does not say which of them.
    static let linkSpent = Refused(
        "link_spent",
        "The sign-in link was used before, has expired, or is none of this coordinator's.",
        next: "Make a new one: doorward-coordinator sign-in-link --data DIR, or doorward admin console"
    )

    static let signInPace = Refused(
        "sign_in_pace",
        "There were too many sign-ins from this address, or of this person.",
        next: "Wait a minute, then sign in.",
        members: ["retry_after": 60]
    )
}
