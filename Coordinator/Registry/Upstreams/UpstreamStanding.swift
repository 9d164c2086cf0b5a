internal import Bytes
internal import Contract
internal import Database
package import StrictJSON

/// How an upstream registry does, as administrators see it.
package struct UpstreamStanding: Sendable {
    package let setting: UpstreamSetting
    /// Seconds since 1970; nil: not yet.
    package let triedAt: Int?
    package let succeededAt: Int?
    package let nextAt: Int?
    /// Why the last try has failed; nil: it has not.
    package let error: String?
    /// How many servers of the last answer could not be taken.
    package let skipped: Int
    /// The first of them with what is wrong.
    private let problems: JSONValue
    /// How many of its proposals wait.
    package let waiting: Int

    init(_ setting: UpstreamSetting, row: SQLRow?, waiting: Int) throws {
        self.setting = setting
        triedAt = try row?.optionalInteger("tried_at")
        succeededAt = try row?.optionalInteger("succeeded_at")
        nextAt = try row?.optionalInteger("next_at")
        error = try row?.optionalText("error")
        skipped = try row?.integer("skipped") ?? 0
        let bytes = try row?.optionalBlob("problems") ?? Array("[]".utf8)
        problems = try JSONValue(parsing: bytes, topLevel: .anything)
        self.waiting = waiting
    }

    /// As a member of `upstreams[]`.
    package var json: JSONValue {
        func time(_ seconds: Int?) -> JSONValue { seconds.map { .text(UTCTime(seconds: $0).shortText) } ?? .null }
        guard case .object(var object) = setting.json else { return .null }
        object["ca"] = nil
        object["state"] = .text(error != nil ? "failing" : succeededAt == nil ? "new" : "good")
        object["error"] = error.map { .text($0) } ?? .null
        object["tried"] = time(triedAt)
        object["succeeded"] = time(succeededAt)
        object["next"] = time(nextAt)
        object["waiting"] = .int(waiting)
        object["skipped"] = .int(skipped)
        object["problems"] = problems
        return .object(object)
    }
}
