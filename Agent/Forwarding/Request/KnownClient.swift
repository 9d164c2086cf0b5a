internal import StrictJSON

/// A client's credential that was looked up once: the next request of its connection shows the same.
struct KnownClient {
    /// The value of the header.
    let value: [UInt8]
    let name: JSONText
    let number: Int
    /// Which list of clients it was found in.
    let generation: Int
}
