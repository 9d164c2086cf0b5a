package import NIOCore
package import Wire

/// Receives the response of one exchange, on the event loop.
///
/// The calls come in the order head, bodies, end; or stop with a failure at any point. None comes before `send` has
/// returned, none after the end, a failure or `UpstreamExchange.cancel`. A delegate is held until then.
package protocol ExchangeDelegate: AnyObject {
    /// The head of the final response; a redirect is one like any other.
    ///
    /// - Parameters:
    ///   - head: offsets into `bytes`.
    ///   - bytes: valid during the call only.
    func exchangeReceived(head: ResponseHead, in bytes: UnsafeRawBufferPointer)

    /// Some bytes of the body, taken out of their chunks: a slice of what was read, never empty.
    func exchangeReceived(body: ByteBuffer)

    /// The response is whole.
    ///
    /// Its connection is free again, so that another exchange that is sent from here goes out on it.
    func exchangeEnded()

    /// There will be no (whole) response.
    func exchangeFailed(_ failure: UpstreamFailure)

    /// What is collected for the exchange elsewhere has changed (`UpstreamExchange.held`).
    func exchangeHolds()
}

extension ExchangeDelegate {
    package func exchangeHolds() {}
}
