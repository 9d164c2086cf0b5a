/// What is stored in one transaction with whatever a task changes: that its request was acted on.
///
/// Travels with the task, as its lane does; the domain does not know that the request may come again.
package struct Companion: Sendable {
    /// Makes the change; throws to take back the one that it comes with.
    ///
    /// May be asked more than once.
    let change: @Sendable (SQLTransaction) throws -> Void

    /// A change beside others.
    package init(_ change: @escaping @Sendable (SQLTransaction) throws -> Void) { self.change = change }

    /// The companion of what this task changes.
    @TaskLocal package static var current: Companion?
}
