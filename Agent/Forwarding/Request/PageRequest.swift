/// A request for a page of the agent's own that is being answered elsewhere.
final class PageRequest {
    var task: Task<Void, Never>?

    func cancel() {
        task?.cancel()
    }
}
