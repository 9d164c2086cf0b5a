internal import Glibc

/// Ends the process at once, without what C libraries do at the end of one.
///
/// `exit` runs the handlers of libcurl, OpenSSL and GLib, which free what all threads share, while our own threads may still
/// be at work with it: a command that has done everything right can then end with a segmentation fault. Nothing is lost by
/// leaving them out: output goes through write(2), and what has to be on disk is there.
///
/// - Parameter status: the exit status.
package func endProcess(_ status: Int32) -> Never {
    _exit(status)
}
