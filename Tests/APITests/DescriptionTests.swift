import Contract
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import StrictJSON
import Testing

@testable import API

@Suite("The description of the API")
struct DescriptionTests {
    /// What programs use: all but pages for people, and what browsers ask on their own account.
    private func described(_ office: Office) -> [API.Operation] {
        office.operations.filter { operation in
            let roots = ["/v1/", "/v0.1/", "/healthz", "/readyz", "/metrics", "/openapi.json"]
            return roots.contains { operation.path.hasPrefix($0) } && operation.method != "OPTIONS"
        }
    }

    @Test("Every operation for programs is described, and nothing else is")
    func complete() throws {
        let office = try Office()
        let names = Set(described(office).map(\.name))
        #expect(names.subtracting(OperationDescription.all.keys).isEmpty, "describe it in Coordinator/API/Description")
        #expect(Set(OperationDescription.all.keys).subtracting(names).isEmpty)
    }

    @Test("The fields of a query are those that are taken, and the segments of a path those that vary")
    func fields() throws {
        let office = try Office()
        for operation in described(office) {
            let description = try #require(OperationDescription.all[operation.name])
            #expect(Set(description.query.keys) == operation.query, "\(operation.name)")
            let segments = operation.path.split(separator: "/").filter { $0.hasPrefix("{") }
            #expect(Set(description.path.keys).isSubset(of: segments.map { String($0.dropFirst().dropLast()) }))
            // What has a body is described with one, and a form or document is not described where none is read.
            if case .nothing = description.body { continue }
            #expect(operation.largestBody > 0, "\(operation.name)")
        }
    }

    @Test("No path leads to two operations: no name of a thing is a word of the API")
    func unambiguous() throws {
        let office = try Office()
        let paths = Set(described(office).map(\.path)).map { path in
            path.split(separator: "/").map { $0.hasPrefix("{") ? nil : String($0) }
        }
        for (index, one) in paths.enumerated() {
            for other in paths.dropFirst(index + 1) where other.count == one.count {
                #expect(!zip(one, other).allSatisfy { $0 == nil || $1 == nil || $0 == $1 }, "\(one) and \(other)")
            }
        }
    }

    @Test("It is served to anybody, says who may use each operation, and leads to nothing that is not there")
    func document() async throws {
        let office = try Office()
        let json = try await office.test { client in
            let answer = try await client.send("GET", "/openapi.json")
            #expect(answer.status == .ok && answer.headers[.contentType] == "application/json")
            return try JSONValue(parsing: Array(buffer: answer.body), limits: .reply)
        }
        #expect(json["openapi"] == "3.1.0")
        var ids: [String] = []
        for operation in described(office) {
            let item = try #require(json["paths"]?[JSONText(operation.path)]?[JSONText(operation.method.lowercased())])
            #expect(item["x-doorward-role"]?.text == operation.access.word)
            #expect(item["summary"]?.text?.hasSuffix(".") == true, "\(operation.name)")
            ids.append(try #require(item["operationId"]?.text))
        }
        #expect(Set(ids).count == ids.count)
        for reference in Self.references(json) {
            let path = try #require(reference.hasPrefix("#/") ? reference.dropFirst(2).split(separator: "/") : nil)
            #expect(path.reduce(Optional(json)) { $0?[JSONText(String($1))] } != nil, "\(reference)")
        }
    }

    private static func references(_ json: JSONValue) -> [String] {
        if let members = json.object {
            return members.members.flatMap { member in
                member.name == "$ref" ? [member.value.text ?? ""] : references(member.value)
            }
        }
        return (json.array ?? []).flatMap(references)
    }
}
