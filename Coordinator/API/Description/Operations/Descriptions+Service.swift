internal import StrictJSON

extension OperationDescription {
    private static let text = Content.bytes(["text/plain"])

    /// What watches over the coordinator, and what tells of it.
    static let service: [String: OperationDescription] = [
        "GET /healthz": .init("Whether the process answers.", answers: [200: text]),
        "GET /readyz": .init("Whether it can read and write.", answers: [200: text]),
        "GET /metrics": .init("Figures for Prometheus.", answers: [200: text]),
        "GET /openapi.json": .init("This description.", answer: .map(.any)),
        "GET /v1/settings": .init(
            "How the coordinator is set up where it is started.",
            answer: .object([
                "release": .text, "coordinator": .map(.text), "sign_in": .map(.text).optional,
                "network": .map(.text).optional, "storage": .map(.text).optional,
            ])
        ),
        "GET /v1/session": .init(
            "Who is signed in with this browser.",
            answer: .object([
                "user": .text, "role": .role, "how": .text, "signed_in": .time, "expires": .time, "csrf": .text,
            ])
        ),
        "POST /v1/sign-in-links": .init(
            "A link that lets a browser in once, for the person of the machine that asks.",
            answers: [201: .json(.object(["url": .text, "user": .text, "expires": .time]))]
        ),
    ]

    /// Everything that is described, by the operations' names.
    static let all: [String: OperationDescription] = [people, fleet, audit, policy, registry, service].reduce(into: [:])
    {
        $0.merge($1) { one, _ in one }
    }
}
