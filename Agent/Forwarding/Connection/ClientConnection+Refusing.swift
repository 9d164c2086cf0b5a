internal import AuditLog
internal import Bytes

// From a decision to a refusal.
extension ClientConnection {
    /// Refuses a request before anything of it has gone anywhere; with a record, whatever the reason.
    func deny(
        _ refusal: Refusal,
        _ facts: CallAttributes,
        id: Range<Int>?,
        server: ServedServer?,
        _ bytes: UnsafeRawBufferPointer
    ) {
        let refusal = refusal.about(shownAlias(in: bytes), facts.item)
        let now = gate.now()
        let due = path.refusals.due(for: visit.client, now: now)
        guard due > now else {
            return settleRefusal(refusal, facts, id: literal(id, bytes), server: server, isWaited: true)
        }
        let refused = DelayedRequest.Refused(facts: facts, refusal: refusal, id: id, server: server)
        let request = DelayedRequest(on: self, refused)
        delayed = request
        path.refusals.add(request, for: visit.client, due: due)
    }

    /// Records a refusal, and answers with it where the client still waits.
    func settleRefusal(_ refusal: Refusal, _ facts: CallAttributes, id: [UInt8]?, server: ServedServer?, isWaited: Bool)
    {
        let record = gate.records.deny(facts, refusal)
        server?.metrics.countRefusal(isLimit: refusal.limiter != nil)
        guard isWaited else { return }
        let told = record == .noRoom ? Refusal.notRecorded.about(server?.alias) : refusal
        answerRefusal(told, id: id, record: record == .made ? facts.call : nil)
    }

    /// Answers a request with an error of the agent's own.
    func answerRefusal(_ refusal: Refusal, id: [UInt8]?, record: RandomID?) {
        switch refusal.form {
        case .rpc(let status):
            let body = refusal.body(id: id, record: record)
            answer(ReplyHead(status: status, body: .length(body.count)), body, record: record)
        case .silent(let status):
            // Only the head names the record.
            let body = refusal.body(id: id, record: nil)
            answer(ReplyHead(status: status, body: .length(body.count)), body, record: record)
        }
    }
}
