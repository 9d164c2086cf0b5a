internal import Contract
internal import StrictJSON

/// What was written into a form, with what was wrong with it once it was refused.
struct Form {
    private let fields: [String: String]
    private var problems: [String: String] = [:]

    /// An empty one.
    static let empty = Form([:])

    init(_ fields: [String: String]) {
        self.fields = fields
    }

    /// What was written, without blanks around it; empty for a field that was not sent.
    subscript(_ name: String) -> String {
        let bytes = Array((fields[name] ?? "").utf8)
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
        guard let start = bytes.firstIndex(where: { !isBlank($0) }), let end = bytes.lastIndex(where: { !isBlank($0) })
        else { return "" }
        return String(decoding: bytes[start...end], as: UTF8.self)
    }

    /// What was written exactly, with the line ends of browsers (RFC 1866's CR LF) as line feeds.
    func exact(_ name: String) -> String {
        (fields[name] ?? "").replacing("\r\n", with: "\n")
    }

    /// nil for a field that was left empty.
    func optional(_ name: String) -> String? {
        self[name].isEmpty ? nil : self[name]
    }

    func has(_ name: String) -> Bool { fields[name] != nil }

    func wrong(_ name: String) -> String? { problems[name] }

    /// The form with what a refusal says of its fields.
    func refused(_ refusal: Refused) -> Form {
        var form = self
        for problem in refusal.members["problems"]?.array ?? [] {
            guard let place = problem["where"]?.text, let why = problem["why"]?.text else { continue }
            // `alias` of `_meta/.../alias`: a field is called as the member that it becomes.
            let name = place.split(separator: "/").last.map { String($0) } ?? place
            form.problems[name] = why.prefix(1).uppercased() + why.dropFirst()
        }
        return form
    }
}
