/// Which changes the one writer takes first, and which it goes on taking where room is short.
package enum WriteLane: Int, CaseIterable, Sendable {
    /// Of administrators, and of the coordinator itself where it makes room: always taken.
    case governing
    /// Of all other callers: taken until the reserve nears its end.
    case ordinary
    /// The records that machines upload: refused as soon as the file system has less free than is to be kept.
    case records

    /// The lane of what this task changes, where the change itself names none.
    ///
    /// Travels with the task as its priority does: the edge knows who asks, the domain does not ask whose turn it is.
    @TaskLocal package static var current = WriteLane.ordinary
}
