internal import AuditSink
internal import Bytes
internal import ServiceKit

/// The part of a page on which a machine or a person is locked, and unlocked.
enum LockSection {
    /// - Parameters:
    ///   - visit: Who looks.
    ///   - lock: The one that is on.
    ///   - what: `machine` or `person`.
    ///   - path: The page's own; what its forms post to is below it.
    /// - Returns: the part.
    static func make(_ visit: Visit, _ lock: Lock?, what: String, path: String) -> Section {
        var section = Section("lock", "Lock", about: "Takes nothing away, and can be taken off")
        if let lock {
            section.facts = Facts([
                ("Locked", .moment(lock.since.seconds)),
                (
                    "Why",
                    Cell(
                        lock.why.map { VisibleText.of($0) }
                            ?? (lock.isLapse ? "The identity provider names the person no more" : "Nothing was said")
                    )
                ),
            ])
            section.form = FormView(action: "\(path)/unlock", csrf: visit.csrf, submit: "Take the lock off")
        } else {
            section.form = FormView(
                action: "\(path)/lock",
                csrf: visit.csrf,
                fields: [.text("why", "Why", hint: "For those who look at it later.", in: visit.form)],
                submit: "Lock this \(what)",
                isDanger: true
            )
        }
        return section
    }
}
