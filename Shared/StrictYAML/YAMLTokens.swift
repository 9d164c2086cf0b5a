internal import CYaml

/// The first look at a file: what no file may hold, in any place.
enum YAMLTokens {
    /// Refuses anchors, aliases, tags and directives, and what is nested too deeply.
    ///
    /// They are tokens, and all of them are seen here; among events a `!` before plain text is not.
    static func refuseForbidden(in bytes: [UInt8], maxDepth: Int) throws(YAMLError) {
        try YAMLParser.over(bytes) { parser throws(YAMLError) in
            var depth = 0
            var isOver = false
            while !isOver {
                try parser.withToken { token throws(YAMLError) in
                    switch token.type {
                    case YAML_STREAM_END_TOKEN: isOver = true
                    case YAML_ANCHOR_TOKEN: throw YAMLError(.anchor, at: token.start_mark)
                    case YAML_ALIAS_TOKEN: throw YAMLError(.alias, at: token.start_mark)
                    case YAML_TAG_TOKEN: throw YAMLError(.tag, at: token.start_mark)
                    case YAML_VERSION_DIRECTIVE_TOKEN, YAML_TAG_DIRECTIVE_TOKEN:
                        throw YAMLError(.directive, at: token.start_mark)
                    case YAML_BLOCK_SEQUENCE_START_TOKEN, YAML_BLOCK_MAPPING_START_TOKEN,
                        YAML_FLOW_SEQUENCE_START_TOKEN, YAML_FLOW_MAPPING_START_TOKEN:
                        depth += 1
                        if depth > maxDepth { throw YAMLError(.tooDeep, at: token.start_mark) }
                    case YAML_BLOCK_END_TOKEN, YAML_FLOW_SEQUENCE_END_TOKEN, YAML_FLOW_MAPPING_END_TOKEN:
                        depth -= 1
                    default: break
                    }
                }
            }
        }
    }
}
