/// Why bytes are no gzip stream, or no whole one.
package enum GzipError: Error, Equatable {
    /// They are not what a gzip stream has in this place, or its checksum is another.
    case damaged
    /// They end before the stream does.
    case truncated
}
