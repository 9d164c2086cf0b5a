import Addresses
import CCurl

extension Transfer {
    /// Why there is no answer, by curl's word and by ours.
    func error(for code: CURLcode) -> FetchError {
        let place = request.unixSocket == nil ? url.authority : "the local socket"
        if outgrown || code == CURLE_FILESIZE_EXCEEDED {
            return FetchError(
                .tooLarge,
                "the answer of \(place) is longer than \(request.maxBytes) bytes",
                next: "Check that the URL is the right one.",
                sent: .maybe
            )
        }
        if let unwritten {
            return FetchError(
                .unwritable,
                "the answer of \(place) could not be written: \(unwritten)",
                next: "Make room, or name another place.",
                sent: .maybe
            )
        }
        if let refused, !admitted {
            return FetchError(
                .refusedAddress,
                "\(place) is at \(refused), \(refused.kind.inWords), where this request must not go",
                next: "Use a server on the public internet, or one on this machine with --allow-loopback."
            )
        }
        if let foreign {
            return FetchError(
                .foreignServer,
                "nothing was sent to \(place). \(foreign)",
                next: "Start the server's own program, or have its entry registered with --allow-foreign-owner."
            )
        }
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY:
            return FetchError(.resolve, "\(place) has no address", next: "Check the name and the network.")
        case CURLE_COULDNT_CONNECT:
            return FetchError(.connect, "nobody answers at \(place)", next: "Check that the server runs.")
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM,
            CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS:
            if let why = wrongTime {
                return FetchError(
                    .tls,
                    "no trusted connection to \(place): \(why)",
                    next:
                        "See whether this machine's clock is right: `date` shows it. If it is, the certificate has to be "
                        + "renewed."
                )
            }
            let why = String(cString: curl_easy_strerror(code))
            return FetchError(
                .tls,
                "no trusted connection to \(place): \(why)",
                next: "Check the server's certificate, or name its authority with --ca."
            )
        case CURLE_OPERATION_TIMEDOUT:
            return FetchError(
                .timeout,
                "\(place) gave no whole answer within \(request.timeout)",
                next: "Try again later.",
                sent: sent
            )
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL:
            return FetchError(.badURL, "the URL of \(place) cannot be fetched", next: "Check the URL.")
        default:
            let connect = cc_get_long(handle, CURLINFO_HTTP_CONNECTCODE)
            if proxy != nil, connect >= 300 {
                return FetchError(
                    .connect,
                    "the proxy answered \(connect) to a connection to \(place)",
                    next: "Check HTTPS_PROXY and NO_PROXY."
                )
            }
            let why = String(cString: curl_easy_strerror(code))
            return FetchError(.broken, "the answer of \(place) broke off: \(why)", next: "Try again later.", sent: sent)
        }
    }
}
