/// Reads the archives that the coordinator makes of reports: tar (POSIX.1-1988) in a gzip stream (RFC 1952) of stored
/// blocks.
///
/// Nothing of it is trusted: what a report says is checked by `doorward verify`, and what it is called must stay inside of
/// the folder that it is written to.
enum Archive {
    struct File {
        /// Below the report's folder: no `..`, no root.
        let path: String
        let bytes: [UInt8]
    }

    static func files(in archive: [UInt8]) throws -> [File] {
        let files = try entries(try stored(archive[...]))
        // The coordinator packs the folder under a name; the report is what stands beside the records.
        let root = files.first { $0.path == "records.jsonl" || $0.path.hasSuffix("/records.jsonl") }
        guard let root else { throw malformed }
        let prefix = String(root.path.dropLast("records.jsonl".count))
        return try files.map { file in
            guard file.path.hasPrefix(prefix) else { throw malformed }
            return File(path: String(file.path.dropFirst(prefix.count)), bytes: file.bytes)
        }
    }

    private static var malformed: CommandFailure {
        CommandFailure(
            "bad_archive",
            "The coordinator's archive cannot be read by this release.",
            next: "Pull it with curl from /v1/reports and unpack it with tar."
        )
    }

    /// The content of stored blocks.
    private static func stored(_ stream: ArraySlice<UInt8>) throws -> [UInt8] {
        // No name, comment or extra field stands in the header.
        guard stream.starts(with: [0x1F, 0x8B, 8, 0]), stream.count > 10 else { throw malformed }
        var rest = stream.dropFirst(10)
        var content: [UInt8] = []
        content.reserveCapacity(stream.count)
        while let kind = rest.popFirst() {
            guard kind <= 1, rest.count >= 4 else { throw malformed }
            let head = Array(rest.prefix(4))
            let length = Int(head[0]) | Int(head[1]) << 8
            let check = Int(head[2]) | Int(head[3]) << 8
            rest = rest.dropFirst(4)
            guard check == length ^ 0xFFFF, rest.count >= length else { throw malformed }
            content += rest.prefix(length)
            rest = rest.dropFirst(length)
            // What follows the last block is a checksum against accidents; the report has hashes of its own.
            if kind == 1 { return content }
        }
        throw malformed
    }

    private static func entries(_ tar: [UInt8]) throws -> [File] {
        var files: [File] = []
        var offset = 0
        while offset + 512 <= tar.count, tar[offset] != 0 {
            let name = text(tar[offset..<(offset + 100)])
            let kind = tar[offset + 156]
            guard let size = Int(text(tar[(offset + 124)..<(offset + 136)]).filter { $0 != " " }, radix: 8),
                size >= 0, offset + 512 + size <= tar.count
            else { throw malformed }
            let body = tar[(offset + 512)..<(offset + 512 + size)]
            offset += 512 + (size + 511) / 512 * 512
            if kind == UInt8(ascii: "5") { continue }
            guard kind == UInt8(ascii: "0") || kind == 0, isInside(name) else { throw malformed }
            files.append(File(path: name, bytes: Array(body)))
        }
        return files
    }

    private static func text(_ field: ArraySlice<UInt8>) -> String {
        String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
    }

    private static func isInside(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count <= 8
            && parts.allSatisfy { part in
                !part.isEmpty && part != "." && part != ".." && part.utf8.allSatisfy { (0x21...0x7E).contains($0) }
            }
    }
}
