internal import Contract
internal import Database
internal import HTTPTypes
package import Hummingbird
internal import Logging
internal import NIOCore
internal import Rights
internal import ServiceKit

/// Answers every request: finds the operation, proves the caller, reads the body, asks the domain, in that order.
package struct APIResponder: HTTPResponder {
    package typealias Context = CallContext

    package let routes: RouteTable
    private let authentication: Authentication
    private let kept: KeptAnswers
    private let bodies = BodyReader()
    private let metrics: RequestMetrics
    private let headers: HTTPFields

    /// - Parameters:
    ///   - routes: What there is.
    ///   - authentication: How callers prove themselves.
    ///   - kept: What is answered to a request that comes again.
    ///   - metrics: Where requests are counted.
    ///   - isStrictTransport: Whether browsers may be told to use TLS for this host from now on.
    init(
        routes: RouteTable,
        authentication: Authentication,
        kept: KeptAnswers,
        metrics: MetricsRegistry,
        isStrictTransport: Bool
    ) {
        self.routes = routes
        self.authentication = authentication
        self.kept = kept
        self.metrics = RequestMetrics(metrics, routes: routes)
        headers = Self.headers(isStrictTransport: isStrictTransport)
    }

    package func respond(to request: Request, context: CallContext) async -> Response {
        let start = ContinuousClock.now
        let id = Self.requestID()
        var logger = context.logger
        logger[metadataKey: "hb.request.id"] = nil
        logger[metadataKey: "request.id"] = "\(id)"
        metrics.underway.add(1)
        defer { metrics.underway.add(-1) }

        var operation: Operation?
        var answer: Answer
        do {
            answer = try await self.answer(request, in: context, logger: logger, operation: &operation)
        } catch {
            let problem = Failure.problem(for: error, request: id, logger: logger)
            answer =
                Self.isForPerson(request, operation)
                ? .page(of: problem, method: request.method.rawValue, target: request.head.path ?? "/")
                : .problem(problem)
        }
        if operation?.isPublished == true { CrossOrigin.open(&answer.headers) }
        // A page says for itself what it may load, and what it tells of where a person came from.
        for field in headers where answer.headers[field.name] == nil { answer.headers.append(field) }
        answer.headers[Self.requestIDName] = id

        let duration = ContinuousClock.now - start
        metrics.count(operation, status: answer.status.code, duration: duration)
        logger.debug(
            "A request was answered.",
            metadata: [
                "http.operation": "\(operation?.name ?? RequestMetrics.unknown)",
                "http.status": "\(answer.status.code)",
                "duration.ms": "\(duration / .milliseconds(1))", "peer": "\(context.peer ?? "unknown")",
            ]
        )
        var response = Response(status: answer.status, headers: answer.headers, body: answer.body)
        // RFC 9110 section 8.6: what has no content has no length of it either.
        if [.noContent, .notModified].contains(answer.status) { response.headers[.contentLength] = nil }
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(
        _ request: Request,
        in context: CallContext,
        logger: Logger,
        operation: inout Operation?
    ) async throws -> Answer {
        let method = request.method.rawValue
        let target = try RequestTarget(request.head.path ?? "")
        let found: Operation
        let parameters: [String]
        switch routes.match(method: method, path: target.path) {
        case .operation(let match, let values):
            found = match
            parameters = values
            operation = match
        case .otherMethods(let methods):
            var answer = Answer.problem(.otherMethods(methods))
            answer.headers[.allow] = methods.joined(separator: ", ")
            return answer
        case .nothing: throw Problem.noSuchPath
        }
        let head = SignedHead(method: method, target: target, headers: request.headers)
        let proven = try await authentication.prove(head, request.headers, for: found.access)
        if let caller = proven.caller { try found.access.check(caller) }
        try authentication.checkPace(of: proven.caller, for: found)
        let isForeign = found.query == Operation.foreignQuery
        let query = isForeign ? [:] : try target.fields(found.query, isOpen: found.isPublished)
        let lane = proven.caller?.lane ?? .ordinary
        return try await bodies.read(request, of: proven.caller?.sub, lane, atMost: found.largestBody) { body in
            // Judged last: the signature was valid, and its nonce is spent, whatever the body is.
            try proven.claim?.checkBody(body)
            try authentication.checkForm(proven, head, request.headers, body: body)
            let call = Call(
                whoever: try await authentication.standing(proven.caller, for: found),
                session: proven.session,
                parameters: parameters,
                query: query,
                headers: request.headers,
                body: body,
                signed: head,
                peer: context.peer,
                channel: context.channel,
                logger: logger
            )
            return try await WriteLane.$current.withValue(lane) {
                guard found.isMaking, let key = try IdempotencyKey(call, for: found) else {
                    return try await found.answer(call)
                }
                return try await kept.answer(key) { try await found.answer(call) }
            }
        }
    }

    /// Whether a problem is shown as a page: of a page, or of an address that leads nowhere, in a browser that goes there.
    private static func isForPerson(_ request: Request, _ operation: Operation?) -> Bool {
        if let operation { return operation.isPage }
        let path = request.head.path ?? ""
        return request.headers[.accept]?.contains("text/html") == true && !path.hasPrefix("/v1/")
            && !path.hasPrefix("/v0.1/")
    }

    static let requestIDName = HTTPField.Name("Doorward-Request-Id") ?? .eTag

    private static func requestID() -> String {
        let digits = String(UInt64.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    /// What every answer says to a browser that shows it: it is not a page, and only the caller's.
    private static func headers(isStrictTransport: Bool) -> HTTPFields {
        var headers: HTTPFields = [
            .xContentTypeOptions: "nosniff",
            .contentSecurityPolicy: "default-src 'none'; frame-ancestors 'none'",
            .cacheControl: "no-store",
        ]
        for (name, value) in [
            ("Referrer-Policy", "no-referrer"), ("Cross-Origin-Resource-Policy", "same-origin"),
        ] {
            if let name = HTTPField.Name(name) { headers[name] = value }
        }
        if isStrictTransport { headers[.strictTransportSecurity] = "max-age=31536000" }
        return headers
    }
}

extension SignedHead {
    init(method: String, target: RequestTarget, headers: HTTPFields) {
        func values(_ name: String) -> [String] { HTTPField.Name(name).map { headers[values: $0] } ?? [] }
        self.init(
            method: method,
            path: target.path,
            query: target.query,
            signatureInput: values("signature-input"),
            signature: values("signature"),
            contentDigest: values("content-digest"),
            audience: values("doorward-audience")
        )
    }
}
