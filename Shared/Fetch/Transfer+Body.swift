import CCurl
import Glibc

// What goes out behind the head of a request.
extension Transfer {
    /// A longer body is handed over piece by piece: of all others curl makes a copy.
    private static let longestCopied = 64 << 10

    /// Has curl send a body.
    func setUpBody(_ body: [UInt8]) {
        cc_set_long(handle, CURLOPT_POST, 1)
        cc_set_size(handle, CURLOPT_POSTFIELDSIZE_LARGE, Int64(body.count))
        guard body.count > Self.longestCopied else {
            cc_set_bytes(handle, CURLOPT_COPYPOSTFIELDS, body)
            return
        }
        let context = Unmanaged.passUnretained(self).toOpaque()
        cc_set_context(handle, CURLOPT_READDATA, context)
        cc_set_context(handle, CURLOPT_SEEKDATA, context)
        cc_on_read(handle) { target, size, count, context in
            Transfer.from(context).give(UnsafeMutableRawBufferPointer(start: target, count: size * count))
        }
        cc_on_seek(handle) { context, offset, origin in
            Transfer.from(context).give(from: Int(offset), origin)
        }
    }

    /// Gives as much of the body as fits; returns how much that is.
    private func give(_ target: UnsafeMutableRawBufferPointer) -> Int {
        guard let body = request.body else { return 0 }
        let count = min(target.count, body.count - given)
        body.withUnsafeBytes {
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[given..<given + count]))
        }
        given += count
        return count
    }

    /// Begins again: curl sends a second time when a connection that was kept turns out dead.
    private func give(from offset: Int, _ origin: Int32) -> Int32 {
        guard origin == SEEK_SET, let body = request.body, (0...body.count).contains(offset) else {
            return CURL_SEEKFUNC_FAIL
        }
        given = offset
        return CURL_SEEKFUNC_OK
    }
}
