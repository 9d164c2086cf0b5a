/// What is known of the arguments of a call when it is asked whether it may be made.
package enum CallArguments {
    /// There are none: every condition misses its value.
    case none
    /// One JSON value that only one reading has.
    case json(UnsafeBufferPointer<UInt8>)
    /// It is not about one call, but about whether any would be open: what lists show, what goes on of a call that was
    /// judged when it began.
    case any
}

/// A condition on the arguments of a call that was judged, and what came of it.
package struct JudgedCondition: Hashable, Sendable {
    package let predicate: ArgumentPredicate
    package let truth: Truth
}
