internal import StrictJSON

/// What a result says of a task.
struct TaskWords {
    /// Nil where it says none.
    let id: JSONText?
    let isOver: Bool

    /// Reads a result, in the form of either era.
    init?(result: UnsafeBufferPointer<UInt8>, limits: JSONLimits) {
        guard let json = try? JSONValue(parsing: result, limits: limits) else { return nil }
        let task = json["task"] ?? json
        id = task["taskId"]?.string
        isOver = ["completed", "failed", "cancelled"].contains(task["status"]?.text)
    }
}
