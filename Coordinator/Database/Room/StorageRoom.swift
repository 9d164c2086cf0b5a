/// How much room the coordinator has for what it stores.
package enum StorageRoom: Sendable, Equatable {
    /// Everything is taken.
    case ample
    /// The file system has less free than is to be kept: no records are taken, everything else is.
    case scarce(free: Int)
    /// The file system is full: what is stored is stored in the reserve.
    case full
}
