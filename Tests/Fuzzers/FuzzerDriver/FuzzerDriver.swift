/// libFuzzer's own loop (https://llvm.org/docs/LibFuzzer.html, "Using libFuzzer as a library").
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ body: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt

/// The arguments of a fuzzer's `main`.
public typealias FuzzerArguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

/// What the main function of every fuzzer does: it tries inputs as long as its arguments say.
///
/// What SwiftPM's linker calls `main` has the name of its module (`@_cdecl("ListFuzzer_main")`).
///
/// - Parameters:
///   - count: the number of arguments.
///   - arguments: libFuzzer's own options.
///   - body: tries one input, and crashes where something does not hold.
/// - Returns: the status of the process.
public func fuzz(
    _ count: CInt,
    _ arguments: FuzzerArguments?,
    _ body: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt {
    var count = count
    var arguments = arguments
    return runDriver(&count, &arguments, body)
}
