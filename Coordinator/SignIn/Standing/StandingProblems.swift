internal import Contract

extension Refused {
    static let wasRemoved = Refused(
        "not_admitted",
        "An administrator has removed you here.",
        next: "Ask an administrator to invite you again: doorward admin invite EMAIL"
    )

    static func notInvited(_ email: String) -> Refused {
        Refused(
            "not_admitted",
            "Nobody has invited \(email), and none of your groups opens this coordinator.",
            next: "Ask an administrator to invite you: doorward admin invite \(email)"
        )
    }

    static func otherIdentity(_ email: String) -> Refused {
        Refused(
            "not_admitted",
            "\(email) belongs to another account of the identity provider here.",
            next: "An administrator looks whose it is, removes that person where it has gone, and invites you."
        )
    }

    static func addressTaken(_ email: String) -> Refused {
        Refused(
            "not_admitted",
            "Your address is \(email) at the identity provider now, and somebody else is known by it here.",
            next: "An administrator looks whose it is, and removes that person where it has gone."
        )
    }
}
