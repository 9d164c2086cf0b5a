public import FuzzerDriver
import MCP
import StrictJSON

@_cdecl("ListFuzzer_main")
public func fuzzerMain(_ count: CInt, _ arguments: FuzzerArguments?) -> CInt {
    fuzz(count, arguments) { fuzzLists($0, $1) }
}

/// Takes any bytes for pages of a list, one a line: walks their cursors, and shows what is granted.
///
/// Nothing may crash; no number of pages makes a walk without an end; what is filtered is a list again, in which nothing
/// more is to be hidden; what is put together is read as a list.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzLists(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = UnsafeBufferPointer(start: data, count: count)
    var list = WholeList(.toolsList, bounds: WholeList.Bounds(pages: 8, items: 64, bytes: 1 << 16))
    var steps = 0
    for page in bytes.split(separator: UInt8(ascii: "\n")) {
        let page = UnsafeBufferPointer(rebasing: page)
        filter(page)
        guard let step = try? list.take(page) else { return 0 }
        steps += 1
        precondition(steps <= 8, "more pages than the bound")
        if step == .end { break }
    }
    guard steps > 0 else { return 0 }
    list.response(id: [UInt8(ascii: "1")]).withUnsafeBufferPointer { whole in
        precondition((try? Envelope.scan(ofServer: whole))?.kind == .response, "pages that make no answer")
        filter(whole)
    }
    return 0
}

private func filter(_ page: UnsafeBufferPointer<UInt8>) {
    let isGranted = { (name: UnsafeBufferPointer<UInt8>) in name.count.isMultiple(of: 2) }
    guard case .filtered(let shown, _)? = try? ListFilter.filter(page, method: .toolsList, isGranted: isGranted) else {
        return
    }
    shown.withUnsafeBufferPointer { shown in
        let again = try? ListFilter.filter(shown, method: .toolsList, isGranted: isGranted)
        precondition(again == .unchanged, "what was filtered is to be filtered again")
    }
}
