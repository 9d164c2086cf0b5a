internal import NIOCore
internal import Wire

// Requests to the agent itself.
extension ClientConnection {
    /// Serves the request at hand.
    func serve() {
        switch visit.route {
        case .health: answerPlainly(200)
        case .openPage, .control, .ownPage: servePage()
        case .server, .everyServer: serveServer()
        case .wellKnown, .nowhere: answerPlainly(404)
        }
    }

    /// Asks for a page, elsewhere and at its own pace.
    private func servePage() {
        let question = request.withUnsafeReadableBytes { bytes in
            LocalRequest(
                // What is different about HEAD is that its answer has no body.
                method: head.method == .head
                    ? "GET" : String(decoding: head.methodName.slice(of: bytes), as: UTF8.self),
                path: String(decoding: Route.normal(head.path.slice(of: bytes)), as: UTF8.self),
                query: head.query.map { String(decoding: $0.slice(of: bytes), as: UTF8.self) },
                body: Array(bytes[head.length...]),
                client: visit.client,
                isOverSocket: listener.isSocket,
                cookie: visit.route == .ownPage ? cookie(in: bytes) : nil,
                isOwnPage: visit.route == .ownPage
            )
        }
        let page = PageRequest()
        self.page = page
        let here = NIOLoopBound((connection: self, page: page), eventLoop: path.loop)
        let loop = path.loop
        let pages = listener.pages
        page.task = Task {
            let answer = await pages.answer(question)
            loop.execute { here.value.connection.receive(answer, to: here.value.page) }
        }
    }

    private func cookie(in bytes: UnsafeRawBufferPointer) -> String? {
        head.fields(in: bytes).first { $0.isNamed("cookie", in: bytes) }
            .map { String(decoding: $0.value.slice(of: bytes), as: UTF8.self) }
    }

    private func receive(_ answer: LocalAnswer, to page: PageRequest) {
        guard self.page === page, state.phase == .answering else { return }
        self.page = nil
        Array(answer.contentType.utf8).withUnsafeBufferPointer { type in
            var head = ReplyHead(status: answer.status, body: .length(answer.body.count))
            head.content = .named(type)
            head.more = answer.headers
            self.answer(head, answer.body)
        }
    }
}
