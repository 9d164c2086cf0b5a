import Testing

/// The tests that need sockets and clocks: one after the other, so that each has the machine to itself.
@Suite("On real sockets", .serialized)
enum RealSockets {}
