internal import Bytes
internal import Contract
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import PolicyStore
internal import Rights
internal import ServiceKit
internal import StrictJSON

/// `/v1/policy/simulations`, `/suggestions` and `/explanations`: policies, the calls on record, and calls that nobody has made.
struct PolicyTrialRoutes: Sendable {
    let desk: PolicyStore
    let clock: MachineClock

    /// A file as a member of a document: twice as large where every byte has to be escaped, which no file has.
    private static let largest = 3 << 20
    /// How often a caller that wants to know hears how far it is.
    private static let pause: Duration = .seconds(1)

    var operations: [Operation] {
        [
            Operation(
                "POST",
                "/v1/policy/simulations",
                for: Right.ReadRecords.self,
                largestBody: Self.largest
            ) { call, permit in
                let now = UTCTime(microseconds: Int(clock.wall()))
                let (draft, choice) = try call.document { reader in
                    (try reader.text("file"), try ReplayChoice(members: &reader, now: now))
                }
                let simulation = try await desk.simulation(of: Array(draft.utf8), on: choice, for: permit)
                guard try call.header(.accept) == Self.lines else { return .json(try await simulation.run().json) }
                return Answer(type: Self.lines, body: Self.progress(simulation, call))
            },
            Operation(
                "POST",
                "/v1/policy/explanations",
                for: Right.CheckPolicy.self,
                largestBody: Self.largest
            ) { call, permit in
                let (question, draft) = try call.document { reader in
                    (try PolicyQuestion(members: &reader), try reader.optionalText("file"))
                }
                return .json(try await desk.explain(question, under: draft.map { Array($0.utf8) }, for: permit).json)
            },
            Operation("POST", "/v1/policy/suggestions", for: Right.ReadRecords.self) { call, permit in
                let now = UTCTime(microseconds: Int(clock.wall()))
                let (choice, hasPrefixes) = try call.document { reader in
                    (
                        try ReplayChoice(members: &reader, now: now),
                        try reader.optionalBool("prefixes") ?? false
                    )
                }
                return .json(try await desk.suggestion(from: choice, hasPrefixes: hasPrefixes, for: permit).json)
            },
        ]
    }

    private static let lines = "application/jsonl"

    /// A line each second with how many calls were judged so far, and then the report, or the problem.
    private static func progress(_ simulation: Simulation, _ call: Call) -> ResponseBody {
        ResponseBody { writer in
            let done = Signal()
            async let outcome = Self.outcome(of: simulation, done)
            while done.version == 0 {
                let line: JSONValue = ["judged": .int(simulation.judged)]
                try await writer.write(ByteBuffer(bytes: line.bytes + [UInt8(ascii: "\n")]))
                await done.wait(after: 0, atMost: pause)
            }
            let last: JSONValue
            switch await outcome {
            case .success(let report): last = report.json
            case .failure(let error): last = Failure.problem(for: error, request: "", logger: call.logger).json
            }
            try await writer.write(ByteBuffer(bytes: last.bytes + [UInt8(ascii: "\n")]))
            try await writer.finish(nil)
        }
    }

    private static func outcome(
        of simulation: Simulation,
        _ done: Signal
    ) async -> Result<SimulationReport, any Error> {
        defer { done.notify() }
        do {
            return .success(try await simulation.run())
        } catch {
            return .failure(error)
        }
    }
}
