internal import Contract
internal import Forwarding
internal import StrictJSON

extension ToolPinning {
    /// How the tools of a server are pinned, by its entry and what the organisation has approved of it.
    init(_ entry: ServerEntry, approved: PinsDocument.Tools?) {
        let mode: Mode =
            switch entry.pins {
            case .firstUse: .firstUse
            case .approve: .approve
            }
        self.init(
            mode: mode,
            entry: entry.digest,
            approved: approved,
            trustsAnnotations: entry.annotations == .trusted
        )
    }
}
