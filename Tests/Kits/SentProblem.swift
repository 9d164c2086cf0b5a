package import Contract
internal import StrictJSON

extension Problem {
    /// What a coordinator would send for a refusal, under this status.
    package init(sent refused: Refused, status: Int = 401) {
        self.init(
            refused.code,
            status: status,
            title: "",
            detail: refused.message,
            next: refused.next,
            members: refused.members
        )
    }
}
