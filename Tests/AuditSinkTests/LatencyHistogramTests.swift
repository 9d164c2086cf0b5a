import Testing

@testable import AuditSink

@Suite("How long calls took, in buckets")
struct LatencyHistogramTests {
    @Test("Buckets follow each other without a gap, and each is at most an eighth of its bound wide")
    func buckets() {
        var end = 0
        for bucket in 0..<LatencyHistogram.buckets {
            let bounds = LatencyHistogram.bounds(bucket)
            #expect(bounds.lowerBound == end)
            #expect(bounds.count <= max(1, bounds.lowerBound / 8))
            for milliseconds in [bounds.lowerBound, bounds.upperBound - 1] {
                #expect(LatencyHistogram.bucket(milliseconds: milliseconds) == bucket)
            }
            end = bounds.upperBound
        }
        #expect(LatencyHistogram.bucket(milliseconds: .max) == LatencyHistogram.buckets - 1)
        #expect(LatencyHistogram.bucket(milliseconds: -1) == 0)
    }

    @Test("A percentile is off by a sixteenth at most", arguments: [1, 7, 100, 1000])
    func percentiles(count: Int) throws {
        var random = Seeded(count)
        let values = (0..<count).map { _ in Int.random(in: 0..<60_000, using: &random) }.sorted()
        var histogram = LatencyHistogram()
        for value in values { histogram.add(milliseconds: value) }
        #expect(histogram.count == count)
        for part in [0.5, 0.95, 0.99] {
            let rank = max(Int((Double(count) * part).rounded(.up)), 1)
            let exact = values[rank - 1]
            let read = try #require(histogram.percentile(part))
            #expect(abs(read - exact) <= max(1, exact / 16))
        }
        #expect(LatencyHistogram().percentile(0.5) == nil)
    }

    @Test("What is stored is read again; bytes that are none are refused")
    func bytes() throws {
        var random = Seeded(1)
        for count in [0, 1, 3, 500] {
            var histogram = LatencyHistogram()
            for _ in 0..<count { histogram.add(milliseconds: Int.random(in: 0..<2_000_000, using: &random)) }
            #expect(LatencyHistogram(histogram.bytes)?.percentile(0.5) == histogram.percentile(0.5))
            #expect(LatencyHistogram(histogram.bytes)?.count == count)
        }
        for bytes: [UInt8] in [[], [0x80], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [200, 1, 1]] {
            #expect(LatencyHistogram(bytes) == nil)
        }
    }
}
