internal import StrictJSON

/// The places that the rules for one person look at in the arguments of calls: all are found in one pass.
struct ArgumentPlaces: Sendable {
    private struct Node {
        /// The names that go on from here, with where they lead.
        var children: [(name: [UInt8], node: Int)] = []
        /// The children by the hash of their names without regard to case.
        var byName: [UInt64: [Int]] = [:]
        /// Which place it is, if rules look at it.
        var place: Int?
    }

    private var nodes = [Node()]
    private var known: [ArgumentPointer: Int] = [:]

    /// How many places there are.
    var count: Int { known.count }

    /// The number of a place, which is made if it is new.
    mutating func add(_ pointer: ArgumentPointer) -> Int {
        if let place = known[pointer] { return place }
        var node = 0
        for name in pointer.names {
            if let child = nodes[node].children.first(where: { $0.name == name }) {
                node = child.node
                continue
            }
            nodes.append(Node())
            let hash = name.withUnsafeBufferPointer(NameCase.foldedHash)
            nodes[node].byName[hash, default: []].append(nodes[node].children.count)
            nodes[node].children.append((name, nodes.count - 1))
            node = nodes.count - 1
        }
        let place = known.count
        nodes[node].place = place
        known[pointer] = place
        return place
    }

    /// What is at each place.
    ///
    /// - Parameter arguments: one JSON value; nil where a message has no arguments.
    /// - Returns: the values by the numbers of their places.
    func values(in arguments: UnsafeBufferPointer<UInt8>?) -> [ArgumentValue] {
        guard let arguments else { return Array(repeating: .missing, count: count) }
        var walk = Walk(places: self)
        let limits = JSONLimits(maxBytes: arguments.count, maxDepth: 128)
        do {
            try JSONScanner.walk(arguments, limits: limits) { scanner throws(JSONError) in try walk.read(0, &scanner) }
        } catch {
            // A message whose arguments have two readings is refused before it comes here.
            return Array(repeating: .unclear, count: count)
        }
        for node in nodes.indices where walk.isUnclear[node] { walk.spoil(below: node) }
        return walk.values
    }

    /// One pass over arguments.
    private struct Walk {
        let places: ArgumentPlaces
        var values: [ArgumentValue]
        /// For each node whether the arguments also have its name in another case.
        var isUnclear: [Bool]

        init(places: ArgumentPlaces) {
            self.places = places
            values = Array(repeating: .missing, count: places.count)
            isUnclear = Array(repeating: false, count: places.nodes.count)
        }

        mutating func read(_ node: Int, _ scanner: inout JSONScanner) throws(JSONError) {
            let value = try value(node, &scanner)
            if let place = places.nodes[node].place { values[place] = value }
        }

        private mutating func value(_ node: Int, _ scanner: inout JSONScanner) throws(JSONError) -> ArgumentValue {
            switch try scanner.kind() {
            case .object:
                try readObject(node, &scanner)
                return .object
            case .array:
                return .array(count: try readArray(node, &scanner))
            case .string:
                spoilChildren(node)
                let text = try scanner.string()
                let length = text.isEscaped ? text.withText(in: scanner.bytes) { $0.count } : text.span.count
                return .string(text, length: length)
            case .number:
                spoilChildren(node)
                let literal = UnsafeBufferPointer(rebasing: scanner.bytes[try scanner.number().range])
                guard let value = JSONNumber.plainInteger(literal), ArgumentScalar.integers.contains(value) else {
                    return .number
                }
                return .int(value)
            case .bool:
                spoilChildren(node)
                return .bool(try scanner.bool())
            case .null:
                spoilChildren(node)
                try scanner.null()
                return .null
            }
        }

        private mutating func readObject(_ node: Int, _ scanner: inout JSONScanner) throws(JSONError) {
            if places.nodes[node].children.isEmpty {
                try scanner.skipLeniently()
                return
            }
            var frame = try scanner.beginObject()
            while let name = try scanner.nextName(&frame) {
                if let child = child(of: node, name, in: scanner.bytes) {
                    try read(child, &scanner)
                } else {
                    try scanner.skipLeniently()
                }
            }
        }

        /// The child of exactly this name; notes those of the same name in another case, which some servers take for it.
        private mutating func child(
            of node: Int,
            _ name: JSONStringSpan,
            in bytes: UnsafeBufferPointer<UInt8>
        ) -> Int? {
            name.withText(in: bytes) { text in
                var found: Int?
                for index in places.nodes[node].byName[NameCase.foldedHash(text)] ?? [] {
                    let child = places.nodes[node].children[index]
                    if text.elementsEqual(child.name) {
                        found = child.node
                    } else if NameCase.isVariant(text, of: child.name) {
                        isUnclear[child.node] = true
                    }
                }
                return found
            }
        }

        private mutating func readArray(_ node: Int, _ scanner: inout JSONScanner) throws(JSONError) -> Int {
            var wanted: [Int: Int] = [:]
            for child in places.nodes[node].children {
                if let index = child.name.withUnsafeBufferPointer(JSONNumber.plainInteger), index >= 0 {
                    wanted[index] = child.node
                } else {
                    spoil(below: child.node)
                }
            }
            let last = wanted.keys.max() ?? -1
            var count = 0
            var frame = try scanner.beginArray()
            while try scanner.nextElement(&frame) {
                if count <= last, let child = wanted[count] {
                    try read(child, &scanner)
                } else {
                    try scanner.skipLeniently()
                }
                count += 1
            }
            return count
        }

        /// What has no members has none of which a rule could know anything.
        private mutating func spoilChildren(_ node: Int) {
            for child in places.nodes[node].children { spoil(below: child.node) }
        }

        /// Makes everything from a node on unclear.
        mutating func spoil(below node: Int) {
            if let place = places.nodes[node].place { values[place] = .unclear }
            spoilChildren(node)
        }
    }
}
