import Contract
import StrictJSON
import TransparencyLog

extension JSONValue {
    /// The counter in the signed state of a sync answer.
    var syncCounter: Int? {
        get throws {
            let note = try Note(parsing: Array(try SyncAnswer(self).state.utf8))
            let origin = String(decoding: note.text.prefix { $0 != 0x0A }, as: UTF8.self)
            return try SignedDocument.json(text: note.text, origin: origin).map { try StateDocument($0).counter }
        }
    }
}
