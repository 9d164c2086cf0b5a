package import StrictJSON

/// The members of a JSON object with the bytes of their values: what is not read is passed on as it was written.
package struct RawObject: Equatable, Sendable {
    private struct Member: Equatable {
        let name: JSONText
        var value: [UInt8]
    }

    private var members: [Member] = []

    package init() {}

    /// Reads a document; nil where it is no object.
    ///
    /// Of a name that occurs twice the last one counts.
    package init?(_ bytes: [UInt8]) {
        let read: [Member]? = try? bytes.withUnsafeBufferPointer { bytes throws(JSONError) in
            try JSONScanner.scan(bytes, limits: Self.limits) { scanner throws(JSONError) in
                scanner.isLenient = true
                guard try scanner.kind() == .object else { return nil }
                var members: [Member] = []
                var frame = try scanner.beginObject()
                while let name = try scanner.nextName(&frame) {
                    let value = try scanner.skipLeniently()
                    members.append(Member(name: JSONText(utf8: scanner.text(name)), value: Array(bytes[value.range])))
                }
                return members
            }
        }
        guard let read else { return nil }
        var places: [JSONText: Int] = [:]
        for member in read {
            if let place = places[member.name] {
                members[place].value = member.value
            } else {
                places[member.name] = members.count
                members.append(member)
            }
        }
    }

    private static let limits = JSONLimits(maxBytes: 64 << 20, maxDepth: 128)

    package var isEmpty: Bool { members.isEmpty }
    /// About as many bytes as it has.
    var count: Int { members.reduce(2) { $0 + $1.name.utf8.count + $1.value.count + 4 } }
    package var names: [JSONText] { members.map(\.name) }

    /// The bytes of a value; setting nil takes the member away, setting a value keeps its place or appends it.
    package subscript(name: JSONText) -> [UInt8]? {
        get { members.first { $0.name == name }?.value }
        set {
            let place = members.firstIndex { $0.name == name }
            switch (place, newValue) {
            case (let place?, let value?): members[place].value = value
            case (let place?, nil): members.remove(at: place)
            case (nil, let value?): members.append(Member(name: name, value: value))
            case (nil, nil): break
            }
        }
    }

    /// The value of a member as a tree; nil where it is missing or cannot be read.
    package func value(_ name: JSONText) -> JSONValue? {
        self[name].flatMap { Self.value($0) }
    }

    /// The value of a member that is an object; nil where it is missing or is none.
    package func object(_ name: JSONText) -> RawObject? {
        self[name].flatMap { RawObject($0) }
    }

    /// The text of a member that is a string.
    package func text(_ name: JSONText) -> JSONText? { value(name)?.string }

    /// Sets a member to a value that was made here.
    package mutating func set(_ name: JSONText, _ value: JSONValue?) {
        self[name] = value?.bytes
    }

    /// Sets a member to an object; an empty one is written too.
    package mutating func set(_ name: JSONText, _ object: RawObject) {
        self[name] = object.bytes
    }

    /// The object as a document.
    package var bytes: [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(count)
        write(to: &output)
        return output
    }

    func write(to output: inout [UInt8]) {
        output.append(UInt8(ascii: "{"))
        for (index, member) in members.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            JSONWriting.string(member.name.utf8, to: &output)
            output.append(UInt8(ascii: ":"))
            output += member.value
        }
        output.append(UInt8(ascii: "}"))
    }

    /// A document as a tree, read as leniently as what servers write has to be.
    static func value(_ bytes: [UInt8]) -> JSONValue? {
        try? JSONValue(lenientlyParsing: bytes, limits: limits)
    }

    /// The elements of an array, each as its bytes; nil where it is none.
    static func elements(_ bytes: [UInt8]) -> [[UInt8]]? {
        try? bytes.withUnsafeBufferPointer { bytes throws(JSONError) in
            try JSONScanner.scan(bytes, limits: limits) { scanner throws(JSONError) in
                scanner.isLenient = true
                guard try scanner.kind() == .array else { return nil }
                var elements: [[UInt8]] = []
                var frame = try scanner.beginArray()
                while try scanner.nextElement(&frame) {
                    elements.append(Array(bytes[try scanner.skipLeniently().range]))
                }
                return elements
            }
        }
    }

    /// An array of elements that are documents.
    static func array(_ elements: [[UInt8]]) -> [UInt8] {
        var output = [UInt8(ascii: "[")]
        for (index, element) in elements.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            output += element
        }
        output.append(UInt8(ascii: "]"))
        return output
    }
}
