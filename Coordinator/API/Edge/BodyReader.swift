internal import Contract
internal import Database
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Synchronization

/// Reads bodies whole, within a limit for each, one for all of a caller's together, and one for all.
///
/// What counts is what has arrived: a client that announces a body and sends none, or waits for its answer without one,
/// takes nothing away from others. No caller can take more than its share, and so keep all others out; and
/// administrators are heard also when all shares together are used up.
final class BodyReader: Sendable {
    /// What all bodies that are being read or worked on may take.
    static let mostTogether = 256 << 20
    /// What those of one person may, and those of all unproven callers together: four of the longest uploads.
    static let mostOfOne = 40 << 20

    /// The longest body that is expected from its beginning on.
    private static let mostAhead = 1 << 20

    private let most: Int
    private let share: Int
    private let taken = Mutex(Taken())

    private struct Taken {
        var together = 0
        var by: [String: Int] = [:]
    }

    /// A reader of bodies that may take `most` bytes together, and `share` of one person.
    init(most: Int = BodyReader.mostTogether, share: Int = BodyReader.mostOfOne) {
        self.most = most
        self.share = share
    }

    /// Reads a body and gives it to `use`, counting it until that returns.
    ///
    /// - Parameters:
    ///   - request: Whose body; it is read at most once.
    ///   - person: Whose share it takes of; nil for an unproven caller.
    ///   - lane: Governing requests are counted in their person's share alone.
    ///   - limit: The largest body in bytes; 0: there must be none.
    ///   - use: What is done with it.
    /// - Returns: What `use` returns.
    /// - Throws: a `Problem`, what `use` throws.
    func read<Result>(
        _ request: Request,
        of person: String? = nil,
        _ lane: WriteLane = .ordinary,
        atMost limit: Int,
        _ use: ([UInt8]) async throws -> Result
    ) async throws -> Result {
        let announced = request.headers[.contentLength].flatMap { Int($0) }
        let isChunked = request.headers[.transferEncoding] != nil
        // RFC 9112 section 6.3: a request that announces no body has none.
        guard isChunked || announced ?? 0 > 0 else { return try await use([]) }
        let coding = request.headers[.contentEncoding] ?? "identity"
        guard coding.lowercased() == "identity" else { throw Problem.codedBody }
        guard limit > 0, announced ?? 0 <= limit else { throw Problem.tooLarge(limit) }
        var counted = Counted(person: person ?? "", isGoverning: lane == .governing)
        defer { give(back: counted) }
        return try await use(try await collect(request, announced: announced, limit: limit, counted: &counted))
    }

    /// What one body has taken of the shares.
    private struct Counted {
        let person: String
        let isGoverning: Bool
        var size = 0
    }

    /// Whether so much more may be taken.
    private func take(_ size: Int, _ counted: inout Counted) -> Bool {
        counted.size += size
        return taken.withLock { taken in
            if !counted.isGoverning { taken.together += size }
            taken.by[counted.person, default: 0] += size
            return taken.together <= most || counted.isGoverning
                ? taken.by[counted.person, default: 0] <= share : false
        }
    }

    private func give(back counted: Counted) {
        taken.withLock { taken in
            if !counted.isGoverning { taken.together -= counted.size }
            let left = taken.by[counted.person, default: 0] - counted.size
            taken.by[counted.person] = left > 0 ? left : nil
        }
    }

    private func collect(
        _ request: Request,
        announced: Int?,
        limit: Int,
        counted: inout Counted
    ) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        // Room that nothing is written to takes no memory. It is bounded all the same: what is announced need not come.
        if let announced { bytes.reserveCapacity(min(announced, Self.mostAhead)) }
        do {
            for try await buffer in request.body {
                let size = buffer.readableBytes
                guard bytes.count + size <= limit else { throw Problem.tooLarge(limit) }
                guard take(size, &counted) else { throw Problem.tooBusy }
                bytes.append(contentsOf: buffer.readableBytesView)
            }
        } catch let problem as Problem {
            throw problem
        } catch {
            // Ignorable: the client that sent it has gone, and hardly hears the answer.
            throw Problem.brokenBody
        }
        // A connection that closed in the middle ends the body without an error.
        guard announced == nil || announced == bytes.count else { throw Problem.brokenBody }
        return bytes
    }
}
