internal import Bytes
internal import MCP
internal import NIOCore
internal import StrictJSON

// Lists as a whole: the pages that a server cuts are asked for one after the other, within one call and one pair of records.
extension Call {
    /// Takes a page of the list in, where there is more than one; false for an answer that is to be judged as it is.
    func takePage(_ envelope: Envelope, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard envelope.kind == .response else { return isEnd(envelope, bytes) }
        guard list != nil || envelope.nextCursor != nil else { return false }
        var pages = list ?? WholeList(method, bounds: gate.configuration.list, limits: gate.replyLimits)
        // It is not to be copied for each page.
        list = nil
        do throws(WholeList.Problem) {
            switch try pages.take(bytes) {
            case .next(let cursor):
                list = pages
                connection.account()
                askForPage(behind: cursor)
            case .end:
                answer(with: pages)
            }
        } catch {
            stop(machine.cannotList(error, gate.configuration.list))
        }
        return true
    }

    /// A server that writes an empty cursor where it means none refuses it in the end; what it gave before is the list.
    private func isEnd(_ envelope: Envelope, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let list, page?.cursor.utf8.isEmpty == true else { return false }
        answer(with: list)
        return true
    }

    private func answer(with list: WholeList) {
        self.list = nil
        page = nil
        isWholeList = false
        list.response(id: literalID ?? []).withUnsafeBufferPointer { answer(scanning: $0, status: 200) }
    }

    private func askForPage(behind cursor: JSONText) {
        let request = connection.request
        let page = request.withUnsafeReadableBytes { bytes in
            ListPageRequest(
                behind: cursor,
                of: UnsafeRawBufferPointer(rebasing: bytes[body]).bindMemory(to: UInt8.self),
                id: gate.random.id(),
                limits: gate.messageLimits
            )
        }
        guard let page else {
            return stop(machine.violated("malformed", "The server's cursor cannot be sent back to it."))
        }
        self.page = page
        // A page in the middle is nothing to go on from.
        lastEvent = nil
        if isCommitted { sendEvents(isLast: false) } else { connection.events.clear() }
        perform(machine.pageReceived(isOver: exchange == nil))
    }
}

/// The request for one page of a list behind the first, in the client's own words.
struct ListPageRequest {
    let cursor: JSONText
    let message: ByteBuffer
    /// The literal of its id: no request of the client has this one.
    let id: [UInt8]

    /// The request; nil where the client's cannot be read.
    ///
    /// - Parameters:
    ///   - cursor: as the server gave it.
    ///   - request: the client's own request.
    ///   - id: makes an id that no client can have used.
    ///   - limits: of the client's request.
    init?(behind cursor: JSONText, of request: UnsafeBufferPointer<UInt8>, id: RandomID, limits: JSONLimits) {
        guard var message = (try? JSONValue(parsing: request, limits: limits))?.object else { return nil }
        var params = message["params"]?.object ?? JSONObject()
        params["cursor"] = .string(cursor)
        message["id"] = .text("doorward-\(id)")
        message["params"] = .object(params)
        self.cursor = cursor
        self.id = message["id"]?.bytes ?? []
        self.message = ByteBuffer(bytes: JSONValue.object(message).bytes)
    }

    var content: Range<Int> { 0..<message.readableBytes }

    /// Tells whether a result or an error answers it; an error is told to the client under the id of its own request.
    func answering(_ envelope: Envelope, _ bytes: UnsafeBufferPointer<UInt8>, _ asked: [UInt8]?) -> Answering {
        if let span = envelope.id {
            let answered = bytes[span.range]
            let isOfPage = answered.elementsEqual(id)
            let isOfClient = asked.map { answered.elementsEqual($0) } ?? false
            if envelope.kind == .response { return isOfPage ? .ours : .foreign }
            if isOfClient { return .ours }
            guard isOfPage else { return .foreign }
        }
        guard envelope.kind == .errorResponse, let error = envelope.error else { return .foreign }
        let opening = Array(#"{"jsonrpc":"2.0","id":"#.utf8) + (asked ?? Array("null".utf8))
        return .mended(opening + Array(#","error":"#.utf8) + bytes[error.range] + [UInt8(ascii: "}")])
    }
}

extension CallMachine {
    /// The pages of a list make no list.
    mutating func cannotList(_ problem: WholeList.Problem, _ bounds: WholeList.Bounds) -> CallAction {
        switch problem {
        case .tooLarge: tooLarge()
        case .tooManyPages:
            tooLong(
                "too_many_pages",
                "The list of {server} has over \(bounds.pages) pages, which is more than is read."
            )
        case .tooManyItems:
            tooLong(
                "too_many_items",
                "The list of {server} has over \(bounds.items) entries, which is more than is read."
            )
        case .cursorCycle:
            violated("cursor_cycle", "The pages of the list of {server} go round in a circle: tell its operator.")
        case .unreadable(let error):
            violated("malformed", "The server's list cannot be read: \(error.reason).")
        }
    }
}
