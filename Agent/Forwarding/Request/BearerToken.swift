/// The credential in an `Authorization` header.
enum BearerToken {
    /// The token behind `Bearer`, in any case (RFC 9110 section 11.1); nil for another scheme or no token.
    static func token(in value: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8>? {
        let scheme: StaticString = "bearer "
        let length = scheme.utf8CodeUnitCount
        guard value.count > length else { return nil }
        for index in 0..<length where value[index] | 0x20 != scheme.utf8Start[index] | 0x20 { return nil }
        // One blank or more (RFC 9110 section 11.4).
        guard let start = value[length...].firstIndex(where: { $0 != UInt8(ascii: " ") }) else { return nil }
        let token = UnsafeBufferPointer(rebasing: value[start...])
        return token.contains(UInt8(ascii: " ")) ? nil : token
    }
}
