internal import Glibc
internal import ServiceKit

/// A line that nobody is to see: from the terminal without an echo, else from standard input.
enum SecretInput {
    /// The next line, without its end; nil where there is none.
    ///
    /// A terminal shows the question.
    static func line(_ question: String) -> String? {
        var before = termios()
        let isTerminal = tcgetattr(STDIN_FILENO, &before) == 0
        guard isTerminal else { return readLine(strippingNewline: true) }
        var silent = before
        silent.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &before)
            Console.note("")
        }
        Console.prompt(question)
        return readLine(strippingNewline: true)
    }
}
