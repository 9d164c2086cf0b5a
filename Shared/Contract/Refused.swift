internal import Errors
package import StrictJSON

/// What the domain of the coordinator refuses, and why; the edge of the API makes a `Problem` of it.
///
/// Nothing here knows of HTTP: the same code has the same status and title wherever it is thrown, and one table at the
/// edge has them.
package struct Refused: ExplainedError, Equatable {
    /// Ends the problem's type; scripts go by it.
    package let code: String
    package let message: String
    package let next: String?
    /// Further members of the problem.
    package let members: JSONObject

    package init(_ code: String, _ message: String, next: String? = nil, members: JSONObject = JSONObject()) {
        self.code = code
        self.message = message
        self.next = next
        self.members = members
    }

    /// A document that a client sent does not have its form; `problems` names the member.
    ///
    /// - Parameters:
    ///   - error: what is wrong, and where.
    ///   - code: `invalid_request`, or that of the document, such as `invalid_entry`.
    /// - Returns: the refusal, with what to mend.
    package static func malformed(_ error: ShapeError, code: String) -> Refused {
        Refused(
            code,
            error.description,
            next: "Mend \(error.place.isEmpty ? "it" : error.place) and send it again.",
            members: ["problems": .array([FieldProblem(error.place, error.why).json])]
        )
    }
}
