extension ClientConnection {
    /// What a connection does, how long it may take, and whether more is read: no I/O, and the time is an argument.
    ///
    ///              opened            requestTaken             ends
    ///     closed ────────► reading ◄──────────────► answering ────► ending
    ///                               answered
    ///
    /// All times are nanoseconds of the machine's own clock; `Int64.max` is never.
    struct StateMachine {
        /// What the connection does.
        enum Phase {
            /// Nothing is read before the peer is known, and nothing once the connection has ended.
            case closed
            case reading
            /// A request is being served and has no answer yet.
            case answering
            /// The last answer has gone out; the client is left the time to read it.
            case ending
        }

        /// How long the client may take.
        struct Bounds {
            /// For the head of a request, from its first byte on.
            let head: Int64
            /// From one piece of a body to the next.
            let body: Int64
            /// For reading on what its system has taken.
            let reader: Int64
            /// For the rest of an answer that it has long had.
            let drain: Int64 = 5_000_000_000
            /// For reading the last answer.
            let lastAnswer: Int64 = 2_000_000_000
        }

        /// What the reader of requests waits for.
        enum Missing {
            /// The rest of a head.
            case head
            /// The rest of a body.
            case body
            /// A request; `isDraining` while the rest of an answer is read.
            case request(isDraining: Bool)
        }

        /// What becomes of a connection whose time is over.
        enum Overdue: Equatable {
            case nothing
            /// The request did not come in time.
            case refuseRequest
            /// The rest of an answer does not come.
            case stopDraining
            /// The server was silent for as long as it may be.
            case call
            /// The client does not read.
            case close
        }

        private let bounds: Bounds
        private(set) var phase = Phase.closed
        /// When something last happened that the client asked for.
        private(set) var lastActive: Int64
        /// Whether the client's system takes more; asking the channel costs more than to remember it.
        private(set) var isWritable = true

        /// Whether something was read in this turn of the loop that is not yet looked at.
        private var isJudgeAwaited = false
        private var isProcessing = false
        private(set) var isReadingHeld = false
        private var headBegan = Int64.max
        /// Until when what the phase waits for must have happened.
        private var phaseDeadline = Int64.max
        /// Until when the client must have read on, while more lies before it than its system takes.
        private var readUntil = Int64.max

        /// The most that is read of requests that wait for the answer of another, in bytes.
        static let mostPipelined = 64 << 10

        init(_ bounds: Bounds, now: Int64) {
            self.bounds = bounds
            lastActive = now
        }

        // MARK: Phases

        /// The peer is known.
        mutating func opened() {
            phase = .reading
        }

        /// The connection has ended.
        mutating func closed() {
            phase = .closed
        }

        /// A request is whole, and served from now on.
        mutating func requestTaken(_ now: Int64) {
            phase = .answering
            headBegan = .max
            phaseDeadline = .max
            lastActive = now
        }

        /// A request is refused before it is whole.
        mutating func refusedEarly() {
            phase = .answering
        }

        /// The request has its answer; false where no other may follow.
        mutating func answered(_ now: Int64) -> Bool {
            guard phase == .answering else { return false }
            phase = .reading
            lastActive = now
            return true
        }

        /// The last answer goes out.
        mutating func ends(_ now: Int64) {
            phase = .ending
            phaseDeadline = now + bounds.lastAnswer
        }

        // MARK: Reading

        /// Whether bytes that come are looked at.
        var takesBytes: Bool { phase == .reading || phase == .answering }

        /// There are bytes to be looked at; false where that was said before in this turn of the loop.
        mutating func received() -> Bool {
            guard !isJudgeAwaited else { return false }
            isJudgeAwaited = true
            return true
        }

        /// Whether reading is to be held back with so many bytes waiting: while more requests lie here than are served, the
        /// client's system is to hold back too.
        func isTooMuch(_ waiting: Int) -> Bool {
            (phase == .answering || !isWritable) && waiting > Self.mostPipelined
        }

        /// Holds reading back, or reads on; returns whether that is a change.
        mutating func holdReading(_ isHeld: Bool) -> Bool {
            guard isHeld != isReadingHeld else { return false }
            isReadingHeld = isHeld
            return true
        }

        /// Takes up what is to be looked at; false where nothing is.
        mutating func takeJudging() -> Bool {
            defer { isJudgeAwaited = false }
            return isJudgeAwaited
        }

        /// Begins to look at what has come; false where that is going on, since what is served may be answered at once, and
        /// then asks for the next.
        mutating func beginProcessing() -> Bool {
            guard !isProcessing else { return false }
            isProcessing = true
            return true
        }

        mutating func endProcessing() {
            isProcessing = false
        }

        // MARK: Deadlines

        /// When the next thing must have happened: what the phase waits for, or that the client reads.
        var deadline: Int64 { min(phaseDeadline, readUntil) }

        /// Sets until when what the phase waits for must have happened.
        mutating func wait(until time: Int64) {
            phaseDeadline = time
        }

        /// Sets the deadline of a request that is being read, by what is missing.
        mutating func wait(for missing: Missing, _ now: Int64) {
            switch missing {
            case .body:
                phaseDeadline = now + bounds.body
            case .head:
                if headBegan == .max { headBegan = now }
                phaseDeadline = headBegan + bounds.head
            case .request(let isDraining):
                phaseDeadline = isDraining ? now + bounds.drain : .max
            }
        }

        /// The client's system takes more, or takes no more for now.
        mutating func writable(_ isWritable: Bool, _ now: Int64) {
            self.isWritable = isWritable
            readUntil = isWritable ? .max : now + bounds.reader
        }

        /// The deadline has passed.
        ///
        /// - Parameters:
        ///   - now: the time.
        ///   - isRequestBegun: whether a part of a request has come.
        /// - Returns: what is to be done.
        mutating func deadlinePassed(_ now: Int64, isRequestBegun: Bool) -> Overdue {
            phaseDeadline = .max
            guard now < readUntil else { return .close }
            switch phase {
            case .reading: return isRequestBegun ? .refuseRequest : .stopDraining
            case .answering: return .call
            case .ending: return .close
            case .closed: return .nothing
            }
        }
    }
}
