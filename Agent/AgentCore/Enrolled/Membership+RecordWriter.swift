package import AgentState
package import AuditLog
internal import Bytes
internal import StrictJSON
internal import TransparencyLog

extension Membership {
    /// Writes the records of one run of this machine's agent.
    package func recordWriter() -> RecordWriter {
        RecordWriter(
            agent: JSONText(agentID),
            instance: RandomID(),
            key: publicKey.fingerprint,
            boot: RecordWriter.bootMark(bootID: Array(MachineBoot.id.utf8), agent: JSONText(agentID)),
            subject: JSONText(sub)
        )
    }
}
