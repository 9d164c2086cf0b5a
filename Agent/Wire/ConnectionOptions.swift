/// The tokens of `Connection` that matter here (RFC 9110 section 7.6.1).
struct ConnectionOptions: OptionSet {
    let rawValue: UInt8

    static let close = Self(rawValue: 1)
    static let keepAlive = Self(rawValue: 2)

    init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// Reads one `Connection` field.
    init(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
        self = []
        var start = range.lowerBound
        while start < range.upperBound {
            let end = ByteScan.first(UInt8(ascii: ","), in: bytes, start..<range.upperBound)
            let token = ByteScan.trimmed(bytes, start..<end)
            if ByteScan.matches("close", in: bytes, token) {
                insert(.close)
            } else if ByteScan.matches("keep-alive", in: bytes, token) {
                insert(.keepAlive)
            }
            start = end + 1
        }
    }
}
