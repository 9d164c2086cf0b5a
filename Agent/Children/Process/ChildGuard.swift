/// The shell that stands between the agent and bubblewrap, and ends a sandbox whose agent has ended.
///
/// bubblewrap alone does not always end with its parent: killed while it makes a sandbox, it leaves a process that waits for a
/// word of it for ever. So it is never killed then. The kernel sends the guard SIGTERM when the agent ends, however it ends,
/// and the agent sends it too. The guard waits until bubblewrap has made its process, kills that one, and with it everything in
/// its namespace.
enum ChildGuard {
    private static let shell = "/bin/sh"

    /// What it does: bubblewrap becomes its child, with whose status it exits.
    ///
    /// It keeps none of the files that it hands on, or the ends of pipes would never be seen. A shell has its children ignore two signals, which `env`
    /// undoes where it can.
    private static let script = """
        over() {
            trap '' TERM
            [ -n "$!" ] || exit 1
            while :; do
                read -r _ _ state _ < /proc/$!/stat && [ "$state" != Z ] || exit 1
                read -r first < /proc/$!/task/$!/children
                [ -z "$first" ] || break
                /bin/sleep 0.01
            done
            kill -KILL $first $!
            wait
            exit 1
        }
        trap over TERM
        usual='/usr/bin/env --default-signal=INT,QUIT'
        $usual true 2>/dev/null && set -- $usual "$@"
        exec 9<&0
        "$@" <&9 9<&- &
        exec <&- >&- 2>&- 3<&- 4<&- 5<&- 9<&-
        wait $!
        """

    /// What is started in the place of a program.
    static func command(_ program: String, _ arguments: [String]) -> (program: String, arguments: [String]) {
        (shell, [shell, "-c", script, "doorward", program] + arguments.dropFirst())
    }
}
