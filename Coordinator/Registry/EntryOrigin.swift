/// What an entry was made of.
struct EntryOrigin {
    /// The source of the proposal; empty for what administrators write or bring in.
    var source = ""
    /// What was chosen when a proposal was signed off, so that its next version can be taken in the same way.
    var choice: EntryChoice?
}
