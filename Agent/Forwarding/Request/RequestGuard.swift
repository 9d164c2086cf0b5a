internal import AuditLog
internal import Bytes
internal import StrictJSON
internal import Wire

/// Looks at the head of a request before anything of its body is read: from where it comes, who asks, and for what.
///
/// `refusal` is the whole order of these guards. It does no I/O; what it finds out it leaves in the context of the request.
enum RequestGuard {
    /// Asks every guard until one refuses.
    ///
    /// - Parameters:
    ///   - head: the head of the request.
    ///   - bytes: the buffer in which it is.
    ///   - listener: the listener that it came through.
    ///   - context: takes what is found out.
    ///   - client: the client that a value belongs to, of `Authorization` or, as a claim, of `Doorward-Client`; nil for one
    ///     that is not known.
    /// - Returns: the status to refuse the request with; nil for one whose body may come.
    static func refusal(
        of head: RequestHead,
        in bytes: UnsafeRawBufferPointer,
        at listener: ListenerContext,
        _ context: inout RequestContext,
        client: (UnsafeBufferPointer<UInt8>, ClientProof) -> (name: JSONText, number: Int)?
    ) -> Int? {
        // First by what a browser cannot forge: a page of a stranger learns nothing of what is here.
        if let status = listener.rules.refusal(of: head, in: bytes, isOverSocket: listener.isSocket) { return status }
        context.route = Route(head.path.slice(of: bytes))
        // The other pages are not for the web: numbers, and what this user's commands ask.
        switch context.route {
        case .server, .everyServer, .wellKnown: context.origin = listener.rules.foreignOrigin(of: head, in: bytes)
        // A page that may call servers may not act in the user's name.
        case .ownPage: if listener.rules.foreignOrigin(of: head, in: bytes) != nil { return 403 }
        case .control, .health, .openPage, .nowhere: break
        }
        // Before the credential: a browser asks without it, and takes any other status for a no.
        if context.origin != nil, head.method == .options {
            context.preflight = head.value(.requestedHeaders, in: bytes).map { Array($0) } ?? []
            return 204
        }
        // The credential before the address: who shows none learns not even which addresses there are.
        if !context.route.isOpen {
            if let value = head.value(.authorization, in: bytes) {
                context.how = .token
                guard let client = client(value, .token) else { return 401 }
                (context.client, context.clientNumber) = client
            } else if !listener.isSocket {
                // On the socket the kernel vouches for the user, and that is all that is known.
                return 401
            } else if let name = head.value(.client, in: bytes) {
                // Who has this user's account can take any client's credential, so a name is as good; but it stays a claim.
                context.how = .claimed
                guard let client = client(name, .claimed) else { return 401 }
                (context.client, context.clientNumber) = client
            }
        }
        return refusal(of: head, in: bytes, at: listener, to: context.route)
    }

    /// Last the address and what it takes.
    private static func refusal(
        of head: RequestHead,
        in bytes: UnsafeRawBufferPointer,
        at listener: ListenerContext,
        to route: Route
    ) -> Int? {
        switch route {
        case .health, .openPage: return head.method == .get || head.method == .head ? nil : 405
        case .wellKnown, .nowhere: return 404
        case .ownPage:
            guard !listener.isSocket else { return 404 }
            switch head.method {
            case .get, .head: return head.framing == .none || head.framing == .fixed(0) ? nil : 400
            case .post: return refusal(ofForm: head, in: bytes)
            case .delete, .put, .patch, .options, .other: return 405
            }
        case .control:
            guard listener.isSocket else { return 404 }
            return head.method == .get || head.method == .post ? nil : 405
        case .server, .everyServer:
            switch head.method {
            // A form or a text can be sent by any page; JSON only by one that was let in.
            case .post: return head.contentType == .json && !isCoded(head, in: bytes) ? nil : 415
            // Neither has a body: one that was passed on would be a second request to the server that the agent did not
            // judge.
            case .get, .delete: return head.framing == .none || head.framing == .fixed(0) ? nil : 400
            case .head, .put, .patch, .options, .other: return 405
            }
        }
    }

    /// A form has few fields, and says what it is.
    private static func refusal(ofForm head: RequestHead, in bytes: UnsafeRawBufferPointer) -> Int? {
        guard case .fixed(let count) = head.framing else { return 400 }
        guard count <= longestForm else { return 413 }
        let isForm = head.value(.contentType, in: bytes)?.elementsEqual(FormBody.mediaType.utf8) ?? false
        return isForm && !isCoded(head, in: bytes) ? nil : 415
    }

    private static let longestForm = 16_384

    /// Whether a content coding hides the body from the code that judges it.
    private static func isCoded(_ head: RequestHead, in bytes: UnsafeRawBufferPointer) -> Bool {
        guard let coding = head.value(.contentEncoding, in: bytes) else { return false }
        return !coding.isEmpty && !coding.elementsEqual("identity".utf8, by: { $0 | 0x20 == $1 })
    }
}
