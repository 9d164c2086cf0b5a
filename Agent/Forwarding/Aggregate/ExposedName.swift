internal import StrictJSON
internal import TransparencyLog

/// The names of tools and prompts on the endpoint of all servers: `ALIAS__NAME`.
///
/// Clients put a prefix of their own before a name and take no more than 64 characters of `[a-zA-Z0-9_-]`; of one that is
/// not like that some drop all tools. An alias has no `_`, so that two servers never have the same name here, whatever
/// they call their tools. From a name no one reads what it stands for: that says the table of the names that were shown.
enum ExposedName {
    /// The most characters of a name.
    static let longest = 48
    /// How many of a longer name are kept before its hash.
    private static let kept = 39

    /// The names of the tools of one server, in their order.
    ///
    /// A name that is too long, or that is that of another tool once its characters are mapped, gets a hash of the whole:
    /// so each tool has the same name at all times. Where even that is taken, which only a server could bring about that
    /// wants it, the later one has no name.
    ///
    /// - Parameters:
    ///   - names: the server's own names.
    ///   - alias: the server.
    /// - Returns: for each its name here; nil for one that occurs for the second time.
    static func names(for names: [JSONText], of alias: JSONText) -> [JSONText?] {
        let opening = alias.utf8 + Array("__".utf8)
        let mapped = names.map { opening + map($0) }
        var counts: [[UInt8]: Int] = [:]
        for name in Set(names) { counts[opening + map(name), default: 0] += 1 }
        var taken: Set<[UInt8]> = []
        // What is exactly its own name keeps it, wherever in the list it is.
        var given: [JSONText?] = zip(names, mapped).map { name, mapped in
            let isItself = mapped.count == opening.count + name.utf8.count && mapped.elementsEqual(opening + name.utf8)
            guard mapped.count <= longest, isItself || counts[mapped] == 1, taken.insert(mapped).inserted else {
                return nil
            }
            return JSONText(utf8: mapped)
        }
        var seen: Set<JSONText> = Set(zip(names, given).compactMap { $1 == nil ? nil : $0 })
        for (index, name) in names.enumerated() where given[index] == nil {
            guard seen.insert(name).inserted else { continue }
            let short = mapped[index].prefix(kept) + [UInt8(ascii: "_")] + hash(opening + name.utf8)
            if taken.insert(Array(short)).inserted { given[index] = JSONText(utf8: short) }
        }
        return given
    }

    /// The helper of a server that wants its user to sign in.
    static func signIn(_ alias: JSONText) -> JSONText { JSONText(utf8: alias.utf8 + Array("__sign_in".utf8)) }

    /// The alias before a name, and what is behind it: for saying why a name is none, never for calling anything.
    static func parts(of name: UnsafeBufferPointer<UInt8>) -> (alias: JSONText, rest: JSONText)? {
        guard let end = name.firstIndex(of: UInt8(ascii: "_")), end > 0, end + 2 < name.count,
            name[end + 1] == UInt8(ascii: "_")
        else { return nil }
        return (JSONText(utf8: name[..<end]), JSONText(utf8: name[(end + 2)...]))
    }

    /// A name in the characters that all clients take: one for each character.
    private static func map(_ name: JSONText) -> [UInt8] {
        name.string.unicodeScalars.map { scalar in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "_", "-": UInt8(ascii: scalar)
            default: UInt8(ascii: "_")
            }
        }
    }

    /// The first eight hex digits of the SHA-256 of a name.
    private static func hash(_ name: [UInt8]) -> [UInt8] {
        Hash.of(name).bytes.prefix(4).flatMap { byte in
            [byte >> 4, byte & 0xF].map { $0 < 10 ? UInt8(ascii: "0") + $0 : UInt8(ascii: "a") + $0 - 10 }
        }
    }
}
