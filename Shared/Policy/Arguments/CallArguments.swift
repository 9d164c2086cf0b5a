/// What is known of the arguments of a call when it is asked whether it may be made.
package enum CallArguments {
    /// There are none: every condition misses its value.
    case none
    /// One JSON value that only one reading has.
    case json(UnsafeBufferPointer<UInt8>)
    /// It is not about one call, but about whether any would be open: what lists show, what goes on of a call that was
    /// judged when it began.
    case any
    /// Of a call that was made there is only what came of these conditions. Any other leaves the call open, where `isOpen`,
    /// and otherwise closes it: where both decide alike, it makes no difference.
    case judged(UnsafeBufferPointer<JudgedCondition>, isOpen: Bool)
}

/// A condition on the arguments of a call that was judged, and what came of it.
package struct JudgedCondition: Hashable, Sendable {
    package let predicate: ArgumentPredicate
    package let truth: Truth

    package init(predicate: ArgumentPredicate, truth: Truth) {
        self.predicate = predicate
        self.truth = truth
    }
}
