internal import Bytes
internal import StrictJSON

/// Writes times; most are in the same second as the one before.
struct TimestampWriter: Sendable {
    private var second: Int64 = -1
    /// The text of the second, up to the point.
    private var text: [UInt8] = []

    mutating func write(_ microseconds: Int64, to output: inout ByteWriter) {
        let microseconds = Timestamp.clamped(microseconds)
        let (second, rest) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        if second != self.second {
            self.second = second
            text = Array(Timestamp.text(microseconds).utf8.prefix(20))
        }
        output.append(text)
        output.append(decimal: UInt64(rest), digits: 6)
        output.append("Z")
    }
}
