internal import AuditLog
internal import ServiceKit

/// A small file beside the records that says itself whether it is whole: its first line is the hash of the rest.
enum SealedFile {
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
            throw SpoolError(.damaged, "\(path) is damaged: it is not what was written", next: SpoolRecovery.next)
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
}
