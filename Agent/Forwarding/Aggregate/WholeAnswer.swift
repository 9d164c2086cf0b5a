internal import Bytes
internal import MCP
internal import StrictJSON

/// The one answer to an inner request, whether it comes in one piece or as the last event of a stream; other messages are
/// not looked at.
final class WholeAnswer: InnerRequestDelegate {
    private let then: ([UInt8]?) -> Void
    private var last: [UInt8]?
    private var request: InnerRequest?

    private init(_ then: @escaping ([UInt8]?) -> Void) {
        self.then = then
    }

    /// Asks; `then` hears the answer once: the JSON-RPC response or error, or nil where none came.
    ///
    /// - Returns: the request, to give it up.
    @discardableResult
    static func ask(
        _ alias: JSONText,
        _ message: InnerMessage,
        for asker: Asker,
        on connection: ClientConnection,
        then: @escaping ([UInt8]?) -> Void
    ) -> InnerRequest {
        let answer = WholeAnswer(then)
        let request = InnerRequest(to: alias, on: connection, delegate: answer)
        answer.request = request
        request.start(message, for: asker.visit, asker.trace)
        return request
    }

    func innerAnswered(
        _ request: InnerRequest,
        status: Int,
        isJSON: Bool,
        body: UnsafeRawBufferPointer,
        record: RandomID?
    ) {
        finish(isJSON ? Array(body) : nil)
    }

    func innerOpened(_ request: InnerRequest, record: RandomID?) {}

    func innerReceived(_ request: InnerRequest, message: UnsafeBufferPointer<UInt8>, id: UnsafeRawBufferPointer?) {
        guard let envelope = try? Envelope.scan(ofServer: message) else { return }
        switch envelope.kind {
        case .response, .errorResponse: last = Array(message)
        case .notification, .request: break
        }
    }

    func innerEnded(_ request: InnerRequest, isWhole: Bool) { finish(last) }

    private func finish(_ answer: [UInt8]?) {
        request = nil
        then(answer)
    }
}
