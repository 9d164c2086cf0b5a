internal import Glibc

/// Ends the process at once, without what C libraries do at the end of one.
///
/// `exit` runs the handlers of libcurl, OpenSSL and GLib, which free what all threads share, while our own threads are still
/// at work with it: a command that had done everything right then ended with a segmentation fault, once in some thousand
/// times. Nothing is lost by leaving them out: output goes through write(2), and what has to be on disk is there.
///
/// - Parameter status: the exit status.
package func endProcess(_ status: Int32) -> Never {
    _exit(status)
}
