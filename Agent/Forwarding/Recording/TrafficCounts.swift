/// What went through since the agent began; most of it leaves no record of its own.
package struct TrafficCounts: Sendable, Equatable {
    package internal(set) var calls = 0
    package internal(set) var notifications = 0
    package internal(set) var pings = 0
}
