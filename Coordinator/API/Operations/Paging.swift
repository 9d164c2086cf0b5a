internal import Bytes
internal import Contract
internal import Database
internal import HTTPTypes
internal import StrictJSON

/// Lists in pages: `?limit=&cursor=`, and `next` in the answer.
enum Paging {
    /// The fields of a query that ask for a page.
    static let fields: Set = ["limit", "cursor"]
    /// How many a page has where nothing is said, and at most.
    static let usual = 200
    static let most = 1000

    /// A page of a list that is at hand as a whole, in whatever order it has.
    ///
    /// - Parameters:
    ///   - items: All of it.
    ///   - page: Which part; its cursor names the item before it.
    ///   - key: What names an item.
    /// - Returns: That part.
    /// - Throws: A `Problem` for a cursor of an item that is not there any more.
    static func part<Item>(of items: [Item], _ page: PageRequest, _ key: (Item) -> [SQLValue]) throws -> Page<Item> {
        var start = 0
        if let after = page.after {
            guard let place = items.firstIndex(where: { key($0) == after }) else { throw Problem.lostPlace }
            start = place + 1
        }
        let part = items[start...].prefix(page.limit)
        return Page(Array(part), next: part.endIndex < items.endIndex ? part.last.map(key) : nil)
    }

    /// The cursor that names a place in a list; its reader takes it as it is.
    static func cursor(_ place: [SQLValue]) throws -> String {
        let values = place.map { value -> JSONValue in
            switch value {
            case .integer(let integer): .int(integer)
            case .text(let text): .text(text)
            case .null, .blob, .stretch: .null
            }
        }
        return Base64.url(try JSONValue.array(values).canonicalBytes())
    }

    /// The place that a cursor names; nil for one that was not given out here.
    static func place(_ cursor: String) -> [SQLValue]? {
        guard cursor.utf8.count <= 4096, let bytes = Base64.decodeURL(cursor.utf8),
            let json = try? JSONValue(
                parsing: bytes,
                limits: JSONLimits(maxBytes: 4096, maxDepth: 2),
                topLevel: .anything
            ), let values = json.array
        else { return nil }
        var place: [SQLValue] = []
        for value in values {
            if let integer = value.int {
                place.append(.integer(integer))
            } else if let text = value.text {
                place.append(.text(text))
            } else {
                return nil
            }
        }
        return place
    }
}

extension Call {
    /// The page of a list that the query asks for; throws a `Problem`.
    func page() throws -> PageRequest {
        let limit = try RequestTarget.numbers(of: query.filter { $0.key == "limit" })["limit"] ?? Paging.usual
        guard (1...Paging.most).contains(limit) else {
            throw Problem.badQuery("needs a number from 1 to \(Paging.most) for limit")
        }
        guard let cursor = query["cursor"] else { return PageRequest(limit: limit) }
        guard let place = Paging.place(cursor) else { throw Problem.badQuery("needs a cursor of this list for cursor") }
        return PageRequest(limit: limit, after: place)
    }
}

extension Answer {
    /// A page of a list: the items under its name, and in `next` the cursor of the page behind it.
    static func list<Item>(
        _ name: JSONText,
        _ page: Page<Item>,
        _ json: (Item) throws -> JSONValue
    ) throws -> Answer {
        .json([
            name: .array(try page.items.map(json)),
            "next": try page.next.map { .text(try Paging.cursor($0)) } ?? .null,
        ])
    }
}

extension Problem {
    /// What a cursor names has gone.
    fileprivate static let lostPlace = Problem(
        "cursor_lost",
        status: 410,
        title: "The list has changed at this place",
        detail: "What the cursor names is not in the list any more.",
        next: "Begin again without a cursor."
    )
}
