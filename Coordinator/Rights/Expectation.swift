package import Contract
package import StrictJSON
internal import TransparencyLog

/// What a caller believes to be stored, when it changes that: whoever changes what another has changed meanwhile is told.
package enum Expectation: Sendable, Equatable {
    /// Whatever it is: `If-Match: *`.
    case anything
    /// One of these entity tags, without their quotation marks.
    case oneOf(Set<String>)

    /// Whether what is stored has the tag that is believed.
    package func holds(_ tag: String) -> Bool {
        switch self {
        case .anything: true
        // As bytes; tags are ASCII, and nothing else equals one.
        case .oneOf(let tags): tags.contains { $0.utf8.elementsEqual(tag.utf8) }
        }
    }

    /// Refuses a change of something that is not what was believed; throws a `Refused`, `precondition_failed`.
    package func check(_ tag: String) throws {
        guard holds(tag) else { throw Refused.preconditionFailed }
    }

    /// The entity tag of what this document says, as it is written: one whose members come in another order has another.
    ///
    /// Not of the canonical form, which has no names like `dev.doorward/entry`.
    package static func tag(_ document: JSONValue) throws -> String {
        String(Hash.of(document.bytes).base64URL.prefix(22))
    }
}

extension Refused {
    /// Something is replaced only by a caller that says which state of it it has seen.
    package static let preconditionRequired = Refused(
        "precondition_required",
        "This is replaced only by whoever has seen what there is now.",
        next: "Get it, and send its ETag as If-Match."
    )

    /// It is not what the caller has seen.
    package static let preconditionFailed = Refused(
        "precondition_failed",
        "It is not what this was to replace: somebody has changed it.",
        next: "Get it again, look at what has changed, and send yours with its ETag, quotation marks included."
    )
}
