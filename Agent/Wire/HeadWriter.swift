/// Writes a request or a response head straight into the memory of the code that sends it.
///
/// Nothing is allocated. What does not fit, and a name or value that could end its line, sets `isBroken`; the caller
/// looks once at the end, and sends nothing of a broken head.
package struct HeadWriter {
    private let room: UnsafeMutableRawBufferPointer
    /// The number of bytes written.
    package private(set) var count = 0
    /// Whether something did not fit or is not allowed in a head.
    package private(set) var isBroken = false

    package init(_ room: UnsafeMutableRawBufferPointer) {
        self.room = room
    }

    // MARK: First lines

    /// Writes `METHOD target HTTP/1.1`.
    package mutating func request(_ method: StaticString, target: UnsafeBufferPointer<UInt8>) {
        append(method)
        append(" ")
        checkLine(UnsafeRawBufferPointer(target))
        append(UnsafeRawBufferPointer(target))
        append(" HTTP/1.1\r\n")
    }

    /// Writes the status line.
    package mutating func status(_ status: Int) {
        if status == 200 { return append("HTTP/1.1 200 OK\r\n") }
        append("HTTP/1.1 ")
        append(decimal: status)
        append(" ")
        append(Self.reason(status))
        append("\r\n")
    }

    // MARK: Fields

    package mutating func field(_ name: StaticString, _ value: StaticString) {
        append(name: Self.bytes(name), value: Self.bytes(value))
    }

    package mutating func field(_ name: StaticString, _ value: UnsafeBufferPointer<UInt8>) {
        checkLine(UnsafeRawBufferPointer(value))
        append(name: Self.bytes(name), value: UnsafeRawBufferPointer(value))
    }

    /// Writes a field whose value was in a head that was scanned, and so holds nothing that could end its line.
    package mutating func field(_ name: StaticString, scanned value: UnsafeBufferPointer<UInt8>) {
        append(name: Self.bytes(name), value: UnsafeRawBufferPointer(value))
    }

    package mutating func field(_ name: StaticString, decimal: Int) {
        append(name)
        append(": ")
        append(decimal: decimal)
        append("\r\n")
    }

    /// Writes a field whose name is not known beforehand; the name must be a token.
    package mutating func field(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) {
        let raw = UnsafeRawBufferPointer(name)
        if !FieldLines.isToken(raw, 0..<raw.count) { isBroken = true }
        checkLine(UnsafeRawBufferPointer(value))
        append(name: raw, value: UnsafeRawBufferPointer(value))
    }

    private mutating func append(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        let length = name.count + value.count + 4
        guard length <= room.count - count, let base = room.baseAddress, let nameStart = name.baseAddress else {
            isBroken = true
            return
        }
        var place = base + count
        place.copyMemory(from: nameStart, byteCount: name.count)
        place += name.count
        place.storeBytes(of: UInt16(littleEndian: 0x203A), as: UInt16.self)
        place += 2
        if let valueStart = value.baseAddress { place.copyMemory(from: valueStart, byteCount: value.count) }
        place += value.count
        place.storeBytes(of: UInt16(littleEndian: 0x0A0D), as: UInt16.self)
        count += length
    }

    /// Writes the empty line that ends the head.
    package mutating func end() {
        append("\r\n")
    }

    // MARK: Bytes

    /// Appends bytes as they are: a body that goes out together with its head.
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count <= room.count - count else {
            isBroken = true
            return
        }
        if let source = bytes.baseAddress, let base = room.baseAddress {
            (base + count).copyMemory(from: source, byteCount: bytes.count)
        }
        count += bytes.count
    }

    private mutating func append(_ text: StaticString) {
        append(Self.bytes(text))
    }

    private static func bytes(_ text: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }

    /// Refuses a part of a line that holds a control character other than tab.
    private mutating func checkLine(_ bytes: UnsafeRawBufferPointer) {
        var position = ByteScan.firstControl(in: bytes, from: 0)
        while position < bytes.count, bytes[position] == 0x09 {
            position = ByteScan.firstControl(in: bytes, from: position + 1)
        }
        if position < bytes.count { isBroken = true }
    }

    private mutating func append(decimal number: Int) {
        guard number >= 0 else {
            isBroken = true
            return
        }
        var length = 1
        var rest = number
        while rest >= 10 {
            rest /= 10
            length += 1
        }
        guard length <= room.count - count else {
            isBroken = true
            return
        }
        rest = number
        for index in stride(from: count + length - 1, through: count, by: -1) {
            room[index] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        count += length
    }

    private static func reason(_ status: Int) -> StaticString {
        switch status {
        case 100: "Continue"
        case 200: "OK"
        case 202: "Accepted"
        case 204: "No Content"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 413: "Content Too Large"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 505: "HTTP Version Not Supported"
        default: ""
        }
    }
}
