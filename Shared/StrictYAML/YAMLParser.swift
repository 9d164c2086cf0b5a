internal import CYaml

/// libyaml over bytes that outlive it.
///
/// Yams, which brings libyaml, composes nodes of its own from it; those no longer tell a `!` before plain text from
/// none, and compare aliases before anybody can refuse them. So its events are read here.
struct YAMLParser: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>

    /// Runs `body` with a parser of `bytes`.
    static func over<Result>(
        _ bytes: [UInt8],
        _ body: (borrowing YAMLParser) throws(YAMLError) -> Result
    ) throws(YAMLError) -> Result {
        try bytes.withUnsafeBufferPointer { bytes throws(YAMLError) in
            let parser = try YAMLParser(bytes)
            return try body(parser)
        }
    }

    private init(_ bytes: UnsafeBufferPointer<UInt8>) throws(YAMLError) {
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            throw YAMLError(.syntax("there is no memory to read it"), line: 1, column: 1)
        }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
        self.parser = parser
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    /// Gives `body` the next token.
    func withToken<Result>(_ body: (yaml_token_t) throws(YAMLError) -> Result) throws(YAMLError) -> Result {
        var token = yaml_token_t()
        guard yaml_parser_scan(parser, &token) == 1 else { throw failure }
        defer { yaml_token_delete(&token) }
        return try body(token)
    }

    /// Gives `body` the next event.
    func withEvent<Result>(_ body: (yaml_event_t) throws(YAMLError) -> Result) throws(YAMLError) -> Result {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw failure }
        defer { yaml_event_delete(&event) }
        return try body(event)
    }

    private var failure: YAMLError {
        let mark = parser.pointee.problem_mark
        // The messages are constants of libyaml.
        let words = parser.pointee.problem.map { String(cString: $0) } ?? "this is no YAML"
        return YAMLError(.syntax(words), at: mark)
    }
}

extension YAMLError {
    init(_ reason: Reason, at mark: yaml_mark_t) {
        self.init(reason, line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }
}
