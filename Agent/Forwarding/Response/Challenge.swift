/// Looks into `WWW-Authenticate` (RFC 6750 section 3).
enum Challenge {
    /// Whether a challenge says that the token is good and its scope is not enough.
    static func lacksScope(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        let wanted = Array("insufficient_scope".utf8)
        guard value.count >= wanted.count else { return false }
        for start in 0...value.count - wanted.count where value[start] == wanted[0] {
            if value[start..<start + wanted.count].elementsEqual(wanted) { return true }
        }
        return false
    }
}
