package import NIOCore
internal import Wire

// What a virtual server, in place of a connection, tells of the answer, in the order that `ExchangeDelegate` has.
extension UpstreamExchange {
    /// Tells the head of the response.
    ///
    /// - Parameter head: the bytes of a whole HTTP/1.1 response head, the empty line included.
    package func receive(head: ByteBuffer) {
        guard let delegate else { return }
        head.withUnsafeReadableBytes { bytes in
            var scanner = ResponseHeadScanner()
            guard case .complete = scanner.scan(bytes) else {
                end()?.exchangeFailed(
                    .afterSending(UpstreamError(.malformedResponse, "The answer that was made for the server is none."))
                )
                return
            }
            delegate.exchangeReceived(head: scanner.head, in: bytes)
        }
    }

    /// Tells some bytes of the body.
    package func receive(body: ByteBuffer) {
        guard body.readableBytes > 0 else { return }
        delegate?.exchangeReceived(body: body)
    }

    /// So many bytes are collected for it elsewhere.
    package func hold(_ bytes: Int) {
        guard held != bytes else { return }
        held = bytes
        delegate?.exchangeHolds()
    }

    /// The response is whole.
    package func finish() {
        end()?.exchangeEnded()
    }

    /// There will be no (whole) response.
    package func fail(_ failure: UpstreamFailure) {
        end()?.exchangeFailed(failure)
    }
}
