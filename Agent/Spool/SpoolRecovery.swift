internal import Errors
internal import Glibc
internal import ServiceKit
internal import TransparencyLog

/// Reads a spool's folder when it is opened, and decides which of its contents are valid.
///
/// Three things are told apart:
/// * What was being written when the agent was killed or the power went: the end of the last file, without a hash. It
///   is cut off and counted, since no call had left before its record was there whole.
/// * What is not as it was written (a hash that does not fit, a gap in the numbers, bytes that are not a record with
///   records behind them, a hash whose record is gone): damage. The coordinator cannot be told what was there, and a
///   log that went on without it would be another log; so the spool does not open, nothing is recorded, and the agent
///   denies every call until a person has seen to it.
/// * Damage in what the coordinator has countersigned already does no harm and is left alone; it is noticed only when a
///   user looks at that record.
struct SpoolRecovery {
    /// What was signed cannot be made whole again: only another log can go on.
    static let next = "doorward logout --offline"

    let folder: SpoolFolder
    private(set) var state: SpoolState
    private(set) var segments: [SegmentFile] = []
    private(set) var open: OpenCalls
    /// How many half-written lines were cut off.
    private(set) var torn = 0

    init(_ folder: SpoolFolder) throws(SpoolError) {
        self.folder = folder
        let names = try folder.names()
        var firsts = names.compactMap(SegmentFile.first(name:)).sorted()
        guard let state = try SpoolState.load(folder) ?? (firsts.isEmpty ? SpoolState(countersigned: .init()) : nil)
        else { throw Self.damage(folder.path(SpoolState.name), "is missing beside records") }
        self.state = state
        open = OpenCalls(first: 0)
        // What a crash left half written.
        for name in names where name.hasSuffix(".part") && !state.isContinuing { try folder.remove(name) }
        if state.isContinuing {
            try SpoolContinuation.finish(state, in: folder)
            self.state.isContinuing = false
            firsts = [state.countersigned.size]
        }
        if firsts.isEmpty {
            guard state.countersigned.size == 0 else { throw Self.damage(folder.path, "has lost its records") }
            try begin()
            firsts = [0]
        }
        guard firsts[0] <= state.countersigned.size else {
            throw Self.damage(folder.path, "has lost the records from \(state.countersigned.size) on")
        }
        open = try OpenCalls.load(folder) ?? OpenCalls(first: firsts[0])
        if !firsts.contains(open.first) { open = OpenCalls(first: firsts[0]) }
        try read(firsts)
        guard let last = segments.last, last.end >= state.countersigned.size else {
            throw Self.damage(folder.path, "has lost records before \(state.countersigned.size)")
        }
    }

    private func begin() throws(SpoolError) {
        try state.save(folder)
        close(try folder.open(SegmentFile(first: 0, end: 0, bytes: 0).name, O_WRONLY | O_CREAT | O_EXCL))
    }

    // MARK: Segments

    private mutating func read(_ firsts: [UInt64]) throws(SpoolError) {
        for (index, first) in firsts.enumerated() {
            let following = index + 1 < firsts.count ? firsts[index + 1] : nil
            var segment = SegmentFile(first: first, end: following ?? first, bytes: 0)
            segment.bytes = try folder.size(segment.name) ?? 0
            let hashes = (try folder.size(segment.hashName) ?? 0) / Hash.length
            if let following {
                let isCovered = following <= state.countersigned.size
                if first < open.first, isCovered || UInt64(hashes) == following - first {
                    segment.denied = open.denied[first] ?? 0
                    segments.append(segment)
                    continue
                }
            }
            let scan = try SegmentScan(segment, in: folder)
            for line in scan.lines {
                if line.withUnsafeBytes(RecordLine.kind) == .deny { segment.denied += line.count + 1 }
                if first >= open.first { open.follow(line) }
            }
            segment.end = first + UInt64(scan.lines.count)
            let isShort = following.map { segment.end < $0 } ?? false
            if let flaw = scan.flaw ?? (isShort ? SegmentScan.Flaw(why: "ends too early", isTorn: true) : nil) {
                guard flaw.isTorn, try isTornBehind(index, firsts) else {
                    throw Self.damage("\(folder.path(segment.name)):\(scan.lines.count + 1)", flaw.why)
                }
                torn += flaw.lines
                try scan.writeHashes(in: folder)
                try cut(segment, to: scan.bytes)
                segment.bytes = scan.bytes
                segments.append(segment)
                try removeBehind(index, firsts)
                break
            }
            if let following, segment.end > following {
                throw Self.damage("\(folder.path(segment.name)):\(following - first + 1)", "is there twice")
            }
            try scan.writeHashes(in: folder)
            segments.append(segment)
        }
        open.first = max(open.first, segments.last?.first ?? 0)
        open.denied = Dictionary(uniqueKeysWithValues: segments.map { ($0.first, $0.denied) })
        try open.save(folder)
    }

    /// Whether nothing behind a torn segment was known to be durable: the power went while a new one was begun.
    private func isTornBehind(_ index: Int, _ firsts: [UInt64]) throws(SpoolError) -> Bool {
        for first in firsts[(index + 1)...] {
            let later = SegmentFile(first: first, end: first, bytes: 0)
            guard try folder.size(later.hashName) ?? 0 == 0 else { return false }
        }
        return true
    }

    private mutating func removeBehind(_ index: Int, _ firsts: [UInt64]) throws(SpoolError) {
        for first in firsts[(index + 1)...] {
            let later = SegmentFile(first: first, end: first, bytes: 0)
            var lines = LineReader(try folder.read(later.name))
            while lines.next() != nil { torn += 1 }
            try folder.remove(later.name)
            try folder.remove(later.hashName)
        }
    }

    private func cut(_ segment: SegmentFile, to bytes: Int) throws(SpoolError) {
        guard truncate(folder.path(segment.name), off_t(bytes)) == 0 else {
            throw folder.failure("cannot be truncated", folder.path(segment.name))
        }
    }

    static func damage(_ place: String, _ why: String) -> SpoolError {
        SpoolError(.damaged, "\(place) \(why)", next: next)
    }
}
