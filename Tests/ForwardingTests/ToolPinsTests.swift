import AuditLog
import MCP
import StrictJSON
import Testing
import TransparencyLog

@testable import Forwarding

@Suite("The definitions of a server's tools")
struct ToolPinsTests {
    /// Pins with what they have told.
    private final class Watched {
        private(set) var changes = 0
        private(set) var shown: [JSONText] = []
        private let kept: KeptPins?
        private(set) lazy var pins = ToolPins(
            server: "up",
            kept: kept,
            changed: { self.changes += 1 },
            shown: { self.shown.append($0) }
        )

        init(kept: KeptPins? = nil) {
            self.kept = kept
        }
    }

    private static let entry = Hash.of([1])

    private func definition(_ name: String, _ description: String = "d") -> [UInt8] {
        Array(#"{"name":"\#(name)","description":"\#(description)"}"#.utf8)
    }

    private func digest(_ entry: [UInt8]) -> Hash { .of(ToolDefinition(entry).text) }

    /// Shows a list; returns the names that pass.
    @discardableResult
    private func list(_ pins: ToolPins, _ entries: [UInt8]..., hasMore: Bool = false) -> [String] {
        let passed = entries.compactMap { entry -> String? in
            let name = ToolDefinition(entry).name ?? ""
            let passes = name.utf8.withUnsafeBufferPointer { name in
                entry.withUnsafeBufferPointer { pins.admits(name, $0) }
            }
            return passes ? name.string : nil
        }
        pins.listEnded(hasMore: hasMore)
        return passed
    }

    private func mayCall(_ pins: ToolPins, _ name: JSONText) -> Bool {
        name.utf8.withUnsafeBufferPointer(pins.mayCall)
    }

    private func pinned(_ mode: ToolPinning.Mode = .firstUse, _ approved: [JSONText: [Hash]]? = nil) -> ToolPinning {
        ToolPinning(mode: mode, entry: Self.entry, approved: approved)
    }

    @Test(
        "What a definition says is believed of a server that is trusted with it, as long as the definition is approved"
    )
    func hints() throws {
        let safe = Array(#"{"name":"a","annotations":{"readOnlyHint":true}}"#.utf8)
        func hints(_ pins: ToolPins) -> ToolHints { Array("a".utf8).withUnsafeBufferPointer(pins.hints) }
        let watched = Watched()
        let pins = watched.pins
        pins.take(pinned())
        list(pins, safe)
        #expect(hints(pins) == .assumed)
        var trusted = pinned()
        trusted.trustsAnnotations = true
        pins.take(trusted)
        #expect(hints(pins) == [.readOnly, .openWorld])
        // Another definition is held back, and with it the tool; the first one is still what was approved.
        list(pins, Array(#"{"name":"a","annotations":{"destructiveHint":false}}"#.utf8))
        #expect(!mayCall(pins, "a"))
        #expect(hints(pins) == [.readOnly, .openWorld])
        // Over a restart it is known before the next list.
        let kept = try #require(pins.kept)
        let next = Watched(kept: kept).pins
        #expect(hints(next) == .assumed)
        next.take(trusted)
        #expect(hints(next) == [.readOnly, .openWorld])
        // What the organisation has approved counts alone.
        var others = pinned(.firstUse, ["a": [Hash.of([7])]])
        others.trustsAnnotations = true
        next.take(others)
        #expect(hints(next) == .assumed)
        others.approved = ["a": [digest(safe)]]
        next.take(others)
        #expect(hints(next) == [.readOnly, .openWorld])
        others.trustsAnnotations = false
        next.take(others)
        #expect(hints(next) == .assumed)
        #expect(next.kept?.hints.isEmpty ?? true)
    }

    @Test("What is shown first passes, and what changes or is new after that is held back")
    func firstUse() throws {
        let pins = Watched().pins
        pins.take(pinned())
        #expect(list(pins, definition("a"), definition("b")) == ["a", "b"])
        #expect(list(pins, definition("a"), definition("b", "d\u{200B}"), definition("c")) == ["a"])
        #expect(mayCall(pins, "a") && !mayCall(pins, "b") && !mayCall(pins, "c"))
        #expect(pins.hasChanged("b") && !pins.hasChanged("c"))
        // What comes back to what it was is good again.
        #expect(list(pins, definition("b")) == ["b"])
        #expect(mayCall(pins, "b"))
    }

    @Test("A first list of several pages is one, and an empty one is none")
    func pages() {
        let pins = Watched().pins
        pins.take(pinned())
        list(pins)
        #expect(list(pins, definition("a"), hasMore: true) == ["a"])
        #expect(pins.report == nil)
        #expect(list(pins, definition("b")) == ["b"])
        #expect(pins.report?.isFirst == true)
        #expect(pins.report?.tools.map(\.name) == ["a", "b"])
        #expect(list(pins, definition("c")) == [])
    }

    @Test("A tool that changes while the first list is walked is held back")
    func changedWithinFirst() {
        let pins = Watched().pins
        pins.take(pinned())
        list(pins, definition("a"), hasMore: true)
        #expect(list(pins, definition("a", "other")) == [])
    }

    @Test("A tool that no list has named passes at first use, and not where all have to be approved")
    func unlisted() {
        let pins = Watched().pins
        pins.take(pinned())
        list(pins, definition("a"))
        #expect(mayCall(pins, "unlisted"))
        pins.take(pinned(.approve))
        #expect(!mayCall(pins, "unlisted") && !mayCall(pins, "a"))
        pins.take(pinned(.approve, ["a": [digest(definition("a"))]]))
        #expect(mayCall(pins, "a") && pins.shows("a") && !pins.shows("b"))
    }

    @Test("What the organisation has approved counts, whatever was shown first")
    func approval() {
        let watched = Watched()
        let pins = watched.pins
        pins.take(pinned())
        list(pins, definition("a"), definition("b"))
        #expect(watched.shown.isEmpty)
        // Somebody else was shown another definition of b before.
        pins.take(pinned(.firstUse, ["a": [digest(definition("a"))], "b": [digest(definition("b", "other"))]]))
        #expect(!mayCall(pins, "b") && mayCall(pins, "a"))
        #expect(watched.shown == ["up"])
        #expect(pins.report?.isFirst == false)
        #expect(pins.report?.tools.map(\.name) == ["b"])
        pins.take(pinned(.firstUse, ["a": [digest(definition("a"))], "b": [digest(definition("b"))]]))
        #expect(mayCall(pins, "b"))
        #expect(watched.shown == ["up", "up"])
        #expect(pins.report?.tools == [])
    }

    @Test("Clients are told where a tool appears or vanishes, and not of one that they never saw")
    func shown() {
        let watched = Watched()
        let pins = watched.pins
        pins.take(pinned(.firstUse, ["a": [digest(definition("a"))]]))
        list(pins, definition("a"), definition("new"))
        #expect(watched.shown.isEmpty)
        list(pins, definition("a", "changed"))
        #expect(watched.shown == ["up"])
        list(pins, definition("a", "changed again"))
        #expect(watched.shown == ["up"])
        list(pins, definition("a"))
        #expect(watched.shown == ["up", "up"])
    }

    @Test("Each definition is reported once, and what came back to what it was too")
    func reports() throws {
        let pins = Watched().pins
        pins.take(pinned())
        list(pins, definition("a"))
        let first = try #require(pins.report)
        pins.reported(first)
        #expect(pins.report == nil)
        pins.take(pinned(.firstUse, ["a": [digest(definition("a"))]]))
        list(pins, definition("a"))
        #expect(pins.report == nil)
        list(pins, definition("a", "changed"))
        let second = try #require(pins.report)
        #expect(second.tools.map(\.definition) == [ToolDefinition(definition("a", "changed")).text])
        // It changes again while the report is under way.
        list(pins, definition("a", "again"))
        pins.reported(second)
        let third = try #require(pins.report)
        #expect(third.tools.map(\.digest) == [digest(definition("a", "again"))])
        pins.reported(third)
        list(pins, definition("a", "again"))
        #expect(pins.report == nil)
        list(pins, definition("a"))
        #expect(pins.report?.tools.map(\.digest) == [digest(definition("a"))])
    }

    @Test("What a server shows is told when it changes, and once more when that is asked for")
    func told() throws {
        let watched = Watched()
        let pins = watched.pins
        let approved: [JSONText: [Hash]] = ["a": [digest(definition("a"))], "b": [digest(definition("b"))]]
        pins.take(pinned(.firstUse, approved))
        list(pins, definition("a"), hasMore: true)
        #expect(pins.report == nil)
        list(pins, definition("b"))
        let first = try #require(pins.report)
        #expect(first.tools.isEmpty)
        #expect(first.shown == ["a": digest(definition("a")), "b": digest(definition("b"))])
        pins.reported(first)
        let changes = watched.changes
        list(pins, definition("a"), definition("b"))
        #expect(pins.report == nil && watched.changes == changes)
        pins.tellShownAgain()
        #expect(pins.report == nil)
        list(pins, definition("a"), definition("b"))
        #expect(pins.report == first)
        // It changes while the report is under way.
        list(pins, definition("a", "other"))
        pins.reported(first)
        #expect(pins.report?.shown?["a"] == digest(definition("a", "other")))
    }

    @Test("A restart is no first use, and lets nothing pass that was held back")
    func restart() throws {
        let pins = Watched().pins
        pins.take(pinned())
        list(pins, definition("a"))
        list(pins, definition("a", "changed"))
        let kept = try #require(pins.kept)
        let next = Watched(kept: kept).pins
        next.take(pinned())
        #expect(!mayCall(next, "a"))
        #expect(list(next, definition("a", "changed"), definition("b")) == [])
        #expect(list(next, definition("a")) == ["a"])
        // The coordinator may not have heard of it before the restart.
        #expect(next.report?.isFirst == true)
        #expect(next.report?.tools.contains { $0.definition == ToolDefinition(definition("a")).text } == true)
    }

    @Test("Another server under the same alias is met for the first time")
    func otherEntry() {
        let pins = Watched().pins
        pins.take(pinned())
        list(pins, definition("a"))
        pins.take(ToolPinning(entry: Hash.of([2])))
        #expect(list(pins, definition("a", "other"), definition("b")) == ["a", "b"])
        pins.clear()
        #expect(pins.kept == nil && pins.report == nil)
    }

    @Test("More tools than anybody could review are held back, and take no more room")
    func bounds() {
        let pins = Watched().pins
        pins.take(pinned())
        for number in 0..<10_001 {
            let passed = list(pins, definition("t\(number)"), hasMore: true)
            if number == 9_999 { #expect(!passed.isEmpty) }
            if number == 10_000 { #expect(passed.isEmpty) }
        }
    }
}
