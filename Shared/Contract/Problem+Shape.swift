package import StrictJSON

extension Problem {
    /// A document that a client sent does not have its form; `problems` names the member.
    ///
    /// - Parameters:
    ///   - error: what is wrong, and where.
    ///   - code: the problem's code, such as `invalid_entry`.
    ///   - what: what the document is, as the subject of a sentence: "The registry entry".
    /// - Returns: the problem, with status 422.
    package static func malformed(_ error: ShapeError, code: String, what: String) -> Problem {
        Problem(
            code,
            status: 422,
            title: "\(what) is refused",
            detail: error.description,
            next: "Mend \(error.place.isEmpty ? "it" : error.place) and send it again.",
            members: ["problems": .array([FieldProblem(error.place, error.why).json])]
        )
    }
}
