package import Database
package import Policy
internal import Rights

extension People {
    /// The person of this address, as an owner by the word of the coordinator itself.
    package func makeOwner(_ email: EmailAddress, in transaction: SQLTransaction) throws -> Person {
        try raise(
            try known(email, in: transaction),
            to: .owner,
            by: "coordinator",
            from: Origin(),
            in: transaction
        )
    }
}
