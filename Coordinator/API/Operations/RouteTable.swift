/// Every operation by its path; an operation that is not here does not exist.
package struct RouteTable: Sendable {
    package let operations: [Operation]
    private let routes: [Route]

    private struct Route: Sendable {
        /// nil where anything is allowed.
        let segments: [String?]
        /// Whether what stands for a variable segment may have a slash in it.
        let takesSlashes: Bool
        var operations: [String: Operation]
    }

    /// What a request's method and path lead to.
    enum Match: Sendable {
        case operation(Operation, parameters: [String])
        /// The path exists, with these methods and not the one that was asked for.
        case otherMethods([String])
        case nothing
    }

    /// A table of these operations; no two of them may be called the same.
    init(_ operations: [Operation]) {
        self.operations = operations
        var routes: [Route] = []
        for operation in operations {
            let segments = Self.segments(operation.path).map { $0.hasPrefix("{") ? nil : $0 }
            guard let index = routes.firstIndex(where: { $0.segments == segments }) else {
                routes.append(
                    Route(
                        segments: segments,
                        takesSlashes: operation.isPublished,
                        operations: [operation.method: operation]
                    )
                )
                continue
            }
            let former = routes[index].operations.updateValue(operation, forKey: operation.method)
            precondition(former == nil, "\(operation.method) \(operation.path) is declared twice")
        }
        self.routes = routes
    }

    /// Looks a request up.
    ///
    /// - Parameters:
    ///   - method: As sent. `HEAD` leads to the operation of `GET`.
    ///   - path: As sent, without the query.
    /// - Returns: The operation, the methods of that path, or nothing.
    func match(method: String, path: String) -> Match {
        let asked = Self.segments(path)
        for route in routes {
            guard let parameters = Self.parameters(asked, of: route) else { continue }
            if let operation = route.operations[method == "HEAD" ? "GET" : method] {
                return .operation(operation, parameters: parameters)
            }
            return .otherMethods((route.operations.keys + (route.operations["GET"] == nil ? [] : ["HEAD"])).sorted())
        }
        return .nothing
    }

    private static func segments(_ path: String) -> [String] {
        path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
    }

    /// The decoded variable segments; nil if the path is another.
    private static func parameters(_ asked: [String], of route: Route) -> [String]? {
        guard asked.count == route.segments.count else { return nil }
        var parameters: [String] = []
        for (asked, segment) in zip(asked, route.segments) {
            if let segment {
                // Compared as bytes, undecoded: a fixed part has one spelling.
                guard asked.utf8.elementsEqual(segment.utf8) else { return nil }
            } else {
                let value = route.takesSlashes ? PercentCoding.decodeValue(asked) : PercentCoding.decode(asked)
                guard let value, !value.isEmpty else { return nil }
                parameters.append(value)
            }
        }
        return parameters
    }
}

/// Percent-encoding (RFC 3986 section 2.1), read strictly.
enum PercentCoding {
    /// The decoded text; nil if it is not UTF-8, has a broken escape, or hides a control character or a slash.
    static func decode(_ text: some StringProtocol) -> String? {
        guard let text = decodeValue(text), !text.utf8.contains(UInt8(ascii: "/")) else { return nil }
        return text
    }

    /// The same of what may have a slash in it, as it is no part of a path.
    static func decodeValue(_ text: some StringProtocol) -> String? {
        guard let bytes = bytes(text), bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    /// The decoded bytes; nil for a broken escape.
    static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
