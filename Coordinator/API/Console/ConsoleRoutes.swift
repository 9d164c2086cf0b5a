internal import Console
internal import Contract
internal import HTTPTypes
internal import Rights
internal import ServiceKit
internal import SignIn

/// The console: its pages as operations, and the files that they refer to.
struct ConsoleRoutes: Sendable {
    let console: WebConsole
    let clock: MachineClock

    var operations: [Operation] {
        [
            Operation("GET", "/assets/{name}", for: .anonymous) { call in
                guard let asset = Asset.all[call.parameters[0]] else { throw Problem.noSuchPath }
                var answer = Answer(type: asset.mediaType, bytes: asset.bytes)
                // Its path has the hash of what it holds.
                answer.headers[.cacheControl] = asset.isImmutable ? "max-age=31536000, immutable" : "max-age=3600"
                return answer
            },
            Operation("GET", "/v1/settings", for: Right.ReadPeople.self) { _, _ in .json(console.settings.json) },
        ] + console.pages.map { Operation($0, clock: clock) }
    }
}

extension Operation {
    /// A page of the console, or one of its forms.
    fileprivate init(_ page: ConsolePage, clock: MachineClock) {
        self.init(page: page.method, page.path, page.right, largestBody: page.largestForm) { call in
            guard let session = call.session else { throw Refused.browserNeeded }
            let visit = Visit(
                caller: session.caller,
                csrf: session.csrf,
                parameters: call.parameters,
                query: try call.pageQuery(page.query),
                form: call.body.isEmpty ? [:] : try call.form(),
                now: Int(clock.wall() / 1_000_000)
            )
            return .page(try await page.answer(visit))
        }
    }
}
