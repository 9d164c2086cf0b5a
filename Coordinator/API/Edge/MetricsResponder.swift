internal import HTTPTypes
package import Hummingbird
internal import NIOCore
package import ServiceKit

/// What `--metrics-listen` answers, to this machine alone and so without a credential: the metrics and nothing else.
package struct MetricsResponder: HTTPResponder {
    package typealias Context = CallContext

    private let metrics: MetricsRegistry

    /// Answers with what `metrics` holds.
    package init(metrics: MetricsRegistry) { self.metrics = metrics }

    package func respond(to request: Request, context: CallContext) async -> Response {
        let answer: Answer =
            switch (request.method, request.head.path) {
            case (.get, "/metrics"): .text(metrics.text(), type: MetricsRegistry.mediaType)
            case (_, "/metrics"): .problem(.otherMethods(["GET"]))
            default: .problem(.noSuchPath)
            }
        return Response(status: answer.status, headers: answer.headers, body: answer.body)
    }
}
