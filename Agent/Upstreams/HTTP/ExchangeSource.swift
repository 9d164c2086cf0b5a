/// What answers an exchange that is on no connection of its own: a server in another form, whose answers are made here.
package protocol ExchangeSource: AnyObject {
    /// The delegate has enough of the body for now, or wants more.
    func setReading(_ isReading: Bool)

    /// The delegate hears nothing more: its client has gone, or the call was given up.
    func cancel()
}
