internal import Contract
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Synchronization

/// Reads bodies whole, within a limit for each and one for all of them together.
///
/// What counts is what has arrived: whoever announces a body and sends none, or waits for his answer without one, takes
/// nothing away from others.
final class BodyReader: Sendable {
    /// What all bodies that are being read or worked on may take.
    static let mostTogether = 256 << 20

    private let most: Int
    private let together = Atomic<Int>(0)

    /// A reader of bodies that may take `most` bytes together.
    init(most: Int = BodyReader.mostTogether) {
        self.most = most
    }

    /// Reads a body and gives it to `use`, counting it until that returns.
    ///
    /// - Parameters:
    ///   - request: Whose body; it is read at most once.
    ///   - limit: The largest body in bytes; 0: there must be none.
    ///   - use: What is done with it.
    /// - Returns: What `use` returns.
    /// - Throws: a `Problem`, what `use` throws.
    func read<Result>(
        _ request: Request,
        atMost limit: Int,
        _ use: ([UInt8]) async throws -> Result
    ) async throws -> Result {
        let announced = request.headers[.contentLength].flatMap { Int($0) }
        let isChunked = request.headers[.transferEncoding] != nil
        // RFC 9112 section 6.3: a request that announces no body has none.
        guard isChunked || announced ?? 0 > 0 else { return try await use([]) }
        guard limit > 0, announced ?? 0 <= limit else { throw Problem.tooLarge(limit) }
        var counted = 0
        defer { together.subtract(counted, ordering: .relaxed) }
        return try await use(try await collect(request, announced: announced, limit: limit, counted: &counted))
    }

    private func collect(
        _ request: Request,
        announced: Int?,
        limit: Int,
        counted: inout Int
    ) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        do {
            for try await buffer in request.body {
                let size = buffer.readableBytes
                guard bytes.count + size <= limit else { throw Problem.tooLarge(limit) }
                counted += size
                guard together.add(size, ordering: .relaxed).newValue <= most else { throw Problem.tooBusy }
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
