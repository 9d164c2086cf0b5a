internal import AgentState
internal import Forwarding
internal import LocalControl
internal import OwnPage
internal import ServiceKit
internal import StrictJSON

/// What the data path hands on because it is not a call: health, numbers, and the commands of the user.
struct ControlEndpoints: LocalEndpoints {
    let control: ControlHandler
    let metrics: MetricsRegistry
    let page: OwnPage
    /// The address that browsers come to; nil before it is open.
    let listen: @Sendable () -> ListenAddress?
    /// Why no call of any kind can pass; nil while nothing on this machine prevents it.
    let hindrance: @Sendable () -> String?

    func answer(_ request: LocalRequest) async -> LocalAnswer {
        if request.isOwnPage { return await show(request) }
        switch (request.method, request.path) {
        case ("GET", "/readyz"):
            if let hindrance = hindrance() { return LocalAnswer(status: 503, text: "\(hindrance)\n") }
            return LocalAnswer(status: 200, text: "ready\n")
        case ("GET", "/metrics"):
            return LocalAnswer(status: 200, contentType: MetricsRegistry.mediaType, body: Array(metrics.text().utf8))
        case (_, "/readyz"), (_, "/metrics"): return LocalAnswer(status: 405, text: "only GET\n")
        default: break
        }
        // A client's credential opens servers, not the agent: commands come over the socket alone.
        guard request.isOverSocket, request.client == JSONText(ClientCredentials.local) else {
            return LocalAnswer(status: 404, text: "not found\n")
        }
        if (request.method, request.path) == ("POST", "\(ControlHandler.prefix)open"), let listen = listen() {
            let link: JSONValue = ["url": .text("http://\(listen)\(page.openingPath())")]
            return LocalAnswer(status: 200, contentType: "application/json", body: link.bytes)
        }
        let answer = await control.answer(method: request.method, path: request.path, body: request.body)
        return LocalAnswer(status: answer.status, contentType: "application/json", body: answer.json.bytes)
    }

    private func show(_ request: LocalRequest) async -> LocalAnswer {
        guard let port = listen()?.port else { return LocalAnswer(status: 404, text: "not found\n") }
        let question = PageRequest(
            method: request.method,
            path: request.path,
            query: request.query,
            cookie: request.cookie,
            body: request.body
        )
        let answer = await page.answer(question, port: port)
        return LocalAnswer(
            status: answer.status,
            contentType: answer.mediaType,
            body: answer.body,
            headers: answer.headers
        )
    }
}
