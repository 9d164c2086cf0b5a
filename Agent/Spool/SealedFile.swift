internal import Errors
internal import Glibc
internal import ServiceKit
internal import TransparencyLog

/// A small file beside the records that says itself whether it is whole: its first line is the hash of the rest.
enum SealedFile {
    private static let chunk = 256 << 10

    /// The contents; nil if there is no such file.
    static func read(_ name: String, in folder: SpoolFolder, maxBytes: Int) throws(SpoolError) -> [UInt8]? {
        let path = folder.path(name)
        let bytes: [UInt8]?
        do {
            bytes = try DurableFile.read(path, maxBytes: maxBytes)
        } catch {
            throw SpoolError(file: error)
        }
        guard let bytes else { return nil }
        let seal = bytes.prefix { $0 != UInt8(ascii: "\n") }
        let contents = Array(bytes.dropFirst(seal.count + 1))
        guard seal.elementsEqual(Hash.of(contents).base64URL.utf8), bytes.count > seal.count else {
            throw damage(name, folder)
        }
        return contents
    }

    /// Replaces the file; it is durable on return.
    static func write(_ contents: [UInt8], _ name: String, in folder: SpoolFolder) throws(SpoolError) {
        do {
            let seal = Array("\(Hash.of(contents).base64URL)\n".utf8)
            try DurableFile.write(seal + contents, to: folder.path(name))
        } catch {
            throw SpoolError(file: error)
        }
    }

    // MARK: Files of any length

    /// Reads the lines of the contents one after the other, however many there are.
    ///
    /// - Parameters:
    ///   - name: The name of the file.
    ///   - folder: Where it is.
    ///   - body: Takes a line. What it was given is void if this throws: the seal is known to be right only behind the
    ///     last one.
    /// - Returns: Whether there is such a file.
    /// - Throws: `.damaged` if it is not what was written, `.file`.
    static func readLines(
        _ name: String,
        in folder: SpoolFolder,
        _ body: (ArraySlice<UInt8>) -> Void
    ) throws(SpoolError) -> Bool {
        guard try folder.size(name) != nil else { return false }
        let file = OpenFile(try folder.open(name, O_RDONLY))
        var seal: [UInt8]?
        var hash = RunningHash()
        var offset = 0
        while true {
            let bytes = try folder.read(file.number, from: offset, to: offset + chunk, name: name)
            var lines = LineReader(bytes)
            if seal == nil { seal = lines.next().map(Array.init) }
            let start = lines.offset
            while let line = lines.next() { body(line) }
            let isLast = bytes.count < chunk
            hash.update(isLast ? bytes[start...] : bytes[start..<lines.offset])
            offset += lines.offset
            guard !isLast else { break }
            guard lines.offset > 0 else { throw damage(name, folder) }
        }
        guard let seal, seal.elementsEqual(hash.value.base64URL.utf8) else { throw damage(name, folder) }
        return true
    }

    /// Replaces the file by lines of which only a few are in memory at a time; it is durable on return.
    ///
    /// - Parameters:
    ///   - name: The name of the file.
    ///   - folder: Where it is.
    ///   - lines: Shows each line in turn; it is called twice and must show the same.
    /// - Throws: `.file`; then the old file is as it was.
    static func writeLines(
        _ name: String,
        in folder: SpoolFolder,
        _ lines: ((ArraySlice<UInt8>) -> Void) -> Void
    ) throws(SpoolError) {
        var hash = RunningHash()
        lines { line in
            hash.update(line)
            hash.update(CollectionOfOne(UInt8(ascii: "\n")))
        }
        let part = "\(name).part"
        let file = OpenFile(try folder.open(part, O_WRONLY | O_CREAT | O_TRUNC))
        var error: SpoolError?
        var waiting = Array("\(hash.value.base64URL)\n".utf8)
        func write() {
            guard error == nil else { return }
            error = folder.write(waiting, to: file.number, name: part)
            waiting.removeAll(keepingCapacity: true)
        }
        lines { line in
            waiting += line
            waiting.append(UInt8(ascii: "\n"))
            if waiting.count >= chunk { write() }
        }
        write()
        if error == nil, fsync(file.number) != 0 { error = folder.failure("cannot be written", folder.path(part)) }
        if let error {
            try folder.remove(part)
            throw error
        }
        try folder.rename(part, to: name)
        try folder.sync()
    }

    private static func damage(_ name: String, _ folder: SpoolFolder) -> SpoolError {
        SpoolError(
            .damaged,
            "\(folder.path(name)) is damaged: it is not what was written",
            next: SpoolRecovery.next
        )
    }
}
