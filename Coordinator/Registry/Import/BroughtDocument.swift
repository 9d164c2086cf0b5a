internal import Contract
package import StrictJSON

/// A document that an administrator brings in, with the file that it came in.
package struct BroughtDocument: Sendable {
    /// Nil where it came alone.
    package let place: String?
    let json: JSONValue

    /// The most of them at once.
    private static let most = 1_000

    /// Reads `documents[]`; throws `ShapeError`.
    package static func list(_ reader: inout ObjectReader) throws -> [BroughtDocument] {
        let elements = try reader.elements("documents")
        guard (1...most).contains(elements.count) else {
            throw ShapeError(reader.path("documents"), "must have 1 to \(most) members")
        }
        return try elements.map { element in
            try ObjectReader.read(element.value, at: element.place) { document in
                let place = try document.optionalText("file")
                guard place?.utf8.count ?? 0 <= 1024 else { throw ShapeError(document.path("file"), "is too long") }
                return BroughtDocument(place: place, json: try document.required("server"))
            }
        }
    }

    /// The document, judged, with our settings in it where it has them.
    func judged() throws(ShapeError) -> ServerDocument {
        do {
            let bytes = json.bytes
            guard bytes.count <= ServerDocument.limits.maxBytes else {
                throw ShapeError("", "is longer than \(ServerDocument.limits.maxBytes >> 10) KiB")
            }
            // Within the depth that entries are read with, too.
            let document = try ServerDocument(try JSONValue(parsing: bytes, limits: ServerDocument.limits))
            if document.meta.settings != nil { try EntryMaker(document: document).judgeSettings() }
            return document
        } catch let error as ShapeError {
            throw error
        } catch {
            throw ShapeError("", "\(error)")
        }
    }

    /// Where something is wrong in it: `FILE: remotes/0/url`.
    func problem(_ error: ShapeError) -> FieldProblem {
        FieldProblem(
            [place, error.place].compactMap { $0?.isEmpty == false ? $0 : nil }.joined(separator: ": "),
            error.why
        )
    }
}
