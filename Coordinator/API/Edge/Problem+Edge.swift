internal import Contract
internal import StrictJSON

/// What the edge itself refuses, before anything of the domain is asked.
extension Problem {
    static let badTarget = Problem(
        "bad_target",
        status: 400,
        title: "The request's target is no path",
        detail: "The target must be a path of printable ASCII characters with at most one query.",
        next: "Send the path alone in the request line."
    )

    static func badQuery(_ why: String) -> Problem {
        Problem("bad_query", status: 400, title: "The query is refused", detail: "The query \(why).")
    }

    static func badHeader(_ name: String) -> Problem {
        Problem(
            "bad_header",
            status: 400,
            title: "A header is refused",
            detail: "The header \(name) stands more than once, or has no value that can be read."
        )
    }

    static let noSuchPath = Problem(
        "not_found",
        status: 404,
        title: "There is nothing at this path",
        detail: "The coordinator's API has no such path."
    )

    static func otherMethods(_ methods: [String]) -> Problem {
        Problem(
            "method_not_allowed",
            status: 405,
            title: "The path has other methods",
            detail: "This path is used with \(methods.joined(separator: ", "))."
        )
    }

    static func tooLarge(_ limit: Int) -> Problem {
        Problem(
            "too_large",
            status: 413,
            title: "The body is too large",
            detail: limit > 0 ? "This operation takes at most \(limit) bytes." : "This operation takes no body."
        )
    }

    static let badForm = Problem(
        "bad_form",
        status: 400,
        title: "The body is no form that can be read in one way only",
        detail: "A field cannot be decoded, or stands there twice."
    )

    static let codedBody = Problem(
        "unsupported_coding",
        status: 415,
        title: "The body is in a coding that is not taken",
        detail: "A body is read as it is; its Content-Encoding says that it would have to be decoded.",
        next: "Send it without Content-Encoding."
    )

    static let tooBusy = Problem(
        "busy",
        status: 503,
        title: "The coordinator is busy",
        detail: "There are too many large requests at once.",
        next: "Try again in a few seconds.",
        members: ["retry_after": 5]
    )

    static let brokenBody = Problem(
        "broken_body",
        status: 400,
        title: "The body broke off",
        detail: "The connection ended, or rested for too long, before the body was whole."
    )

    static func unauthenticated(_ refusal: SignatureRefusal) -> Problem {
        Problem(
            refusal.rawValue,
            status: 401,
            title: "The request is not taken for whom it says",
            detail: refusal.detail,
            next: refusal == .unsigned ? "Send a signed request, or `Authorization: Bearer` with an API token." : nil
        )
    }

    static let twoProofs = Problem(
        "two_proofs",
        status: 400,
        title: "The request proves itself in two ways",
        detail: "A request is signed, or has one Authorization header, not both."
    )

    static func badDocument(_ error: JSONError) -> Problem {
        Problem(
            error.isAmbiguous ? "ambiguous_json" : "bad_json",
            status: 400,
            title: "The body is no JSON object that can be read in one way only",
            detail: "\(error.description.prefix(1).uppercased())\(error.description.dropFirst())."
        )
    }

    static func unavailable(_ detail: String) -> Problem {
        Problem(
            "unavailable",
            status: 503,
            title: "The coordinator cannot do this now",
            detail: detail,
            next: "Try again in a few seconds."
        )
    }

    static let diskFull = Problem(
        "disk_full",
        status: 503,
        title: "The coordinator's disk is full",
        detail: "No records are taken. What is administered is stored in the reserve, as long as it lasts.",
        next: "Make room on the disk of the data folder.",
        members: ["retry_after": 60]
    )

    static func failed(request id: String) -> Problem {
        Problem(
            "failed",
            status: 500,
            title: "The coordinator failed",
            detail: "The coordinator's log has more under request.id \(id).",
            members: ["request": .text(id)]
        )
    }
}
