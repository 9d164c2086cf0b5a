internal import Contract
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Synchronization

/// Reads bodies whole, within a limit for each and one for all of them together.
final class BodyReader: Sendable {
    /// What all bodies that are being read or worked on may take.
    static let mostTogether = 256 << 20

    private let together = Atomic<Int>(0)

    /// Reads a body and gives it to `use`, counting it until that returns.
    ///
    /// - Parameters:
    ///   - request: Whose body; it is read at most once.
    ///   - limit: The largest body in bytes.
    ///   - use: What is done with it.
    /// - Returns: What `use` returns.
    /// - Throws: a `Problem`, what `use` throws.
    func read<Result>(
        _ request: Request,
        atMost limit: Int,
        _ use: ([UInt8]) async throws -> Result
    ) async throws -> Result {
        let announced = request.headers[.contentLength].flatMap { Int($0) }
        guard announced ?? 0 <= limit else { throw Problem.tooLarge(limit) }
        let size = announced ?? limit
        guard together.add(size, ordering: .relaxed).newValue <= Self.mostTogether else {
            together.subtract(size, ordering: .relaxed)
            throw Problem.tooBusy
        }
        defer { together.subtract(size, ordering: .relaxed) }
        return try await use(try await collect(request, announced: announced, limit: limit))
    }

    private func collect(_ request: Request, announced: Int?, limit: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        do {
            for try await buffer in request.body {
                guard bytes.count + buffer.readableBytes <= limit else { throw Problem.tooLarge(limit) }
                bytes.append(contentsOf: buffer.readableBytesView)
            }
        } catch let problem as Problem {
            throw problem
        } catch {
            // Ignorable: whoever sent it has gone, and hardly hears the answer.
            throw Problem.brokenBody
        }
        // A connection that closed in the middle ends the body without an error.
        guard announced == nil || announced == bytes.count else { throw Problem.brokenBody }
        return bytes
    }
}
