internal import StrictJSON
internal import StrictYAML

/// One thing that is wrong with a policy file, and where.
package struct PolicyProblem: Hashable, Sendable, CustomStringConvertible {
    /// The path of the member, `roles/dev/grant/0`; `line:column` for what cannot be read at all; empty for the file as
    /// a whole.
    package let place: String
    /// What is wrong.
    package let why: String

    init(_ place: String, _ why: String) {
        self.place = place
        self.why = why
    }

    init(_ error: ShapeError) { self.init(error.place, error.why) }

    init(_ error: YAMLError) { self.init(error.place, error.why) }

    package var description: String { place.isEmpty ? why : "\(place): \(why)" }
}

/// Why a policy file cannot be applied: everything that is wrong with it, as far as it could be read.
package struct PolicyRefusal: Error, Hashable, Sendable {
    package let problems: [PolicyProblem]

    /// A file can be wrong in more places than anybody will read.
    static let most = 50

    init(_ problems: [PolicyProblem]) {
        self.problems = Array(problems.prefix(Self.most))
    }
}
