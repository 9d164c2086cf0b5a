internal import GRDB

extension SQLDatabase {
    /// How much room there is, as it was found last.
    package var room: StorageRoom { reserve?.room ?? .ample }

    /// Looks how much room there is; once a second is often enough, since each change looks too.
    package func lookForRoom() async throws {
        try await write(lane: .governing) { _ in }
    }

    /// Finds out whether changes can be stored: from the last one, and if that could not be, by trying one.
    ///
    /// - Throws: `SQLError` while they cannot.
    package func checkWriting() async throws {
        guard reserve?.failure != nil else { return }
        try await write(lane: .governing) { transaction in
            try transaction.execute("UPDATE storage_probe SET count = count + 1")
        }
    }

    /// Gives some of the pages that hold nothing back to the file system.
    ///
    /// - Parameter pages: how many at most: the writer is busy for as long as it takes.
    /// - Returns: whether there are more.
    /// - Throws: `SQLError`.
    package func giveBack(atMost pages: Int = 1024) async throws -> Bool {
        let keep = reserve?.pagesToKeep ?? 0
        let free = try await read { view in try view.first("PRAGMA freelist_count")?.integer("freelist_count") ?? 0 }
        guard free > keep else { return false }
        let count = min(pages, free - keep)
        let left = try await write(lane: .governing) { transaction in
            try transaction.execute("PRAGMA incremental_vacuum(\(count))")
            return try transaction.first("PRAGMA freelist_count")?.integer("freelist_count") ?? 0
        }
        // A file of an earlier release keeps its pages, for what is stored next.
        return left < free && left > keep
    }
}
