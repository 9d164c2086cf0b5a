/// What this release of both programs calls itself.
package enum Release {
    /// As in a changelog: MAJOR.MINOR.PATCH.
    package static let version = "0.1.0"
}
